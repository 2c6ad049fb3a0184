//! Antialiased uint8 resize: horizontal pass, rounded to bytes, then vertical pass.
//!
//! The result is that of `torch.nn.functional.interpolate(uint8, antialias=True)`, or, with Pillow's
//! filters, of `PIL.Image.resize`. Source rows are read once, in order; rows between the two passes live
//! in a small ring that stays in the cache.

use std::ops::Range;
use std::sync::OnceLock;

use crate::error::{Error, Result};
use crate::frames::{CHANNELS, FramesView, Row};
use crate::geometry::Size;
use crate::kernels::horizontal::{ROWS, RowWeights, resample_rows, row_bytes};
use crate::kernels::vertical::blend_rows;
use crate::memory;
use crate::parallel::{Threads, split};
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
            rows.read(&mut padded);
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
    weights: Weights,
    packed: OnceLock<RowWeights>,
    padded: OnceLock<RowWeights>,
}

impl Horizontal {
    /// For rows with a pixel every `spacing` bytes.
    fn arranged(&self, spacing: usize, level: Level) -> &RowWeights {
        let arranged = if spacing == CHANNELS {
            &self.packed
        } else {
            &self.padded
        };
        arranged.get_or_init(|| RowWeights::new(self.weights.clone(), level, spacing))
    }
}

impl Resampler {
    /// From frames of the size `from` to `size`.
    ///
    /// # Errors
    /// A side is zero or over 2**24.
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
            horizontal: weights(from.width, size.width)?.map(|weights| Horizontal {
                weights,
                packed: OnceLock::new(),
                padded: OnceLock::new(),
            }),
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
    /// The rows between the two passes do not fit in memory.
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
    /// The rows between the two passes do not fit in memory.
    pub(crate) fn rows_of_part<'a>(
        &'a self,
        frames: &'a FramesView<'a>,
        frame: usize,
        top: usize,
        rows: Range<usize>,
    ) -> Result<Rows<'a>> {
        let ring = Ring::new(self, top, self.source_range(rows.clone()))?;
        Ok(Rows {
            resampler: self,
            frames,
            frame,
            next: rows.start,
            ring,
            offsets: Vec::new(),
        })
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
    fn source_rows(&self, y: usize) -> Range<usize> {
        match &self.vertical {
            Some(weights) => weights.start(y)..weights.start(y) + weights.count(y),
            None => y..y + 1,
        }
    }
}

/// The rows of a resized frame, made as they are asked for.
pub(crate) struct Rows<'a> {
    resampler: &'a Resampler,
    frames: &'a FramesView<'a>,
    frame: usize,
    next: usize,
    ring: Ring,
    offsets: Vec<usize>,
}

impl<'a> Rows<'a> {
    /// What makes the rows.
    pub(crate) fn resampler(&self) -> &'a Resampler {
        self.resampler
    }

    /// Reads the next rows, packed RGB, to as many strides of [`Resampler::stride`] as `out` has. What
    /// lies between the rows is left undefined.
    pub(crate) fn read(&mut self, out: &mut [u8]) {
        let Self {
            resampler,
            frames,
            frame,
            ring,
            offsets,
            ..
        } = self;
        let packed = resampler.size.width * CHANNELS;
        for out in out.chunks_exact_mut(resampler.stride()) {
            let source = resampler.source_rows(self.next);
            ring.fill(resampler, frames, *frame, source.end);
            if let Some(weights) = &resampler.vertical {
                offsets.clear();
                offsets.extend(source.map(|row| ring.offset(row)));
                // Whole registers: the ring's rows are as long as these, and padded alike.
                let taps = weights.of(self.next);
                blend_rows(resampler.level, &ring.bytes, offsets, taps, out);
            } else {
                let row = ring.offset(source.start);
                out[..packed].copy_from_slice(&ring.bytes[row..][..packed]);
            }
            self.next += 1;
        }
    }
}

