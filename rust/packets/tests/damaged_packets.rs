//! Packets that an attacker or a broken disk could produce.

use keye_vl_packets::{Codec, PacketFacts, describe_packet, nal_length_size};
use proptest::prelude::*;

/// Generate any codec.
fn codec() -> impl Strategy<Value = Codec> {
    prop::sample::select(vec![
        Codec::H264,
        Codec::Hevc,
        Codec::Mpeg2,
        Codec::Vp8,
        Codec::Vp9,
        Codec::Av1,
    ])
}

/// Generate bytes in which start codes, lengths and headers are frequent.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        4 => Just(0u8),
        2 => 1..9u8,
        1 => Just(0x80),
        1 => Just(0xff),
        3 => any::<u8>(),
    ];
    prop::collection::vec(byte, 0..200)
}

/// Generate the units of a picture that no other refers to, of one slice or more.
fn disposable_units(codec: Codec) -> impl Strategy<Value = Vec<Vec<u8>>> {
    let (around, slice): (Vec<Vec<u8>>, Vec<u8>) = match codec {
        Codec::Hevc => (vec![vec![70, 1, 0x50]], vec![0, 1]),
        _ => (vec![vec![9, 0xf0], vec![6, 5, 1, 9, 0x80]], vec![1, 0xa8]),
    };
    // Bytes of 4 and more contain neither start codes nor emulation prevention bytes.
    let slices = prop::collection::vec(prop::collection::vec(4..255u8, 3..60), 1..4);
    slices.prop_map(move |slices| {
        let slices = slices.iter().map(|data| [&slice[..], data].concat());
        around.iter().cloned().chain(slices).collect()
    })
}

/// Join units with lengths, or start codes, before them, and return where each of them ends.
fn join(units: &[Vec<u8>], length_size: usize) -> (Vec<u8>, Vec<usize>) {
    let (mut packet, mut ends) = (Vec::new(), Vec::new());
    for unit in units {
        match length_size {
            0 => packet.extend([0, 0, 0, 1]),
            size => packet.extend(&(unit.len() as u32).to_be_bytes()[4 - size..]),
        }
        packet.extend(unit);
        ends.push(packet.len());
    }
    (packet, ends)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_bytes_are_described(codec in codec(), size in any::<usize>(), small in 0..6usize, bytes in bytes()) {
        let facts = describe_packet(codec, small, &bytes);
        prop_assert!(!(facts.disposable && facts.random_access));
        prop_assert!(facts.temporal_layer < 7);
        let facts = describe_packet(codec, size, &bytes);
        if matches!(codec, Codec::H264 | Codec::Hevc) && size > 4 {
            prop_assert_eq!(facts, PacketFacts::default());
        } else {
            prop_assert!(!facts.disposable || matches!(codec, Codec::H264 | Codec::Hevc));
        }
        prop_assert!(nal_length_size(codec, &bytes) <= 5);
    }

    #[test]
    fn what_is_cut_short_is_not_disposable(
        (codec, units) in prop::sample::select(vec![Codec::H264, Codec::Hevc])
            .prop_flat_map(|codec| (Just(codec), disposable_units(codec))),
        length_size in 1..5usize,
    ) {
        let (packet, ends) = join(&units, length_size);
        prop_assert!(describe_packet(codec, length_size, &packet).disposable);
        for end in (0..packet.len()).filter(|end| !ends.contains(end)) {
            prop_assert_eq!(describe_packet(codec, length_size, &packet[..end]), PacketFacts::default());
        }
        // Start codes do not tell where the last unit ends: up to the data of the first slice nothing is certain.
        let (packet, ends) = join(&units, 0);
        let first_slice = units.iter().position(|unit| unit[0] < 2).unwrap();
        prop_assert!(describe_packet(codec, 0, &packet).disposable);
        for end in 0..ends[first_slice - 1] + 6 {
            prop_assert!(!describe_packet(codec, 0, &packet[..end]).disposable);
        }
    }

    #[test]
    fn a_packet_that_is_needed_is_needed_however_it_is_cut(
        codec in prop::sample::select(vec![Codec::H264, Codec::Hevc]),
        data in prop::collection::vec(4..255u8, 3..100),
        length_size in 0..5usize,
    ) {
        let header = match codec {
            Codec::Hevc => vec![2, 1],
            _ => vec![0x41, 0x9a],
        };
        let (packet, _) = join(&[[header, data].concat()], length_size);
        for end in 0..=packet.len() {
            let facts = describe_packet(codec, length_size, &packet[..end]);
            prop_assert_eq!(facts, PacketFacts::default());
        }
    }
}

#[test]
fn time_is_linear_in_what_is_not_what_it_seems() {
    // Each of these would take minutes if every unit or message cost a pass over all bytes.
    const LENGTH: usize = 8 << 20;
    let mut sei = vec![0, 0, 1, 6];
    sei.resize(LENGTH, 0xff);
    let units = [0, 0, 1, 9, 0x10].repeat(LENGTH / 5);
    let messages = [&[0, 0, 1, 6], &[5, 0].repeat(LENGTH / 2)[..]].concat();
    let zeros = vec![0; LENGTH];
    for packet in [&sei, &units, &messages, &zeros] {
        for codec in ["h264", "hevc", "mpeg2video", "vp8", "vp9", "av1"] {
            let codec = Codec::from_name(codec).unwrap();
            for length_size in 0..5 {
                assert!(!describe_packet(codec, length_size, packet).disposable);
            }
        }
    }
}
