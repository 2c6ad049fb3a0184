//! MPEG-4 part 2 (ISO/IEC 14496-2 6.2) and MPEG-1 and 2 (ISO/IEC 13818-2 6.2): what start codes say.

use super::PacketFacts;
use super::bits::Bits;
use super::nal::started_units;

// Start codes of MPEG-4.
const FIRST_VOL: u8 = 0x20;
const LAST_VOL: u8 = 0x2f;
const VOP: u8 = 0xb6;
/// `vop_coding_type` of an intra picture.
const INTRA_VOP: u8 = 0;

// Start codes of MPEG-1 and 2.
const PICTURE: u8 = 0x00;
const SEQUENCE: u8 = 0xb3;
/// `picture_coding_type` of an intra picture.
const INTRA_PICTURE: u32 = 1;

/// What a packet of MPEG-4 says; `None` where it cannot be read.
pub(super) fn describe_mpeg4(packet: &[u8]) -> Option<PacketFacts> {
    let mut facts = PacketFacts::default();
    let (mut pictures, mut intra) = (0, true);
    for unit in started_units(packet) {
        match unit? {
            (VOP, data) => {
                pictures += 1;
                intra &= data.first()? >> 6 == INTRA_VOP;
            }
            (FIRST_VOL..=LAST_VOL, _) => facts.parameter_sets = true,
            _ => {}
        }
    }
    // Encoders pack a B picture into the packet of another one and leave an empty packet in its place:
    // what is presented when is then not for a single packet to say.
    facts.random_access = pictures == 1 && intra;
    Some(facts)
}

/// What a packet of MPEG-1 or MPEG-2 says; `None` where it cannot be read.
pub(super) fn describe_mpeg2(packet: &[u8]) -> Option<PacketFacts> {
    let mut facts = PacketFacts::default();
    let mut first_picture = true;
    for unit in started_units(packet) {
        match unit? {
            (SEQUENCE, _) => facts.parameter_sets = true,
            (PICTURE, data) => {
                let mut bits = Bits::new(data.iter().copied());
                let _temporal_reference = bits.number(10)?;
                let intra = bits.number(3)? == INTRA_PICTURE;
                // A second one is the other field of the same frame.
                if first_picture {
                    facts.random_access = intra && facts.parameter_sets;
                }
                first_picture = false;
            }
            _ => {}
        }
    }
    Some(facts)
}

#[cfg(test)]
#[allow(clippy::unusual_byte_groupings, reason = "grouped as the fields are")]
mod tests {
    use super::*;

    fn packet(parts: &[(u8, &[u8])]) -> Vec<u8> {
        let part = |(code, data): &(u8, &[u8])| [&[0, 0, 1, *code], *data].concat();
        parts.iter().flat_map(part).collect()
    }

    fn mpeg4(parts: &[(u8, &[u8])]) -> PacketFacts {
        describe_mpeg4(&packet(parts)).unwrap_or_default()
    }

    fn mpeg2(parts: &[(u8, &[u8])]) -> PacketFacts {
        describe_mpeg2(&packet(parts)).unwrap_or_default()
    }

    const VOP_I: (u8, &[u8]) = (VOP, &[0b0010_0000, 9]);
    const VOP_P: (u8, &[u8]) = (VOP, &[0b0110_0000, 9]);
    const VOP_B: (u8, &[u8]) = (VOP, &[0b1010_0000, 9]);
    const VOP_S: (u8, &[u8]) = (VOP, &[0b1110_0000, 9]);

    #[test]
    fn decoding_mpeg4_can_start_at_a_single_intra_picture() {
        assert!(mpeg4(&[VOP_I]).random_access);
        assert!(mpeg4(&[(0xb3, &[0, 8]), VOP_I]).random_access);
        for other in [VOP_P, VOP_B, VOP_S] {
            assert!(!mpeg4(&[other]).random_access);
            assert!(!mpeg4(&[VOP_I, other]).random_access);
        }
        assert!(!mpeg4(&[VOP_I, VOP_I]).random_access);
        assert!(!mpeg4(&[(0xb0, &[1])]).random_access);
        assert!(!mpeg4(&[(VOP, &[])]).random_access);
    }

    #[test]
    fn a_vol_header_is_a_parameter_set() {
        assert!(mpeg4(&[(0x20, &[1]), VOP_I]).parameter_sets);
        assert!(mpeg4(&[(0x2f, &[1])]).parameter_sets);
        assert!(!mpeg4(&[(0x1f, &[1]), (0x30, &[1]), VOP_I]).parameter_sets);
    }

    const SEQUENCE_HEADER: (u8, &[u8]) = (SEQUENCE, &[0x16, 0, 0x90, 0x13]);
    const PICTURE_I: (u8, &[u8]) = (PICTURE, &[0xff, 0b1100_1111, 0xff]);
    const PICTURE_P: (u8, &[u8]) = (PICTURE, &[0, 0b0001_0111, 0xff]);
    const PICTURE_B: (u8, &[u8]) = (PICTURE, &[0, 0b0001_1111, 0xff]);

    #[test]
    fn decoding_mpeg2_can_start_at_an_intra_picture_after_a_sequence_header() {
        assert!(mpeg2(&[SEQUENCE_HEADER, (0xb8, &[0, 8]), PICTURE_I]).random_access);
        assert!(mpeg2(&[SEQUENCE_HEADER, PICTURE_I, PICTURE_P]).random_access);
        assert!(!mpeg2(&[PICTURE_I]).random_access);
        assert!(!mpeg2(&[PICTURE_I, SEQUENCE_HEADER]).random_access);
        assert!(!mpeg2(&[PICTURE_I, SEQUENCE_HEADER, PICTURE_I]).random_access);
        for other in [PICTURE_P, PICTURE_B] {
            assert!(!mpeg2(&[SEQUENCE_HEADER, other]).random_access);
            assert!(!mpeg2(&[SEQUENCE_HEADER, other, PICTURE_I]).random_access);
        }
        assert!(mpeg2(&[SEQUENCE_HEADER, PICTURE_P]).parameter_sets);
        assert!(!mpeg2(&[PICTURE_P]).parameter_sets);
    }

    #[test]
    fn headers_that_are_cut_short_say_nothing() {
        assert_eq!(
            describe_mpeg2(&packet(&[SEQUENCE_HEADER, (PICTURE, &[0])])),
            None
        );
        assert_eq!(describe_mpeg2(&[0, 0, 1]), None);
        assert_eq!(describe_mpeg4(&packet(&[VOP_I, (VOP, &[])])), None);
        assert_eq!(describe_mpeg4(&[0, 0, 1, VOP, 0x20, 0, 0, 1]), None);
    }
}
