//! Read what compressed packets say about themselves, without decoding them.
//!
//! With these facts a decoder can skip packets whose frames are not wanted: a picture that no other
//! picture refers to, or everything before a point where decoding can start. Only headers are read.
//! Packets are untrusted: one whose headers cannot be read to their end counts as needed.

mod av1;
mod bits;
mod facts;
mod h264;
mod hevc;
mod mpeg;
mod nal;
mod sei;
mod vpx;

pub use facts::PacketFacts;

/// The codecs whose packets can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// H.264, also called AVC.
    H264,
    /// H.265, also called HEVC.
    Hevc,
    /// MPEG-1 and MPEG-2, which have the same headers.
    Mpeg2,
    /// VP8.
    Vp8,
    /// VP9.
    Vp9,
    /// AV1.
    Av1,
}

impl Codec {
    /// Return the codec that FFmpeg calls `name`; None for any other.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "h264" => Codec::H264,
            "hevc" => Codec::Hevc,
            "mpeg1video" | "mpeg2video" => Codec::Mpeg2,
            "vp8" => Codec::Vp8,
            "vp9" => Codec::Vp9,
            "av1" => Codec::Av1,
            _ => return None,
        })
    }
}

/// Return the size in bytes of the length before each NAL unit of a stream's packets, from the `extradata`
/// of its container: 1 to 4, or 0 where start codes separate the units (Annex B), and for other codecs.
///
/// As FFmpeg decides: an `avcC` begins with 1, and an `hvcC` with bytes that begin no start code. Returns 5,
/// with which [`describe_packet`] knows nothing, if the record is too short to hold the size.
pub fn nal_length_size(codec: Codec, extradata: &[u8]) -> usize {
    /// A size that no container has.
    const UNREADABLE: usize = 5;
    let (shortest, at) = match (codec, extradata) {
        (Codec::H264, [1, ..]) => (7, 4),
        (Codec::Hevc, [a, b, c, _, ..]) if *a != 0 || *b != 0 || *c > 1 => (23, 21),
        _ => return 0,
    };
    match extradata.get(at) {
        Some(byte) if extradata.len() >= shortest => usize::from(byte & 3) + 1,
        _ => UNREADABLE,
    }
}

/// Return the facts about `packet`; the default, which is to know nothing, if it cannot be read.
///
/// As [`try_describe_packet`], for callers that treat a packet that cannot be read as needed.
pub fn describe_packet(codec: Codec, nal_length_size: usize, packet: &[u8]) -> PacketFacts {
    try_describe_packet(codec, nal_length_size, packet).unwrap_or_default()
}

/// Return the facts about `packet`; None if its headers cannot be read to their end, because it is damaged,
/// truncated or empty.
///
/// `nal_length_size` is what [`nal_length_size`] returned; with a size over 4 nothing is known of H.264 and
/// HEVC. Takes time linear in the length of the packet, and allocates nothing.
pub fn try_describe_packet(
    codec: Codec,
    nal_length_size: usize,
    packet: &[u8],
) -> Option<PacketFacts> {
    match codec {
        Codec::H264 => h264::describe(nal_length_size, packet),
        Codec::Hevc => hevc::describe(nal_length_size, packet),
        Codec::Mpeg2 => mpeg::describe(packet),
        Codec::Vp8 => vpx::describe_vp8(packet),
        Codec::Vp9 => vpx::describe_vp9(packet),
        Codec::Av1 => av1::describe(packet),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codecs_have_the_names_of_ffmpeg() {
        assert_eq!(Codec::from_name("h264"), Some(Codec::H264));
        assert_eq!(Codec::from_name("mpeg1video"), Some(Codec::Mpeg2));
        assert_eq!(Codec::from_name("mpeg2video"), Some(Codec::Mpeg2));
        for name in ["", "H264", "h265", "libx264", "vp10", "mpeg4"] {
            assert_eq!(Codec::from_name(name), None, "{name}");
        }
    }

    #[test]
    fn the_length_of_a_length_is_where_ffmpeg_reads_it() {
        let avcc = [1, 100, 0, 31, 0xff, 0xe1, 0];
        assert_eq!(nal_length_size(Codec::H264, &avcc), 4);
        let avcc = [1, 100, 0, 31, 0xfd, 0xe1, 0];
        assert_eq!(nal_length_size(Codec::H264, &avcc), 2);
        let mut hvcc = [0; 23];
        hvcc[0] = 1;
        hvcc[21] = 0xfc;
        assert_eq!(nal_length_size(Codec::Hevc, &hvcc), 1);
        // A record from before the format was final has version 0; the bytes behind it tell.
        hvcc[..4].copy_from_slice(&[0, 1, 0x60, 0]);
        hvcc[21] = 0x0f;
        assert_eq!(nal_length_size(Codec::Hevc, &hvcc), 4);
    }

    #[test]
    fn extradata_with_start_codes_means_start_codes() {
        let extradata = [0, 0, 0, 1, 0x67, 100, 0, 31];
        for codec in [Codec::H264, Codec::Hevc] {
            assert_eq!(nal_length_size(codec, &extradata), 0);
            assert_eq!(nal_length_size(codec, &extradata[1..]), 0);
            assert_eq!(nal_length_size(codec, &[]), 0);
        }
        assert_eq!(nal_length_size(Codec::Av1, &[0x81, 0, 0, 0]), 0);
    }

    #[test]
    fn a_record_that_is_cut_short_makes_every_packet_needed() {
        let idr = [0, 0, 0, 1, 0x65, 0x88, 0x84];
        assert!(describe_packet(Codec::H264, 0, &idr).random_access);
        for length in 1..7 {
            let avcc = &[1, 100, 0, 31, 0xff, 0xe1, 0][..length];
            let size = nal_length_size(Codec::H264, avcc);
            assert_eq!(
                describe_packet(Codec::H264, size, &idr),
                PacketFacts::default()
            );
        }
        assert!(nal_length_size(Codec::Hevc, &[1; 22]) > 4);
    }

    #[test]
    fn nothing_is_known_of_an_empty_packet() {
        for codec in ["h264", "hevc", "mpeg2video", "vp8", "vp9", "av1"] {
            let codec = Codec::from_name(codec).unwrap();
            for size in 0..6 {
                assert_eq!(describe_packet(codec, size, &[]), PacketFacts::default());
            }
        }
    }
}
