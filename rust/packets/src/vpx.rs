//! VP8 (RFC 6386 9.1) and VP9 (bitstream specification 6.2): the first bytes of a frame.

use crate::bits::Bits;
use crate::facts::PacketFacts;

/// The start code of a VP8 key frame, after its frame tag of three bytes.
const VP8_START: [u8; 3] = [0x9d, 0x01, 0x2a];
/// `frame_marker` of VP9.
const VP9_MARKER: u32 = 0b10;
/// The sync code of a VP9 key frame, after its first flags.
const VP9_SYNC: u32 = 0x49_83_42;

/// Return the facts about a VP8 packet; None if it cannot be read.
pub(crate) fn describe_vp8(packet: &[u8]) -> Option<PacketFacts> {
    let inter = packet.first()? & 1 == 1;
    Some(PacketFacts {
        random_access: !inter && packet.get(3..6)? == VP8_START,
        ..PacketFacts::default()
    })
}

/// Return the facts about a VP9 packet, from the first of its frames; None if it cannot be read.
pub(crate) fn describe_vp9(packet: &[u8]) -> Option<PacketFacts> {
    let mut bits = Bits::new(packet.iter().copied());
    let marked = bits.read_number(2)? == VP9_MARKER;
    let (low, high) = (bits.read_flag()?, bits.read_flag()?);
    let reserved = low && high && bits.read_flag()?;
    let show_existing = bits.read_flag()?;
    if !marked || reserved || show_existing {
        return Some(PacketFacts::default());
    }
    let (inter, shown, _error_resilient) =
        (bits.read_flag()?, bits.read_flag()?, bits.read_flag()?);
    Some(PacketFacts {
        random_access: !inter && shown && bits.read_number(24)? == VP9_SYNC,
        ..PacketFacts::default()
    })
}

#[cfg(test)]
#[allow(clippy::unusual_byte_groupings, reason = "grouped as the fields are")]
mod tests {
    use super::*;

    fn vp8(packet: &[u8]) -> bool {
        describe_vp8(packet).is_some_and(|facts| facts.random_access)
    }

    fn vp9(packet: &[u8]) -> bool {
        describe_vp9(packet).is_some_and(|facts| facts.random_access)
    }

    #[test]
    fn decoding_vp8_can_start_at_a_key_frame() {
        let key = [0x10, 2, 0, 0x9d, 0x01, 0x2a, 160, 0, 120, 0];
        assert!(vp8(&key));
        for (at, byte) in [(0, 0x11), (3, 0), (4, 0), (5, 0x2b)] {
            let mut other = key;
            other[at] = byte;
            assert!(!vp8(&other), "{at}");
        }
        for length in 0..6 {
            assert!(!vp8(&key[..length]));
        }
    }

    #[test]
    fn decoding_vp9_can_start_at_a_key_frame_that_is_shown() {
        let key = |first: u8| [first, 0x49, 0x83, 0x42, 0];
        // Marker, profile, show_existing, inter, shown, error resilient.
        for first in [0b10_00_0_0_1_0, 0b10_10_0_0_1_1, 0b10_01_0_0_1_0] {
            assert!(vp9(&key(first)), "{first:b}");
        }
        for first in [
            0b10_00_1_0_1_0,
            0b10_00_0_1_1_0,
            0b10_00_0_0_0_0,
            0b11_00_0_0_1_0,
            0b00_00_0_0_1_0,
        ] {
            assert!(!vp9(&key(first)), "{first:b}");
        }
        assert!(!vp9(&[0b10_00_0_0_1_0, 0x49, 0x83, 0x43, 0]));
        for length in 0..4 {
            assert!(!vp9(&key(0b10_00_0_0_1_0)[..length]));
        }
    }

    #[test]
    fn vp9_profile_3_has_a_bit_more() {
        // The sync code, one bit further.
        let sync = [0x24, 0xc1, 0xa1, 0x00];
        assert!(vp9(&[&[0b10_11_0_0_0_1], &sync[..]].concat()));
        assert!(!vp9(&[&[0b10_11_1_0_0_1], &sync[..]].concat()));
        assert!(!vp9(&[&[0b10_11_0_1_0_1], &sync[..]].concat()));
    }
}
