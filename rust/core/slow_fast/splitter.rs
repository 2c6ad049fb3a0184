//! Slow or fast, for frames that come one after the other: while a video is being decoded.

use super::key_frame::KeyFrame;
use super::{Comparison, FrameType};
use crate::error::{Error, Result};
use crate::frames::FramesView;
use crate::geometry::Size;
use crate::simd::Level;
use crate::similarity::PatchedFrame;

/// Says what each frame is, as [`slow_fast`](super::slow_fast) does for all frames at once.
///
/// Holds two frames at the size of the comparison, however many are pushed. A frame's type depends on
/// those before it alone, so it can be had before the next one is decoded.
#[derive(Debug)]
pub struct SlowFastSplitter {
    key: KeyFrame,
    scratch: PatchedFrame,
    from: Size,
}

impl SlowFastSplitter {
    /// For frames of the size `from`, compared at `size`.
    ///
    /// # Errors
    /// A side of `from` is zero, a side of `size` is not a multiple of `comparison.patch`, a
    /// threshold is NaN, or weights or frames do not fit in memory.
    pub fn new(from: Size, size: Size, comparison: &Comparison, level: Level) -> Result<Self> {
        let key = KeyFrame::new(from, size, comparison, level)?;
        let scratch = key.blank()?;
        Ok(Self { key, scratch, from })
    }

    /// What the next frame is: slow where it differs from the last slow one. The first is slow.
    ///
    /// # Errors
    /// `frame` is not one frame of the size that [`SlowFastSplitter::new`] was told, or scratch does
    /// not fit in memory. It then counts as not pushed.
    pub fn push(&mut self, frame: &FramesView<'_>) -> Result<FrameType> {
        let shape = [frame.len(), frame.height(), frame.width()];
        let expected = [1, self.from.height, self.from.width];
        if shape != expected {
            return Err(Error::FrameShape { shape, expected });
        }
        self.key.read(frame, 0, &mut self.scratch)?;
        Ok(self.key.compare(&mut self.scratch))
    }
}
