//! Weights for both passes.

use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::Filter;
use crate::error::Result;
use crate::kernels::horizontal::{RowWeights, row_bytes};
use crate::simd::Level;
use crate::types::{CHANNELS, Size, Weights};

/// Rows in the ring start at multiples of this many bytes.
const ROW_ALIGNMENT: usize = 64;

/// Everything needed to resample frames of one size to another, but for the frames.
#[derive(Debug)]
pub(crate) struct Resampler {
    level: Level,
    horizontal: Option<Horizontal>,
    vertical: Option<Weights>,
    from: Size,
    size: Size,
}

/// Weights of the horizontal pass, arranged on demand for packed and for padded source pixels.
#[derive(Debug)]
struct Horizontal {
    weights: Arc<Weights>,
    packed: OnceLock<RowWeights>,
    padded: OnceLock<RowWeights>,
    /// Held while weights are arranged: one thread does it, and the others wait.
    arranging: Mutex<()>,
}

impl Horizontal {
    fn new(weights: Weights) -> Self {
        Self {
            weights: Arc::new(weights),
            packed: OnceLock::new(),
            padded: OnceLock::new(),
            arranging: Mutex::new(()),
        }
    }

    /// Return the weights for rows with a pixel every `spacing` bytes.
    ///
    /// # Errors
    /// Returns [`Error::Memory`](crate::Error::Memory) if the arranged weights do not fit in memory.
    fn arranged(&self, spacing: usize, level: Level) -> Result<&RowWeights> {
        let arranged = if spacing == CHANNELS {
            &self.packed
        } else {
            &self.padded
        };
        if let Some(weights) = arranged.get() {
            return Ok(weights);
        }
        // The lock is there because `get_or_init` cannot return an error.
        let _arranging = self
            .arranging
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(weights) = arranged.get() {
            return Ok(weights);
        }
        let weights = RowWeights::new(Arc::clone(&self.weights), level, spacing)?;
        Ok(arranged.get_or_init(|| weights))
    }
}

impl Resampler {
    /// Compute the weights that resample frames of the size `from` to `size`.
    ///
    /// # Errors
    /// Returns an error if a side is zero or over 2**24, or if the weights do not fit in memory.
    pub(crate) fn new(from: Size, size: Size, filter: Filter, level: Level) -> Result<Self> {
        let weights = |from: usize, to: usize| {
            (from != to)
                .then(|| Weights::new(from, to, filter))
                .transpose()
        };
        from.expect_multiple_of(1, "frame size")?;
        size.expect_multiple_of(1, "size")?;
        Ok(Self {
            level,
            horizontal: weights(from.width, size.width)?.map(Horizontal::new),
            vertical: weights(from.height, size.height)?,
            from,
            size,
        })
    }

    /// Return the bytes from one output row to the next, as [`Rows`](super::Rows) writes them.
    pub(crate) fn stride(&self) -> usize {
        row_bytes(self.size.width).next_multiple_of(ROW_ALIGNMENT)
    }

    /// Return the instruction set that kernels use.
    pub(crate) fn level(&self) -> Level {
        self.level
    }

    /// Return the size of source frames.
    pub(crate) fn from(&self) -> Size {
        self.from
    }

    /// Return the size of resized frames.
    pub(crate) fn size(&self) -> Size {
        self.size
    }

    /// Return the weights of the horizontal pass for rows with a pixel every `spacing` bytes; None where
    /// the width stays as it is.
    ///
    /// # Errors
    /// Returns [`Error::Memory`](crate::Error::Memory) if the arranged weights do not fit in memory.
    pub(crate) fn row_weights(&self, spacing: usize) -> Result<Option<&RowWeights>> {
        let horizontal = self.horizontal.as_ref();
        horizontal
            .map(|horizontal| horizontal.arranged(spacing, self.level))
            .transpose()
    }

    /// Return the weights of the vertical pass; None where the height stays as it is.
    pub(crate) fn column_weights(&self) -> Option<&Weights> {
        self.vertical.as_ref()
    }

    /// Return the source rows that the output rows `rows` are made of.
    pub(crate) fn source_range(&self, rows: Range<usize>) -> Range<usize> {
        let first = self.source_rows(rows.start).start;
        let end = rows
            .end
            .checked_sub(1)
            .map_or(first, |last| self.source_rows(last).end);
        first..end.max(first)
    }

    /// Return the source rows that output row `y` is made of.
    pub(crate) fn source_rows(&self, y: usize) -> Range<usize> {
        match &self.vertical {
            Some(weights) => weights.start(y)..weights.start(y) + weights.count(y),
            None => y..y + 1,
        }
    }
    /// Return the most source rows that an output row is made of.
    pub(crate) fn most_source_rows(&self) -> usize {
        self.vertical.as_ref().map_or(1, Weights::taps)
    }
}
