//! MPEG-1 and MPEG-2: start codes (ISO/IEC 13818-2 6.2).
//!
//! MPEG-4 part 2 is left out: in interlaced streams a decoder scales motion in units of time that it takes
//! from the first B picture, and packets do not say whether a stream is interlaced.

use crate::bits::Bits;
use crate::facts::PacketFacts;
use crate::nal::started_units;

// Start codes.
const PICTURE: u8 = 0x00;
const LAST_SLICE: u8 = 0xaf;
const SEQUENCE: u8 = 0xb3;
/// `picture_coding_type` of an intra picture.
const INTRA_PICTURE: u32 = 1;

/// Return the facts about a packet; None if it cannot be read.
pub(crate) fn describe(packet: &[u8]) -> Option<PacketFacts> {
    let mut facts = PacketFacts::default();
    let mut first_picture = true;
    let mut units = 0;
    let mut has_picture = false;
    for unit in started_units(packet) {
        units += 1;
        let unit = unit?;
        has_picture |= unit.0 <= LAST_SLICE;
        match unit {
            (SEQUENCE, _) => facts.parameter_sets = true,
            (PICTURE, data) => {
                let mut bits = Bits::new(data.iter().copied());
                let _temporal_reference = bits.read_number(10)?;
                let intra = bits.read_number(3)? == INTRA_PICTURE;
                // A second picture is the other field of the same frame.
                if first_picture {
                    facts.random_access = intra && facts.parameter_sets;
                }
                first_picture = false;
            }
            _ => {}
        }
    }
    facts.without_picture = units > 0 && !has_picture;
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

    fn facts(parts: &[(u8, &[u8])]) -> PacketFacts {
        describe(&packet(parts)).unwrap_or_default()
    }

    const SEQUENCE_HEADER: (u8, &[u8]) = (SEQUENCE, &[0x16, 0, 0x90, 0x13]);
    const PICTURE_I: (u8, &[u8]) = (PICTURE, &[0xff, 0b1100_1111, 0xff]);
    const PICTURE_P: (u8, &[u8]) = (PICTURE, &[0, 0b0001_0111, 0xff]);
    const PICTURE_B: (u8, &[u8]) = (PICTURE, &[0, 0b0001_1111, 0xff]);

    #[test]
    fn decoding_can_start_at_an_intra_picture_after_a_sequence_header() {
        assert!(facts(&[SEQUENCE_HEADER, (0xb8, &[0, 8]), PICTURE_I]).random_access);
        assert!(facts(&[SEQUENCE_HEADER, PICTURE_I, PICTURE_P]).random_access);
        assert!(!facts(&[PICTURE_I]).random_access);
        assert!(!facts(&[PICTURE_I, SEQUENCE_HEADER]).random_access);
        assert!(!facts(&[PICTURE_I, SEQUENCE_HEADER, PICTURE_I]).random_access);
        for other in [PICTURE_P, PICTURE_B] {
            assert!(!facts(&[SEQUENCE_HEADER, other]).random_access);
            assert!(!facts(&[SEQUENCE_HEADER, other, PICTURE_I]).random_access);
        }
        assert!(facts(&[SEQUENCE_HEADER, PICTURE_P]).parameter_sets);
        assert!(!facts(&[PICTURE_P]).parameter_sets);
    }

    #[test]
    fn headers_that_are_cut_short_say_nothing() {
        assert_eq!(describe(&packet(&[SEQUENCE_HEADER, (PICTURE, &[0])])), None);
        assert_eq!(describe(&[0, 0, 1]), None);
    }
}