/// The rows between the two passes, in groups of [`ROWS`]; a new group takes the place of the oldest.
struct Ring {
    bytes: Vec<u8>,
    stride: usize,
    /// Groups that the ring holds.
    capacity: usize,
    /// Source rows that will be asked for, in order.
    rows: Range<usize>,
    /// The source row with which frames begin.
    top: usize,
    /// Groups filled so far, counted from the first of `rows`.
    filled: usize,
    /// One group of source rows, where those do not lie packed in memory.
    packed: Vec<u8>,
}

impl Ring {
    fn new(resampler: &Resampler, top: usize, rows: Range<usize>) -> Result<Self> {
        let stride = resampler.stride();
        let taps = resampler.vertical.as_ref().map_or(1, Weights::taps);
        // `taps` rows in sequence touch at most this many groups.
        let capacity = (taps + ROWS - 2) / ROWS + 1;
        let bytes = memory::filled(0, (capacity * ROWS).saturating_mul(stride))?;
        Ok(Self {
            bytes,
            stride,
            capacity,
            rows,
            top,
            filled: 0,
            packed: Vec::new(),
        })
    }

    /// Where the row of the ring that was made from source row `row` begins.
    fn offset(&self, row: usize) -> usize {
        let (group, place) = (
            (row - self.rows.start) / ROWS,
            (row - self.rows.start) % ROWS,
        );
        (group % self.capacity * ROWS + place) * self.stride
    }

    /// Makes every row before `end` that has not been made yet.
    fn fill(&mut self, resampler: &Resampler, frames: &FramesView<'_>, frame: usize, end: usize) {
        let groups = (end - self.rows.start).div_ceil(ROWS);
        for group in self.filled..groups {
            let start = self.rows.start + group * ROWS;
            // Past the last row that is needed the group is filled up with that row.
            let source: [Row<'_>; ROWS] = std::array::from_fn(|i| {
                frames.row(frame, (start + i).min(self.rows.end - 1) - self.top)
            });
            let at = self.offset(start);
            let out = &mut self.bytes[at..][..ROWS * self.stride];
            match &resampler.horizontal {
                Some(weights) => {
                    let spacing = frames.spacing();
                    let source = spaced_rows(&source, spacing, frames.width(), &mut self.packed);
                    let weights = weights.arranged(spacing, resampler.level);
                    let ahead = frames.row_stride().saturating_mul(ROWS as isize);
                    resample_rows(source, weights, out, self.stride, ahead);
                }
                None => {
                    for (row, out) in source.iter().zip(out.chunks_exact_mut(self.stride)) {
                        row.pack_into(out);
                    }
                }
            }
        }
        self.filled = self.filled.max(groups);
    }
}

/// The rows as RGB every `spacing` bytes: where they lie, or, packed, copied to `scratch`.
fn spaced_rows<'a>(
    rows: &[Row<'a>; ROWS],
    spacing: usize,
    width: usize,
    scratch: &'a mut Vec<u8>,
) -> [&'a [u8]; ROWS] {
    let bytes = width * CHANNELS;
    if let [Some(a), Some(b), Some(c), Some(d)] = rows.map(|row| row.spaced(spacing)) {
        return [a, b, c, d];
    }
    scratch.resize(ROWS * bytes, 0);
    for (row, out) in rows.iter().zip(scratch.chunks_exact_mut(bytes)) {
        row.pack_into(out);
    }
    let mut packed = scratch.chunks_exact(bytes);
    std::array::from_fn(|_| packed.next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_never_overwrites_a_row_that_is_still_needed() {
        let from = Size {
            height: 997,
            width: 1,
        };
        for height in [1, 2, 3, 7, 28, 333, 996, 998, 3000] {
            let size = Size { height, width: 1 };
            let resampler = Resampler::new(from, size, Filter::Bicubic, Level::SCALAR).unwrap();
            for first in [0, height / 3, height - 1] {
                let start = resampler.source_rows(first).start;
                let ring = Ring::new(&resampler, 0, start..997).unwrap();
                for y in first..height {
                    let rows = resampler.source_rows(y);
                    let group = |row: usize| (row - start) / ROWS;
                    assert!(group(rows.end - 1) - group(rows.start) < ring.capacity);
                }
            }
        }
    }
}
