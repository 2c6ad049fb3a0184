//! H.264: NAL unit types, `nal_ref_idc`, slice types and recovery points (ITU-T H.264 7.3, 7.4, D.1.8).

use crate::bits::Bits;
use crate::facts::PacketFacts;
use crate::nal::{NalUnits, unescape};
use crate::sei::Messages;

// NAL unit types, table 7-1.
const SLICE: u8 = 1;
const PARTITION_A: u8 = 2;
const PARTITION_C: u8 = 4;
const IDR_SLICE: u8 = 5;
const SEI: u8 = 6;
const SPS: u8 = 7;
const PPS: u8 = 8;
const AUD: u8 = 9;
const FILLER: u8 = 12;
const SPS_EXTENSION: u8 = 13;
const SUBSET_SPS: u8 = 15;
const SLICE_EXTENSION: u8 = 20;
const SLICE_EXTENSION_DEPTH: u8 = 21;

// Slice types modulo 5, table 7-6.
const I: u32 = 2;
const SI: u32 = 4;

/// Return the facts about a packet; None if it cannot be read.
pub(crate) fn describe(nal_length_size: usize, packet: &[u8]) -> Option<PacketFacts> {
    let mut facts = PacketFacts::default();
    let mut slices = 0;
    let (mut all_idr, mut all_intra) = (true, true);
    let (mut all_referenced, mut all_unreferenced) = (true, true);
    let mut messages = Messages::default();
    // Whether there are only slices and units that are useless without them.
    let mut plain = true;
    // Whether there are no units whose dependencies on other pictures this code does not follow.
    let mut single_layer = true;
    let mut units = 0;
    facts.without_picture = true;
    for unit in NalUnits::new(packet, nal_length_size) {
        let (header, payload) = unit?.split_first()?;
        if header & 0x80 != 0 {
            return None;
        }
        let (ref_idc, kind) = (header >> 5, header & 0x1f);
        units += 1;
        facts.without_picture &= matches!(kind, SEI..=SPS_EXTENSION | SUBSET_SPS);
        match kind {
            SLICE | IDR_SLICE => {
                slices += 1;
                all_idr &= kind == IDR_SLICE;
                all_intra &= kind == SLICE && is_intra(payload)?;
                all_referenced &= ref_idc != 0;
                all_unreferenced &= kind == SLICE && ref_idc == 0;
            }
            PARTITION_A..=PARTITION_C | SLICE_EXTENSION | SLICE_EXTENSION_DEPTH => {
                plain = false;
                single_layer = false;
            }
            SEI => messages.read(payload),
            AUD | FILLER => {}
            SPS | PPS | SPS_EXTENSION | SUBSET_SPS => {
                plain = false;
                facts.parameter_sets = true;
            }
            _ => plain = false,
        }
    }
    facts.without_picture &= units > 0;
    facts.parameter_sets |= messages.lasting;
    facts.disposable = slices > 0 && plain && all_unreferenced && !messages.lasting;
    // Recovery can only end at a reference picture. Its number, which seeds film grain, depends on
    // earlier pictures.
    let recovers = messages.exact_recovery && all_referenced && !messages.film_grain;
    facts.random_access = slices > 0 && single_layer && (all_idr || all_intra && recovers);
    Some(facts)
}

/// Return whether a slice refers to no other picture, by its header.
fn is_intra(payload: &[u8]) -> Option<bool> {
    let mut bits = Bits::new(unescape(payload));
    let _first_macroblock = bits.read_golomb()?;
    Some(matches!(bits.read_golomb()? % 5, I | SI))
}

#[cfg(test)]
#[allow(clippy::unusual_byte_groupings, reason = "grouped as the fields are")]
mod tests {
    use super::*;

    /// `first_mb_in_slice` 0 and a slice type, then data.
    const I_SLICE: [u8; 3] = [0b1_0001_000, 0x84, 1]; // 7: every slice of the picture is I
    const P_SLICE: [u8; 3] = [0b1_00110_10, 0x84, 1]; // 5
    const B_SLICE: [u8; 3] = [0b1_010_1010, 0x84, 1]; // 1
    const EXACT: [u8; 4] = [6, 1, 0b1_1_0_00_100, 0x80];

    fn packet(units: &[(u8, &[u8])]) -> Vec<u8> {
        let unit = |(header, payload): &(u8, &[u8])| [&[0, 0, 1, *header], *payload].concat();
        units.iter().flat_map(unit).collect()
    }

    fn facts(units: &[(u8, &[u8])]) -> PacketFacts {
        describe(0, &packet(units)).unwrap_or_default()
    }

    #[test]
    fn a_picture_that_is_not_referred_to_is_disposable() {
        assert!(facts(&[(0x01, &B_SLICE)]).disposable);
        assert!(facts(&[(0x01, &B_SLICE), (0x01, &P_SLICE)]).disposable);
        let around: &[(u8, &[u8])] = &[
            (0x09, &[0xf0]),
            (0x06, &[5, 1, 9, 0x80]),
            (0x01, &B_SLICE),
            (0x0c, &[0xff, 0x80]),
        ];
        assert!(facts(around).disposable);
        assert!(!facts(around).random_access && !facts(around).parameter_sets);
    }

