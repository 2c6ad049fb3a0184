//! Facts about a packet.

/// What is certain about a packet. The default, that nothing is, is true for every packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PacketFacts {
    /// Decoding can start here, given the stream's parameters, and every frame that is presented at or
    /// after this one is exact. Frames that follow in the stream but are presented before it may not be.
    /// Never set for MPEG-4 part 2.
    pub random_access: bool,
    /// No other picture refers to this one, and dropping the packet loses only its picture. Set for H.264
    /// and HEVC only.
    ///
    /// In HEVC, pictures of higher temporal sub-layers may refer to it: the caller must check that
    /// `temporal_layer` is the highest of the stream. A packet may hold one field of an interlaced frame,
    /// which says nothing about the other: the caller must only drop packets of progressive streams.
    pub disposable: bool,
    /// HEVC: the highest temporal sub-layer of the packet's pictures. Other codecs: 0.
    pub temporal_layer: u8,
    /// The packet carries what later packets may need: parameter sets, a sequence or VOL header, or messages
    /// about how later pictures are shown (film grain, orientation).
    pub parameter_sets: bool,
    /// The packet holds no part of a picture, only parameter sets, messages, delimiters or filler. Never set
    /// for VP8, VP9 and AV1.
    pub without_picture: bool,
}
