//! The rule: compare each frame with the last slow one.

use super::comparison::{Comparison, FrameType};
use super::similarity::PatchedFrame;
use crate::error::{Error, Result};
use crate::frames::FramesView;
use crate::memory;
use crate::resample::{Filter, Resampler, Rows};
use crate::simd::Level;
use crate::types::{CHANNELS, Size};

/// The last slow frame, and the parameters of the comparison with it.
#[derive(Debug)]
pub(super) struct KeyFrame {
    resampler: Resampler,
    size: Size,
    comparison: Comparison,
    level: Level,
    frame: PatchedFrame,
    /// Whether `frame` holds a slow frame yet.
    seen: bool,
}

impl KeyFrame {
    /// Prepare to compare frames of the size `from` at `size`.
    ///
    /// # Errors
    /// Returns an error if a side of `from` is zero, a side of `size` is not a multiple of
    /// `comparison.patch`, a threshold is NaN, or weights or frames do not fit in memory.
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

    /// Make a frame for [`KeyFrame::resize_into`].
    ///
    /// # Errors
    /// Returns [`Error::Memory`] if it does not fit in memory.
    pub(super) fn make_frame(&self) -> Result<PatchedFrame> {
        PatchedFrame::new(self.size, self.comparison.patch)
    }

    /// Resize one of `frames`, which have the size given to [`KeyFrame::new`], into `patched`.
    ///
    /// # Errors
    /// Returns [`Error::Memory`] if scratch does not fit in memory.
    pub(super) fn resize_into(
        &self,
        frames: &FramesView<'_>,
        frame: usize,
        patched: &mut PatchedFrame,
    ) -> Result<()> {
        let Size { height, width } = self.size;
        let mut rows = Rows::new(&self.resampler, frames, frame, 0..height)?;
        let mut row = memory::filled(0, self.resampler.stride())?;
        for y in 0..height {
            rows.fill_rows(&mut row)?;
            patched.set_row(self.level, y, &row[..width * CHANNELS]);
        }
        patched.compute_norms(self.level);
        Ok(())
    }

    /// Return the type of the next frame. A slow one becomes the key frame, and `next` gets the former
    /// one.
    pub(super) fn compare(&mut self, next: &mut PatchedFrame) -> FrameType {
        let Comparison {
            patch_similarity,
            min_frame_similarity,
            ..
        } = self.comparison;
        // NaN is not below the threshold: frames that are all black are alike.
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
