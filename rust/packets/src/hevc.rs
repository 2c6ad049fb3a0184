//! HEVC: NAL unit types, layers and temporal sub-layers (ITU-T H.265 7.3.1.2, 7.4.2.2).

use crate::facts::PacketFacts;
use crate::nal::NalUnits;
use crate::sei::Messages;

// NAL unit types, table 7-1.
/// The last type of the range in which even types are pictures that no other picture of their temporal
/// sub-layer refers to.
const RSV_VCL_N14: u8 = 14;
const BLA_W_LP: u8 = 16;
const CRA: u8 = 21;
const LAST_VCL: u8 = 31;
const VPS: u8 = 32;
const PPS: u8 = 34;
const AUD: u8 = 35;
const FILLER: u8 = 38;
const PREFIX_SEI: u8 = 39;
const SUFFIX_SEI: u8 = 40;

/// Return the facts about a packet; None if it cannot be read.
pub(crate) fn describe(nal_length_size: usize, packet: &[u8]) -> Option<PacketFacts> {
    let mut facts = PacketFacts::default();
    let (mut slices, mut base_slices) = (0, 0);
    let (mut all_unreferenced, mut all_start, mut all_renumbered) = (true, true, true);
    let mut messages = Messages::default();
    // Whether there are only slices and units that are useless without them, all in one layer.
    let mut plain = true;
    facts.without_picture = true;
    let mut units = 0;
    for unit in NalUnits::new(packet, nal_length_size) {
        let (&[first, second], payload) = unit?.split_first_chunk()?;
        let kind = first >> 1 & 0x3f;
        let layer = (first & 1) << 5 | second >> 3;
        let temporal_layer = (second & 7).checked_sub(1)?;
        if first & 0x80 != 0 {
            return None;
        }
        plain &= layer == 0;
        units += 1;
        facts.without_picture &= (VPS..=SUFFIX_SEI).contains(&kind);
        match kind {
            0..=LAST_VCL => {
                if payload.is_empty() {
                    return None;
                }
                slices += 1;
                all_unreferenced &= kind <= RSV_VCL_N14 && kind.is_multiple_of(2);
                facts.temporal_layer = facts.temporal_layer.max(temporal_layer);
                if layer == 0 {
                    base_slices += 1;
                    all_start &= (BLA_W_LP..=CRA).contains(&kind);
                    // The number of a CRA picture depends on earlier pictures, if there are any.
                    all_renumbered &= kind != CRA;
                }
            }
            VPS..=PPS => {
                plain = false;
                facts.parameter_sets = true;
            }
            PREFIX_SEI => messages.read(payload),
            AUD | FILLER | SUFFIX_SEI => {}
            _ => plain = false,
        }
    }
    facts.without_picture &= units > 0;
    facts.parameter_sets |= messages.lasting;
    facts.disposable = slices > 0 && plain && all_unreferenced && !messages.lasting;
    let exact = all_renumbered || !messages.film_grain;
    facts.random_access = base_slices > 0 && all_start && exact;
    Some(facts)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Return a unit of a type, layer and temporal sub-layer, after a length of four bytes.
    fn unit(kind: u8, layer: u8, temporal_layer: u8) -> Vec<u8> {
        let header = [kind << 1 | layer >> 5, layer << 3 | (temporal_layer + 1)];
        [&[0, 0, 0, 4], &header[..], &[0xa0, 1]].concat()
    }

    fn facts(units: &[(u8, u8, u8)]) -> PacketFacts {
        let units = units
            .iter()
            .map(|(kind, layer, temporal)| unit(*kind, *layer, *temporal));
        describe(4, &units.collect::<Vec<_>>().concat()).unwrap_or_default()
    }

    #[test]
    fn even_types_are_disposable_and_odd_ones_are_not() {
        for kind in 0..=31 {
            let expected = kind <= 14 && kind % 2 == 0;
            assert_eq!(facts(&[(kind, 0, 0)]).disposable, expected, "{kind}");
            assert_eq!(
                facts(&[(0, 0, 0), (kind, 0, 0)]).disposable,
                expected,
                "{kind}"
            );
        }
    }

    #[test]
    fn only_what_is_of_no_use_alone_may_come_with_a_disposable_picture() {
        for kind in 32..64 {
            let expected = [35, 38, 39, 40].contains(&kind);
            assert_eq!(
                facts(&[(kind, 0, 0), (0, 0, 0)]).disposable,
                expected,
                "{kind}"
            );
            assert!(!facts(&[(kind, 0, 0)]).disposable, "{kind}");
        }
        assert!(!facts(&[(0, 0, 0), (0, 1, 0)]).disposable);
        assert!(!facts(&[(0, 33, 0)]).disposable);
        assert!(!facts(&[(0, 0, 0), (39, 1, 0)]).disposable);
    }

    #[test]
    fn decoding_can_start_at_pictures_of_six_types() {
        for kind in 0..=31 {
            let expected = (16..=21).contains(&kind);
            assert_eq!(facts(&[(kind, 0, 0)]).random_access, expected, "{kind}");
            assert_eq!(
                facts(&[(19, 0, 0), (kind, 0, 0)]).random_access,
                expected,
                "{kind}"
            );
        }
        assert!(facts(&[(19, 0, 0), (1, 1, 0)]).random_access);
        assert!(!facts(&[(1, 0, 0), (19, 1, 0)]).random_access);
        assert!(!facts(&[(19, 1, 0)]).random_access);
        assert!(!facts(&[(32, 0, 0), (33, 0, 0)]).random_access);
        // Dolby Vision metadata.
        assert!(facts(&[(19, 0, 0), (62, 0, 0)]).random_access);
    }

    #[test]
    fn parameter_sets_are_seen() {
        for kind in 0..64 {
            let expected = (32..=34).contains(&kind);
            assert_eq!(facts(&[(kind, 0, 0)]).parameter_sets, expected, "{kind}");
        }
    }

    #[test]
    fn film_grain_follows_the_numbers_of_pictures_since_decoding_started() {
        // Prefix SEI: film grain.
        let grain = [0, 0, 0, 7, 39 << 1, 1, 19, 2, 4, 9, 0x80];
        let with_grain = |kind| describe(4, &[&grain, &unit(kind, 0, 0)[..]].concat()).unwrap();
        assert!(with_grain(1).parameter_sets);
        assert!(!with_grain(0).disposable);
        for kind in 16..=20 {
            assert!(with_grain(kind).random_access, "{kind}");
        }
        assert!(!with_grain(CRA).random_access);
    }

    #[test]
    fn the_temporal_layer_is_the_highest_of_the_pictures() {
        assert_eq!(facts(&[(2, 0, 3)]).temporal_layer, 3);
        assert_eq!(facts(&[(1, 0, 1), (1, 0, 2), (39, 0, 6)]).temporal_layer, 2);
        assert_eq!(facts(&[(39, 0, 6)]).temporal_layer, 0);
    }

    #[test]
    fn damage_makes_a_packet_needed() {
        let good = unit(0, 0, 0);
        let with = |at: usize, byte: u8| {
            let mut packet = good.clone();
            packet[at] = byte;
            describe(4, &packet)
        };
        assert!(describe(4, &good).is_some_and(|facts| facts.disposable));
        assert_eq!(with(5, 0), None); // no temporal sub-layer
        assert_eq!(with(4, 0x80), None); // the forbidden bit
        assert_eq!(with(3, 3), None); // the rest is too short for a length
        assert_eq!(describe(4, &[0, 0, 0, 1, 0]), None);
        assert_eq!(describe(4, &[0, 0, 0, 2, 0, 1]), None); // a picture without data
        for length in 1..good.len() {
            assert_eq!(describe(4, &good[..length]), None);
        }
        assert_eq!(describe(3, &good), None);
        assert_eq!(describe(5, &good), None);
    }
}
