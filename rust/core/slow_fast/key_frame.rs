//! The rule: compare each frame with the last slow one.

use super::comparer::{FrameComparer, expect_number};
use super::comparison::{Comparison, FrameType};
use super::similarity::PatchedFrame;
use crate::error::Result;
use crate::simd::Level;
use crate::types::Size;

/// The last slow frame, and the parameters of the comparison with it.
#[derive(Debug)]
pub(super) struct KeyFrame {
    comparer: FrameComparer,
    min_frame_similarity: f64,
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
        let Comparison {
            patch,
            patch_similarity,
            min_frame_similarity,
        } = *comparison;
        expect_number("min_frame_similarity", min_frame_similarity)?;
        let comparer = FrameComparer::new(from, size, patch, patch_similarity, level)?;
        let frame = comparer.make_frame()?;
        Ok(Self {
            comparer,
            min_frame_similarity,
            frame,
            seen: false,
        })
    }

    /// Return what resizes frames for [`KeyFrame::compare`].
    pub(super) fn comparer(&self) -> &FrameComparer {
        &self.comparer
    }

    /// Return the type of the next frame. A slow one becomes the key frame, and `next` gets the former
    /// one.
    pub(super) fn compare(&mut self, next: &mut PatchedFrame) -> FrameType {
        // NaN is not below the threshold: frames that are all black are alike.
        let slow =
            !self.seen || self.comparer.similarity(&self.frame, next) < self.min_frame_similarity;
        if !slow {
            return FrameType::Fast;
        }
        self.seen = true;
        std::mem::swap(&mut self.frame, next);
        FrameType::Slow
    }
}