    #[test]
    fn a_picture_that_is_referred_to_or_comes_with_more_is_not() {
        assert!(!facts(&[(0x21, &B_SLICE)]).disposable);
        assert!(!facts(&[(0x01, &B_SLICE), (0x61, &P_SLICE)]).disposable);
        assert!(!facts(&[(0x06, &[5, 1, 9, 0x80])]).disposable);
        // IDR, partitions, parameter sets, end units, prefix, auxiliary and extension slices, unknown.
        for kind in [
            2, 3, 4, 5, 7, 8, 10, 11, 13, 14, 15, 19, 20, 21, 0, 16, 24, 31,
        ] {
            assert!(
                !facts(&[(0x01, &B_SLICE), (kind, &I_SLICE)]).disposable,
                "{kind}"
            );
            assert!(
                !facts(&[(kind, &I_SLICE), (0x01, &B_SLICE)]).disposable,
                "{kind}"
            );
        }
    }

    #[test]
    fn an_idr_picture_is_where_decoding_can_start() {
        let idr = facts(&[
            (0x67, &[100]),
            (0x68, &[0xee]),
            (0x65, &I_SLICE),
            (0x65, &I_SLICE),
        ]);
        let expected = PacketFacts {
            random_access: true,
            parameter_sets: true,
            ..PacketFacts::default()
        };
        assert_eq!(idr, expected);
        assert!(facts(&[(0x6e, &[0x40]), (0x65, &I_SLICE)]).random_access);
        assert!(!facts(&[(0x65, &I_SLICE), (0x41, &P_SLICE)]).random_access);
        for kind in [2, 3, 4, 20, 21] {
            assert!(
                !facts(&[(0x65, &I_SLICE), (kind, &I_SLICE)]).random_access,
                "{kind}"
            );
        }
        assert!(!facts(&[(0x67, &[100])]).random_access);
        assert!(facts(&[(0x0d, &[0x80])]).parameter_sets);
        assert!(facts(&[(0x6f, &[0x80])]).parameter_sets);
    }

    #[test]
    fn so_is_an_intra_picture_with_an_exact_recovery_point() {
        assert!(facts(&[(6, &EXACT), (0x61, &I_SLICE), (0x61, &I_SLICE)]).random_access);
        assert!(!facts(&[(0x61, &I_SLICE)]).random_access);
        assert!(!facts(&[(6, &EXACT), (0x61, &P_SLICE)]).random_access);
        assert!(!facts(&[(6, &EXACT), (0x61, &I_SLICE), (0x61, &P_SLICE)]).random_access);
        // Exact after a frame; not exact; broken; another message; truncated.
        let others: [&[u8]; 5] = [
            &[6, 1, 0b010_1_0_00_1, 0x80],
            &[6, 1, 0b1_0_0_00_100, 0x80],
            &[6, 1, 0b1_1_1_00_100, 0x80],
            &[5, 1, 0b1_1_0_00_100, 0x80],
            &[6, 1, 0x80],
        ];
        for other in others {
            assert!(
                !facts(&[(6, other), (0x61, &I_SLICE)]).random_access,
                "{other:?}"
            );
        }
    }

    #[test]
    fn a_recovery_point_is_found_among_other_messages() {
        // Three payload bytes, four with the emulation prevention byte; then the recovery point.
        let escaped = [5, 3, 0, 0, 3, 1, 6, 1, 0b1_1_0_00_100, 0x80];
        assert!(facts(&[(6, &escaped), (0x61, &I_SLICE)]).random_access);
        // Kind 255 + 6 is another message; its 300 bytes of payload look like a recovery point.
        let mut long = vec![255, 6, 255, 45];
        long.extend([6; 300]);
        let found = |sei: &[u8]| facts(&[(6, sei), (0x61, &I_SLICE)]).random_access;
        assert!(!found(&[&long[..], &[0x80]].concat()));
        assert!(found(&[&long[..], &EXACT].concat()));
        assert!(!found(&[255; 50]));
    }

    #[test]
    fn a_recovery_point_is_a_reference_picture() {
        assert!(!facts(&[(6, &EXACT), (0x01, &I_SLICE)]).random_access);
        assert!(!facts(&[(6, &EXACT), (0x61, &I_SLICE), (0x01, &I_SLICE)]).random_access);
    }

    #[test]
    fn film_grain_follows_the_numbers_of_pictures_since_the_last_idr_picture() {
        let grain: (u8, &[u8]) = (6, &[19, 2, 4, 9, 0x80]);
        let idr = facts(&[grain, (0x65, &I_SLICE)]);
        assert!(idr.random_access && idr.parameter_sets);
        let recovery = facts(&[grain, (6, &EXACT), (0x61, &I_SLICE)]);
        assert!(!recovery.random_access && recovery.parameter_sets);
        assert!(!facts(&[grain, (0x01, &B_SLICE)]).disposable);
    }

    #[test]
    fn slice_types_are_read_past_emulation_prevention() {
        // first_mb_in_slice is 2**17 - 1: seventeen zeros, a one, seventeen zeros; then 7.
        let escaped = [0, 0, 3, 0b01000000, 0, 0b000_00010, 0b00_100000, 1];
        assert_eq!(is_intra(&escaped), Some(true));
        assert_eq!(is_intra(&B_SLICE), Some(false));
        assert_eq!(is_intra(&[0b1_011_0000]), Some(true)); // 2
        assert_eq!(is_intra(&[0b1_00101_00]), Some(true)); // 4, SI
        assert_eq!(is_intra(&[0b1_010_0000]), Some(false));
        assert_eq!(is_intra(&[0, 0]), None);
    }

    #[test]
    fn damage_makes_a_packet_needed() {
        let damaged: [&[(u8, &[u8])]; 5] = [
            &[(0x81, &B_SLICE)],
            &[(0xe5, &I_SLICE)],
            &[(0x01, &B_SLICE), (0x01, &[])],
            &[(0x01, &[])],
            &[(0x01, &[0, 1])],
        ];
        for units in damaged {
            assert_eq!(facts(units), PacketFacts::default(), "{units:?}");
        }
    }
}
