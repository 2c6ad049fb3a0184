//! The comparison of any two frames of a video, patch by patch.

use super::comparison::PatchChange;
use super::similarity::{PatchedFrame, Tally};
use crate::error::{Error, Result};
use crate::frames::FramesView;
use crate::memory;
use crate::resample::{Filter, Resampler, Rows};
use crate::simd::Level;
use crate::types::{CHANNELS, Size};

/// Resizes frames to the size of the comparison, and compares them in HSV.
///
/// [`slow_fast`](super::slow_fast) and [`SlowFastSplitter`](super::SlowFastSplitter) compare each frame
/// with the last slow one by it; programs that explain their decision compare other pairs.
#[derive(Debug)]
pub struct FrameComparer {
    resampler: Resampler,
    from: Size,
    size: Size,
    patch: usize,
    patch_similarity: f64,
    level: Level,
}

/// A frame that a [`FrameComparer`] has prepared: at the size of the comparison, in HSV.
#[derive(Debug)]
pub struct ComparableFrame(PatchedFrame);

/// The differences between two frames.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameChanges {
    /// The share of unchanged patches, rounded to float32; NaN if all patches are black in both frames.
    pub similarity: f64,
    /// The change of each patch, row by row.
    pub patches: Vec<PatchChange>,
}

impl FrameComparer {
    /// Prepare to compare frames of the size `from` at `size`, in patches of `patch` x `patch` pixels.
    /// A patch is unchanged if its cosine exceeds `patch_similarity`.
    ///
    /// # Errors
    /// Returns an error if a side of `from` is zero, a side of `size` is not a multiple of `patch`,
    /// `patch_similarity` is NaN, or weights do not fit in memory.
    pub fn new(
        from: Size,
        size: Size,
        patch: usize,
        patch_similarity: f64,
        level: Level,
    ) -> Result<Self> {
        expect_number("patch_similarity", patch_similarity)?;
        let size = size.expect_multiple_of(patch, "frame size for comparison")?;
        Ok(Self {
            resampler: Resampler::new(from, size, Filter::Bilinear, level)?,
            from,
            size,
            patch,
            patch_similarity,
            level,
        })
    }

    /// Return one frame as the comparison sees it.
    ///
    /// # Errors
    /// Returns [`Error::FrameShape`] if `frame` is not one frame of the size given to
    /// [`FrameComparer::new`], [`Error::Memory`] if it does not fit in memory.
    pub fn prepare(&self, frame: &FramesView<'_>) -> Result<ComparableFrame> {
        let mut patched = self.make_frame()?;
        self.resize_one_into(frame, &mut patched)?;
        Ok(ComparableFrame(patched))
    }

    /// Return how `later` differs from `earlier`; both were prepared by this comparer.
    ///
    /// # Errors
    /// Returns [`Error::Argument`] if they have other sizes or patches than this comparer's,
    /// [`Error::Memory`] if the result does not fit in memory.
    pub fn compare(
        &self,
        earlier: &ComparableFrame,
        later: &ComparableFrame,
    ) -> Result<FrameChanges> {
        let (earlier, later) = (&earlier.0, &later.0);
        for frame in [earlier, later] {
            if frame.layout() != (self.size, self.patch) {
                return Err(Error::Argument {
                    name: "the frame",
                    value: format!("prepared for {:?}", frame.layout()),
                    expected: "a frame that this comparer has prepared",
                });
            }
        }
        let mut tally = Tally::default();
        let changes = earlier.changes(self.level, later, self.patch_similarity);
        let patches = memory::collected(changes.inspect(|change| tally.add(*change)))?;
        Ok(FrameChanges {
            similarity: tally.similarity(),
            patches,
        })
    }

    /// Return the share of unchanged patches of [`FrameComparer::compare`] alone.
    pub(super) fn similarity(&self, earlier: &PatchedFrame, later: &PatchedFrame) -> f64 {
        earlier.similarity(self.level, later, self.patch_similarity)
    }

    /// Make a black frame for [`FrameComparer::resize_into`].
    ///
    /// # Errors
    /// Returns [`Error::Memory`] if it does not fit in memory.
    pub(super) fn make_frame(&self) -> Result<PatchedFrame> {
        PatchedFrame::new(self.size, self.patch)
    }

    /// Resize one frame into `patched`.
    ///
    /// # Errors
    /// As [`FrameComparer::prepare`].
    pub(super) fn resize_one_into(
        &self,
        frame: &FramesView<'_>,
        patched: &mut PatchedFrame,
    ) -> Result<()> {
        let shape = [frame.len(), frame.height(), frame.width()];
        let expected = [1, self.from.height, self.from.width];
        if shape != expected {
            return Err(Error::FrameShape { shape, expected });
        }
        self.resize_into(frame, 0, patched)
    }

    /// Resize one of `frames`, which have the size given to [`FrameComparer::new`], into `patched`.
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
}

/// Check that a threshold is not NaN.
pub(super) fn expect_number(name: &'static str, value: f64) -> Result<()> {
    if value.is_nan() {
        return Err(Error::Argument {
            name,
            value: value.to_string(),
            expected: "a number",
        });
    }
    Ok(())
}
