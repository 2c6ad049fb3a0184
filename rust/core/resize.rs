//! Antialiased uint8 resize: horizontal pass, rounded to bytes, then vertical pass.
//!
//! The result is that of `torch.nn.functional.interpolate(uint8, antialias=True)`, or, with Pillow's
//! filters, of `PIL.Image.resize`. Source rows are read once, in order; rows between the two passes live
//! in a small ring that stays in the cache.

use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::error::{Error, Result};
use crate::frames::{CHANNELS, FramesView};
use crate::geometry::Size;
use crate::kernels::horizontal::{RowWeights, row_bytes};
use crate::memory;
use crate::parallel::{Threads, split};
use crate::rows::Rows;
use crate::simd::Level;
use crate::weights::{Filter, Weights};

/// Rows in the ring start at multiples of this many bytes.
const ROW_ALIGNMENT: usize = 64;

/// Resizes every frame to `size`: (N, height, width, 3).
///
/// # Errors
/// As [`resize_into`]; or the result does not fit in memory.
pub fn resize(
    frames: &FramesView<'_>,
    size: Size,
    filter: Filter,
    level: Level,
    threads: &Threads,
) -> Result<Vec<u8>> {
    let mut out = memory::filled(0, resized_bytes(frames, size))?;
    resize_into(frames, size, filter, &mut out, level, threads)?;
    Ok(out)
}

/// Resizes every frame to `size`, into `out` as (N, height, width, 3).
///
/// A direction whose size does not change is not resampled.
///
/// # Errors
/// A side is zero or over 2**24, or `out` has the wrong length.
pub fn resize_into(
    frames: &FramesView<'_>,
    size: Size,
    filter: Filter,
    out: &mut [u8],
    level: Level,
    threads: &Threads,
) -> Result<()> {
    let resampler = Resampler::new(frames.size(), size, filter, level)?;
    let expected = resized_bytes(frames, size);
    if out.len() != expected {
        return Err(Error::OutputLength {
            len: out.len(),
            expected,
        });
    }
    let row = size.width * CHANNELS;
    let sizes = std::iter::repeat_n((size.height, row), frames.len());
    threads.for_each(split(sizes, out, *threads)?, |task| {
        let mut rows = resampler.rows(frames, task.frame, task.units)?;
        let mut padded = memory::filled(0, resampler.stride())?;
        for out in task.out.chunks_exact_mut(row) {
            rows.read(&mut padded)?;
            out.copy_from_slice(&padded[..row]);
        }
        Ok(())
    })
}

/// Bytes of all frames at `size`; `usize::MAX`, which nothing has, where they cannot be counted.
fn resized_bytes(frames: &FramesView<'_>, size: Size) -> usize {
    [size.height, size.width, CHANNELS]
        .into_iter()
        .fold(frames.len(), usize::saturating_mul)
}

/// Takes frames of one size to another.
#[derive(Debug)]
pub(crate) struct Resampler {
    level: Level,
    horizontal: Option<Horizontal>,
    vertical: Option<Weights>,
    from: Size,
    size: Size,
}

/// Weights of the first pass, arranged for source rows as they are met.
#[derive(Debug)]
struct Horizontal {
    weights: Arc<Weights>,
    packed: OnceLock<RowWeights>,
    padded: OnceLock<RowWeights>,
    /// Held while weights are arranged: one thread does it, the others wait for it.
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

    /// For rows with a pixel every `spacing` bytes.
    ///
    /// # Errors
    /// The arranged weights do not fit in memory.
    fn arranged(&self, spacing: usize, level: Level) -> Result<&RowWeights> {
        let arranged = if spacing == CHANNELS {
            &self.packed
        } else {
            &self.padded
        };
        if let Some(weights) = arranged.get() {
            return Ok(weights);
        }
        // `get_or_init` alone cannot pass an error on.
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
    /// From frames of the size `from` to `size`.
    ///
    /// # Errors
    /// A side is zero or over 2**24, or weights do not fit in memory.
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

    /// Bytes from one output row to the next, as [`Rows::read`] writes them.
    pub(crate) fn stride(&self) -> usize {
        row_bytes(self.size.width).next_multiple_of(ROW_ALIGNMENT)
    }

    /// Some rows of one resized frame, to be read in order.
    ///
    /// # Errors
    /// The rows between the two passes, or weights, do not fit in memory.
    pub(crate) fn rows<'a>(
        &'a self,
        frames: &'a FramesView<'a>,
        frame: usize,
        rows: Range<usize>,
    ) -> Result<Rows<'a>> {
        self.rows_of_part(frames, frame, 0, rows)
    }

    /// As [`Resampler::rows`], where `frames` begin at row `top` of what is resized, and hold at least
    /// what [`Resampler::source_range`] says.
    ///
    /// # Errors
    /// The rows between the two passes, or weights, do not fit in memory.
    pub(crate) fn rows_of_part<'a>(
        &'a self,
        frames: &'a FramesView<'a>,
        frame: usize,
        top: usize,
        rows: Range<usize>,
    ) -> Result<Rows<'a>> {
        Rows::new(self, frames, frame, top, rows)
    }

    /// The instruction set that it runs at.
    pub(crate) fn level(&self) -> Level {
        self.level
    }

    /// The size of what is resized.
    pub(crate) fn from(&self) -> Size {
        self.from
    }

    /// The size that it is resized to.
    pub(crate) fn size(&self) -> Size {
        self.size
    }

    /// The weights of the first pass for rows with a pixel every `spacing` bytes; None without that pass.
    ///
    /// # Errors
    /// They do not fit in memory.
    pub(crate) fn row_weights(&self, spacing: usize) -> Result<Option<&RowWeights>> {
        let horizontal = self.horizontal.as_ref();
        horizontal
            .map(|horizontal| horizontal.arranged(spacing, self.level))
            .transpose()
    }

    /// The weights of the second pass; None without that pass.
    pub(crate) fn column_weights(&self) -> Option<&Weights> {
        self.vertical.as_ref()
    }

    /// The rows of a source frame that output rows `rows` are made of.
    pub(crate) fn source_range(&self, rows: Range<usize>) -> Range<usize> {
        let first = self.source_rows(rows.start).start;
        let end = rows
            .end
            .checked_sub(1)
            .map_or(first, |last| self.source_rows(last).end);
        first..end.max(first)
    }

    /// The rows of a source frame that output row `y` is made of.
    pub(crate) fn source_rows(&self, y: usize) -> Range<usize> {
        match &self.vertical {
            Some(weights) => weights.start(y)..weights.start(y) + weights.count(y),
            None => y..y + 1,
        }
    }
}
