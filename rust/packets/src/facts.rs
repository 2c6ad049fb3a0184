//! What is known of a packet.

/// What is certain about a packet. The default, nothing, is right for every packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PacketFacts {
    /// Decoding can start here, given the stream's parameters, and every frame that is presented at
    /// or after this one comes out exact. Frames that follow in the stream but are presented before
    /// it may not. Never for MPEG-4 part 2.
    pub random_access: bool,
    /// No other picture refers to this one, and dropping the packet loses nothing but its picture.
    /// Only for H.264 and HEVC.
    ///
    /// In HEVC this holds only where `temporal_layer` is the highest temporal sub-layer of the
    /// stream, for pictures of higher ones may refer to it: the caller checks. A packet may hold one
    /// field of an interlaced frame, which says nothing of the other: the caller drops packets of
    /// progressive streams alone.
    pub disposable: bool,
    /// HEVC: the highest temporal sub-layer of the packet's pictures. Other codecs: 0.
    pub temporal_layer: u8,
    /// The packet carries what later packets may need: parameter sets, a sequence or VOL header, or
    /// messages on how later pictures are shown (film grain, orientation).
    pub parameter_sets: bool,
    /// The packet holds no part of a picture: parameter sets, messages, delimiters or filler alone.
    /// Never for VP8, VP9 and AV1.
    pub without_picture: bool,
}
