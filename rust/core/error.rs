//! One error for the whole core; each variant carries the values that were wrong.

/// What this crate's functions return.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a call was refused. Nothing has been written when one of these comes back, but for
/// [`Error::Interrupted`].
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Frames are not four-dimensional with three channels, or have a side of zero.
    #[error(
        "frames have shape {shape:?}: expected (N, H, W, 3) or (N, 3, H, W) with H and W at least 1"
    )]
    FramesShape {
        /// The shape that was given.
        shape: Vec<usize>,
    },
    /// A shape and strides reach outside the bytes that were given.
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
    /// A frame has another shape than the frames that it is compared with.
    #[error("frame has (frames, height, width) {shape:?}: expected {expected:?}")]
    FrameShape {
        /// (N, H, W) of what was given.
        shape: [usize; 3],
        /// (N, H, W) of the frames before it.
        expected: [usize; 3],
    },
    /// `frame_types` has another length than there are frames.
    #[error("frame_types has {types} entries for {frames} frames: expected one per frame")]
    FrameTypesLength {
        /// Entries given.
        types: usize,
        /// Frames given.
        frames: usize,
    },
    /// `frame_types` holds a value that is neither slow nor fast.
    #[error("frame_types[{index}] is {value}: expected 0 (slow) or 1 (fast)")]
    FrameTypesValue {
        /// Position of the value.
        index: usize,
        /// The value.
        value: i64,
    },
    /// A size is zero or not a multiple of what it must be a multiple of.
    #[error(
        "{name} is {height}x{width} (height x width): expected positive multiples of {multiple}"
    )]
    Size {
        /// Which size.
        name: &'static str,
        /// Height in pixels.
        height: usize,
        /// Width in pixels.
        width: usize,
        /// What both sides must be a multiple of.
        multiple: usize,
    },
    /// A frame is too long and thin.
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
        /// The largest ratio that is served.
        limit: f64,
    },
    /// The output buffer has the wrong length.
    #[error("out has {len} elements: expected {expected}")]
    OutputLength {
        /// Elements given.
        len: usize,
        /// Elements needed.
        expected: usize,
    },
    /// A number lies outside what it may be.
    #[error("{name} is {value}: expected {expected}")]
    Argument {
        /// The argument.
        name: &'static str,
        /// Its value, as text.
        value: String,
        /// What would be right.
        expected: &'static str,
    },
    /// Memory for a result or for scratch could not be had.
    #[error("could not allocate {bytes} bytes")]
    Memory {
        /// Bytes asked for.
        bytes: usize,
    },
    /// The caller wanted no more of it ([`Threads::until`](crate::Threads::until)); a part of the
    /// result may have been written.
    #[error("interrupted")]
    Interrupted,
}
