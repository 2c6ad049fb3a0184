//! Compressed packets, and the extradata of their containers: any bytes are described.
//!
//! An input is a codec, a length size, the length of the extradata (16 bits, little-endian), the extradata
//! and the packet. `seeds.py` writes such files from real packets.

use keye_vl_packets::{Codec, PacketFacts, describe_packet, nal_length_size};

const NAMES: [&str; 7] = [
    "h264",
    "hevc",
    "mpeg1video",
    "mpeg2video",
    "vp8",
    "vp9",
    "av1",
];

/// Run one input.
pub fn run(input: &[u8]) {
    let [codec, length_size, low, high, rest @ ..] = input else {
        return;
    };
    let extradata = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
    let (extradata, packet) = rest.split_at(extradata);
    let name = NAMES[usize::from(*codec) % NAMES.len()];
    let codec = Codec::from_name(name).expect("its own names");
    let stated = nal_length_size(codec, extradata);
    assert!(stated <= 5);
    for size in [stated, usize::from(*length_size)] {
        // Copied to an allocation of exactly its length, so that any read behind it is a read past that.
        let packet: Box<[u8]> = packet.into();
        let facts = describe_packet(codec, size, &packet);
        if packet.is_empty() {
            assert_eq!(facts, PacketFacts::default());
        }
    }
}
