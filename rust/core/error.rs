//! The error type of the core. Each variant holds the values that were wrong.

/// The result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

/// The reason why a call failed. Unless it is [`Error::Interrupted`] or [`Error::Memory`], nothing has been
/// written.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Frames are not four-dimensional with three channels, or a side is zero.
    #[error(
        "frames have shape {shape:?}: expected (N, H, W, 3) or (N, 3, H, W) with H and W at least 1"
    )]
    FramesShape {
        /// The shape that was given.
        shape: Vec<usize>,
    },
    /// A shape and strides reach outside the buffer.
    #[error(
        "frames of shape {shape:?} and strides {strides:?} reach outside their buffer of {len} bytes"
    )]
    FramesBounds {
        /// (N, H, W) of the view.
        shape: [usize; 3],
        /// Byte strides of frame, row, pixel, channel.
        strides: [isize; 4],
        /// Bytes in the buffer.
        len: usize,
    },
    /// A frame has another shape than expected.
    #[error("frame has (frames, height, width) {shape:?}: expected {expected:?}")]
    FrameShape {
        /// (N, H, W) that was given.
        shape: [usize; 3],
        /// (N, H, W) that was expected.
        expected: [usize; 3],
    },
    /// There is not one entry of `frame_types` for each frame.
    #[error("frame_types has {types} entries for {frames} frames: expected one per frame")]
    FrameTypesLength {
        /// Number of entries.
        types: usize,
        /// Number of frames.
        frames: usize,
    },
    /// An entry of `frame_types` is neither slow nor fast.
    #[error("frame_types[{index}] is {value}: expected 0 (slow) or 1 (fast)")]
    FrameTypesValue {
        /// Index of the entry.
        index: usize,
        /// Value of the entry.
        value: i64,
    },
    /// A side is zero or not a multiple of `multiple`.
    #[error(
        "{name} is {height}x{width} (height x width): expected positive multiples of {multiple}"
    )]
    Size {
        /// Name of the size.
        name: &'static str,
        /// Height in pixels.
        height: usize,
        /// Width in pixels.
        width: usize,
        /// Number of pixels that both sides must be a multiple of.
        multiple: usize,
    },
    /// The aspect ratio of a frame is too large.
    #[error(
        "height {height} and width {width} have an aspect ratio of {ratio:.1}: expected at most {limit}"
    )]
    AspectRatio {
        /// Height in pixels.
        height: usize,
        /// Width in pixels.
        width: usize,
        /// Longer side over shorter side.
        ratio: f64,
        /// Largest ratio that is allowed.
        limit: f64,
    },
    /// The output buffer has the wrong length.
    #[error("out has {len} elements: expected {expected}")]
    OutputLength {
        /// Number of elements.
        len: usize,
        /// Number of elements that are needed.
        expected: usize,
    },
    /// An argument is not one of the allowed values.
    #[error("{name} is {value}: expected {expected}")]
    Argument {
        /// Name of the argument.
        name: &'static str,
        /// Value of the argument, as text.
        value: String,
        /// Allowed values.
        expected: &'static str,
    },
    /// Memory for a result or for scratch could not be allocated.
    #[error("could not allocate {bytes} bytes")]
    Memory {
        /// Number of bytes that were requested.
        bytes: usize,
    },
    /// The caller interrupted the work; a part of the result may have been written.
    #[error("interrupted")]
    Interrupted,
}
