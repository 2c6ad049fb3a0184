//! Slow or fast, frame by frame: for use while a video is being decoded.

use super::comparison::{Comparison, FrameType};
use super::key_frame::KeyFrame;
use super::similarity::PatchedFrame;
use crate::error::Result;
use crate::frames::FramesView;
use crate::simd::Level;
use crate::types::Size;

/// Decides the type of each frame as it comes, as [`slow_fast`](super::slow_fast) does for all frames at
/// once.
///
/// It holds two frames at the size of the comparison, however many are pushed. The type of a frame
/// depends only on the frames before it, so it is known before the next one is decoded.
#[derive(Debug)]
pub struct SlowFastSplitter {
    key: KeyFrame,
    scratch: PatchedFrame,
}

impl SlowFastSplitter {
    /// Prepare to compare frames of the size `from` at `size`.
    ///
    /// # Errors
    /// Returns an error if a side of `from` is zero, a side of `size` is not a multiple of
    /// `comparison.patch`, a threshold is NaN, or weights or frames do not fit in memory.
    pub fn new(from: Size, size: Size, comparison: &Comparison, level: Level) -> Result<Self> {
        let key = KeyFrame::new(from, size, comparison, level)?;
        let scratch = key.comparer().make_frame()?;
        Ok(Self { key, scratch })
    }

    /// Return the type of the next frame: slow if it differs from the last slow one. The first is slow.
    ///
    /// # Errors
    /// Returns [`Error::FrameShape`](crate::Error::FrameShape) if `frame` is not one frame of the size given to
    /// [`SlowFastSplitter::new`], [`Error::Memory`](crate::Error::Memory) if scratch does not fit in memory. The frame then counts
    /// as not pushed.
    pub fn push(&mut self, frame: &FramesView<'_>) -> Result<FrameType> {
        self.key
            .comparer()
            .resize_one_into(frame, &mut self.scratch)?;
        Ok(self.key.compare(&mut self.scratch))
    }
}
