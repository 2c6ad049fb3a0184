//! Images that are shown a part at a time into patches: a decoded image may lie in memory in pieces.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::frames::{CHANNELS, FramesView};
use crate::geometry::{MERGE, Size};
use crate::normalize::{Element, Normalization};
use crate::pipeline::write_bands;
use crate::resize::Resampler;
use crate::simd::Level;
use crate::weights::Filter;

/// Takes images of one size to patches, some rows of patches at a time.
///
/// It holds weights alone; one serves all images of its size, on any number of threads.
#[derive(Debug)]
pub struct ImageBands {
    resampler: Resampler,
    patch: usize,
}

impl ImageBands {
    /// From images of the size `from` to patches of the size `size`.
    ///
    /// # Errors
    /// A side of `from` is zero or over 2**24, `size` is not in whole tokens of `MERGE * patch` pixels a
    /// side, or weights do not fit in memory.
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

    /// How many rows of patches an image becomes.
    pub fn len(&self) -> usize {
        self.resampler.size().height / self.patch
    }

    /// Whether there is no row of patches. There are always two or more.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows of the image that rows of patches are made of.
    ///
    /// # Errors
    /// `bands` is empty, or reaches past the last row of patches.
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

    /// Writes rows of patches of one image. `rows` are what [`ImageBands::source_rows`] says, as one
    /// frame. It runs on the calling thread.
    ///
    /// # Errors
    /// `bands` are none of the image's, `rows` are not theirs, or `out` does not have room for exactly
    /// these. Nothing has been written then.
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
        // Where they cannot be counted, no buffer has so many.
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
        let rows = self.resampler.rows_of_part(rows, 0, source.start, shown)?;
        write_bands(rows, self.patch, &normalization.values::<T>(), true, out)
    }
}
