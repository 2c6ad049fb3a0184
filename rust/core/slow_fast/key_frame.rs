//! The rule: a frame against the last slow one.

use super::{Comparison, FrameType};
use crate::error::{Error, Result};
use crate::frames::{CHANNELS, FramesView};
use crate::geometry::Size;
use crate::memory;
use crate::resize::Resampler;
use crate::simd::Level;
use crate::similarity::PatchedFrame;
use crate::weights::Filter;

/// The last slow frame, and how others are compared with it.
#[derive(Debug)]
pub(super) struct KeyFrame {
    resampler: Resampler,
    size: Size,
    comparison: Comparison,
    level: Level,
    frame: PatchedFrame,
    /// Whether there was a slow frame, which is then in `frame`.
    seen: bool,
}

impl KeyFrame {
    /// For frames of the size `from`, compared at `size`.
    ///
    /// # Errors
    /// A side of `from` is zero, a side of `size` is not a multiple of `comparison.patch`, a
    /// threshold is NaN, or weights or frames do not fit in memory.
    pub(super) fn new(
        from: Size,
        size: Size,
        comparison: &Comparison,
        level: Level,
    ) -> Result<Self> {
        for (name, value) in [
            ("patch_similarity", comparison.patch_similarity),
            ("min_frame_similarity", comparison.min_frame_similarity),
        ] {
            if value.is_nan() {
                return Err(Error::Argument {
                    name,
                    value: value.to_string(),
                    expected: "a number",
                });
            }
        }
        Ok(Self {
            resampler: Resampler::new(from, size, Filter::Bilinear, level)?,
            size,
            comparison: *comparison,
            level,
            frame: PatchedFrame::new(size, comparison.patch)?,
            seen: false,
        })
    }

    /// A frame to read pixels into.
    ///
    /// # Errors
    /// It does not fit in memory.
    pub(super) fn blank(&self) -> Result<PatchedFrame> {
        PatchedFrame::new(self.size, self.comparison.patch)
    }

    /// Reads one of `frames`, which have the size that [`KeyFrame::new`] was told, into `patched`.
    ///
    /// # Errors
    /// Scratch does not fit in memory.
    pub(super) fn read(
        &self,
        frames: &FramesView<'_>,
        frame: usize,
        patched: &mut PatchedFrame,
    ) -> Result<()> {
        let Size { height, width } = self.size;
        let mut rows = self.resampler.rows(frames, frame, 0..height)?;
        let mut row = memory::filled(0, self.resampler.stride())?;
        for y in 0..height {
            rows.read(&mut row)?;
            patched.set_row(self.level, y, &row[..width * CHANNELS]);
        }
        patched.finish(self.level);
        Ok(())
    }

    /// What the frame that comes next is. A slow one becomes the key frame, in exchange for the one
    /// before.
    pub(super) fn compare(&mut self, next: &mut PatchedFrame) -> FrameType {
        let Comparison {
            patch_similarity,
            min_frame_similarity,
            ..
        } = self.comparison;
        // A similarity of NaN is not below: frames that are black all over are alike.
        let slow = !self.seen
            || self.frame.similarity(self.level, next, patch_similarity) < min_frame_similarity;
        if !slow {
            return FrameType::Fast;
        }
        self.seen = true;
        std::mem::swap(&mut self.frame, next);
        FrameType::Slow
    }
}
