//! Patches of images whose rows come in parts: a decoded image may lie in memory in pieces.

use std::ops::Range;

use super::Normalization;
use super::write_patches::write_bands;
use crate::error::{Error, Result};
use crate::frames::FramesView;
use crate::resample::{Filter, Resampler, Rows};
use crate::simd::Level;
use crate::sizes::MERGE;
use crate::types::{CHANNELS, Element, Size};

/// Writes the patches of images of one size, some rows of patches at a time.
///
/// It holds only weights: one serves all images of its size, on any number of threads.
#[derive(Debug)]
pub struct ImageBands {
    resampler: Resampler,
    patch: usize,
}

impl ImageBands {
    /// Prepare to resize images of the size `from` to `size` and cut them into patches.
    ///
    /// # Errors
    /// Returns an error if a side of `from` is zero or over 2**24, if `size` is not in whole tokens of
    /// `MERGE * patch` pixels a side, or if the weights do not fit in memory.
    pub fn new(from: Size, size: Size, patch: usize, filter: Filter, level: Level) -> Result<Self> {
        if patch == 0 {
            return Err(Error::Argument {
                name: "patch_size",
                value: "0".into(),
                expected: "at least 1",
            });
        }
        let size = size.expect_multiple_of(patch.saturating_mul(MERGE), "size")?;
        Ok(Self {
            resampler: Resampler::new(from, size, filter, level)?,
            patch,
        })
    }

    /// Return the number of rows of patches of an image.
    pub fn len(&self) -> usize {
        self.resampler.size().height / self.patch
    }

    /// Return whether there is no row of patches. There are always two or more.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Return the rows of the image that the rows of patches `bands` are made of.
    ///
    /// # Errors
    /// Returns [`Error::Argument`] if `bands` is empty or reaches past the last row of patches.
    pub fn source_rows(&self, bands: Range<usize>) -> Result<Range<usize>> {
        if bands.is_empty() || bands.end > self.len() {
            return Err(Error::Argument {
                name: "bands",
                value: format!("{bands:?}"),
                expected: "some of the image's rows of patches",
            });
        }
        let rows = bands.start * self.patch..bands.end * self.patch;
        Ok(self.resampler.source_range(rows))
    }

    /// Write the rows of patches `bands` of one image. `rows` are the rows that
    /// [`ImageBands::source_rows`] returns for them, as one frame. Runs on the calling thread.
    ///
    /// # Errors
    /// Returns [`Error::Argument`] as `source_rows` does, [`Error::FrameShape`] if `rows` are not the rows
    /// of `bands`, [`Error::OutputLength`] if `out` has another number of elements. Nothing has been
    /// written then.
    pub fn write_patches<T: Element>(
        &self,
        rows: &FramesView<'_>,
        bands: Range<usize>,
        normalization: &Normalization,
        out: &mut [T],
    ) -> Result<()> {
        let source = self.source_rows(bands.clone())?;
        let given = [rows.len(), rows.height(), rows.width()];
        let expected = [1, source.len(), self.resampler.from().width];
        if given != expected {
            return Err(Error::FrameShape {
                shape: given,
                expected,
            });
        }
        // No buffer has as many as the product has where it saturates.
        let elements = [self.patch, self.resampler.size().width, CHANNELS]
            .into_iter()
            .fold(bands.len(), usize::saturating_mul);
        if out.len() != elements {
            return Err(Error::OutputLength {
                len: out.len(),
                expected: elements,
            });
        }
        let shown = bands.start * self.patch..bands.end * self.patch;
        let rows = Rows::of_part(&self.resampler, rows, 0, source.start, shown)?;
        write_bands(rows, self.patch, &normalization.values::<T>(), true, out)
    }
}
