//! AV1: open bitstream units (AV1 bitstream specification 5.3, 5.5.1, 5.9.2).

use crate::bits::Bits;
use crate::facts::PacketFacts;

// OBU types, 6.2.2.
const SEQUENCE_HEADER: u8 = 1;
const FRAME_HEADER: u8 = 3;
const FRAME: u8 = 6;
/// Known types of units without a picture: the sequence header, delimiters, metadata and padding. Units of
/// reserved types may be anything.
const WITHOUT_PICTURE: [u8; 4] = [SEQUENCE_HEADER, 2, 5, 15];
/// `frame_type` of a key frame.
const KEY_FRAME: u32 = 0;

/// Return the facts about a packet, which is a temporal unit; None if it cannot be read.
pub(crate) fn describe(packet: &[u8]) -> Option<PacketFacts> {
    let mut facts = PacketFacts::default();
    let mut reduced = None;
    let mut first_frame = true;
    let mut rest = packet;
    facts.without_picture = !packet.is_empty();
    while !rest.is_empty() {
        let (kind, payload, following) = split_obu(rest)?;
        rest = following;
        facts.without_picture &= WITHOUT_PICTURE.contains(&kind);
        let mut bits = Bits::new(payload.iter().copied());
        match kind {
            SEQUENCE_HEADER => {
                let _profile_and_still_picture = bits.read_number(4)?;
                reduced = Some(bits.read_flag()?);
                facts.parameter_sets = true;
            }
            FRAME_HEADER | FRAME if first_frame => {
                first_frame = false;
                facts.random_access = match reduced {
                    None => false,
                    // A still picture: its reduced header does not say so.
                    Some(true) => true,
                    Some(false) => {
                        let show_existing = bits.read_flag()?;
                        !show_existing && bits.read_number(2)? == KEY_FRAME && bits.read_flag()?
                    }
                };
            }
            _ => {}
        }
    }
    Some(facts)
}

/// Split off the first unit: its type, its payload, and the bytes behind it.
fn split_obu(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (header, rest) = bytes.split_first()?;
    let flag = |bit: u8| header >> bit & 1 == 1;
    let (forbidden, has_extension, has_size) = (flag(7), flag(2), flag(1));
    if forbidden {
        return None;
    }
    let rest = rest.get(usize::from(has_extension)..)?;
    let (payload, following) = if has_size {
        let (size, rest) = read_leb128(rest)?;
        rest.split_at_checked(usize::try_from(size).ok()?)?
    } else {
        (rest, &[][..])
    };
    Some((header >> 3 & 0xf, payload, following))
}

/// Read a number of seven bits per byte, in eight bytes at most, and return the bytes behind it.
fn read_leb128(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0;
    for (i, byte) in bytes.iter().take(8).enumerate() {
        number |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Some((number, &bytes[i + 1..]));
        }
    }
    None
}

#[cfg(test)]
#[allow(clippy::unusual_byte_groupings, reason = "grouped as the fields are")]
mod tests {
    use super::*;

    const DELIMITER: [u8; 2] = [0x12, 0];
    const SEQUENCE: [u8; 4] = [0x0a, 2, 0b000_0_0_000, 9];
    const STILL: [u8; 4] = [0x0a, 2, 0b000_1_1_000, 9];

    /// Return a frame as a unit of some kind, with the first byte of its header.
    fn frame(kind: u8, header: u8) -> Vec<u8> {
        vec![kind << 3 | 2, 3, header, 7, 7]
    }

    fn facts(units: &[&[u8]]) -> PacketFacts {
        describe(&units.concat()).unwrap_or_default()
    }

    #[test]
    fn decoding_can_start_at_a_key_frame_after_a_sequence_header() {
        let key = 0b0_00_1_0000;
        for kind in [FRAME_HEADER, FRAME] {
            let key = frame(kind, key);
            let units: [&[u8]; 4] = [&DELIMITER, &SEQUENCE, &key, &frame(4, 0xff)];
            let expected = PacketFacts {
                random_access: true,
                parameter_sets: true,
                ..PacketFacts::default()
            };
            assert_eq!(facts(&units), expected);
            assert!(!facts(&[&key]).random_access);
            assert!(!facts(&[&key, &SEQUENCE, &key]).random_access);
            // Show an earlier frame; inter; intra only; switch; a hidden key frame.
            for other in [
                0b1_00_1_0000,
                0b0_01_1_0000,
                0b0_10_1_0000,
                0b0_11_1_0000,
                0,
            ] {
                let other = frame(kind, other);
                assert!(!facts(&[&SEQUENCE, &other]).random_access);
                assert!(!facts(&[&SEQUENCE, &other, &key]).random_access);
            }
        }
        assert!(!facts(&[&SEQUENCE]).random_access);
        assert!(facts(&[&STILL, &frame(FRAME, 0xff)]).random_access);
    }

    #[test]
    fn a_packet_may_have_no_picture() {
        for units in [
            &DELIMITER[..],
            &SEQUENCE,
            &[DELIMITER.as_slice(), &SEQUENCE].concat(),
        ] {
            assert!(facts(&[units]).without_picture);
            assert!(!facts(&[units, &frame(FRAME, 0)]).without_picture);
            // Show an earlier frame.
            assert!(!facts(&[units, &frame(FRAME_HEADER, 0x80)]).without_picture);
        }
        assert!(!facts(&[]).without_picture);
        // A unit of a reserved type, up to the end of the packet.
        assert!(!facts(&[&[0; 50]]).without_picture);
    }

    #[test]
    fn units_may_have_an_extension_and_the_last_one_no_size() {
        let extended = [0x36, 0x20, 1, 0b0_00_1_0000];
        assert!(facts(&[&SEQUENCE, &extended]).random_access);
        let to_the_end = [0x30, 0b0_00_1_0000, 7, 7, 7];
        assert!(facts(&[&SEQUENCE, &to_the_end]).random_access);
        let long_size = [0x32, 0x81, 0x80, 0, 0b0_00_1_0000];
        assert!(facts(&[&SEQUENCE, &long_size]).random_access);
    }

    #[test]
    fn damage_makes_a_packet_needed() {
        let key = [&SEQUENCE[..], &frame(FRAME, 0b0_00_1_0000)].concat();
        assert!(facts(&[&key]).random_access);
        for length in 1..key.len() {
            assert!(!facts(&[&key[..length]]).random_access, "{length}");
        }
        let damaged: [&[u8]; 6] = [
            &[0x80 | 0x32, 0], // the forbidden bit
            &[0x32, 0x80],     // a truncated size
            &[0x32, 5, 1],     // a size that reaches outside
            &[0x34],           // no extension
            &[0x0a, 0],        // an empty sequence header
            &[0x32, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
        ];
        for damaged in damaged {
            assert_eq!(
                facts(&[&key, damaged]),
                PacketFacts::default(),
                "{damaged:?}"
            );
        }
        assert_eq!(
            describe(&[0x32, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]),
            None
        );
    }
}
