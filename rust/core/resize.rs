//! Antialiased uint8 resize: horizontal pass, rounded to bytes, then vertical pass.
//!
//! The result is that of `torch.nn.functional.interpolate(uint8, antialias=True)`. Source rows are read
//! once, in order; rows between the two passes live in a small ring that stays in the cache.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::frames::{CHANNELS, FramesView, Row};
use crate::geometry::Size;
use crate::kernels::horizontal::{ROWS, resample_rows, row_bytes};
use crate::kernels::vertical::blend_rows;
use crate::parallel::{Threads, split};
use crate::simd::Level;
use crate::weights::{Filter, Weights};

/// Rows in the ring start at multiples of this many bytes.
const ROW_ALIGNMENT: usize = 64;

/// Resizes every frame to `size`, into `out` as (N, height, width, 3).
///
/// A direction whose size does not change is not resampled.
///
/// # Errors
/// A side is zero or over 2**24, or `out` has the wrong length.
pub fn resize(
    frames: &FramesView<'_>,
    size: Size,
    filter: Filter,
    out: &mut [u8],
    level: Level,
    threads: &Threads,
) -> Result<()> {
    let resampler = Resampler::new(frames, size, filter)?;
    let row = size.width * CHANNELS;
    let expected = frames
        .len()
        .checked_mul(size.height)
        .and_then(|rows| rows.checked_mul(row));
    if expected != Some(out.len()) {
        let expected = expected.unwrap_or(usize::MAX);
        return Err(Error::OutputLength {
            len: out.len(),
            expected,
        });
    }
    let sizes = std::iter::repeat_n((size.height, row), frames.len());
    threads.for_each(split(sizes, out, *threads), |task| {
        let mut rows = task.out.chunks_exact_mut(row);
        resampler.for_each_row(level, frames, task.frame, task.units, |_, pixels| {
            if let Some(row) = rows.next() {
                row.copy_from_slice(pixels);
            }
        });
    })
}

/// Takes frames of one size to another.
#[derive(Debug)]
pub(crate) struct Resampler {
    horizontal: Option<Weights>,
    vertical: Option<Weights>,
    size: Size,
}

impl Resampler {
    pub(crate) fn new(frames: &FramesView<'_>, size: Size, filter: Filter) -> Result<Self> {
        let weights = |from: usize, to: usize| {
            (from != to)
                .then(|| Weights::new(from, to, filter))
                .transpose()
        };
        size.expect_multiple_of(1, "size")?;
        Ok(Self {
            horizontal: weights(frames.width(), size.width)?,
            vertical: weights(frames.height(), size.height)?,
            size,
        })
    }

    /// Calls `emit` with the position and the packed RGB bytes of each of `rows`, in order.
    pub(crate) fn for_each_row(
        &self,
        level: Level,
        frames: &FramesView<'_>,
        frame: usize,
        rows: Range<usize>,
        mut emit: impl FnMut(usize, &[u8]),
    ) {
        if rows.is_empty() {
            return;
        }
        let width = self.size.width * CHANNELS;
        let first = self.source_rows(rows.start).start;
        let end = self.source_rows(rows.end - 1).end;
        let mut ring = Ring::new(self, first..end);
        let mut blended = vec![0u8; width];
        let mut offsets = Vec::new();
        for y in rows {
            let source = self.source_rows(y);
            ring.fill(level, self, frames, frame, source.end);
            if let Some(weights) = &self.vertical {
                offsets.clear();
                offsets.extend(source.clone().map(|row| ring.offset(row)));
                let weights_of_row = &weights.row(y)[..offsets.len()];
                let precision = weights.precision();
                blend_rows(
                    level,
                    &ring.bytes,
                    &offsets,
                    weights_of_row,
                    precision,
                    &mut blended,
                );
                emit(y, &blended);
            } else {
                emit(y, &ring.bytes[ring.offset(source.start)..][..width]);
            }
        }
    }

    /// The rows of a source frame that output row `y` is made of.
    fn source_rows(&self, y: usize) -> Range<usize> {
        match &self.vertical {
            Some(weights) => weights.start(y)..weights.start(y) + weights.count(y),
            None => y..y + 1,
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
    /// Groups filled so far, counted from the first of `rows`.
    filled: usize,
    /// One group of source rows, where those do not lie packed in memory.
    packed: Vec<u8>,
}

impl Ring {
    fn new(resampler: &Resampler, rows: Range<usize>) -> Self {
        let stride = row_bytes(resampler.size.width).next_multiple_of(ROW_ALIGNMENT);
        let taps = resampler.vertical.as_ref().map_or(1, Weights::taps);
        // `taps` rows in sequence touch at most this many groups.
        let capacity = (taps + ROWS - 2) / ROWS + 1;
        let bytes = vec![0; capacity * ROWS * stride];
        Self {
            bytes,
            stride,
            capacity,
            rows,
            filled: 0,
            packed: Vec::new(),
        }
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
    fn fill(
        &mut self,
        level: Level,
        resampler: &Resampler,
        frames: &FramesView<'_>,
        frame: usize,
        end: usize,
    ) {
        let groups = (end - self.rows.start).div_ceil(ROWS);
        for group in self.filled..groups {
            let start = self.rows.start + group * ROWS;
            // Past the last row that is needed the group is filled up with that row.
            let source: [Row<'_>; ROWS] =
                std::array::from_fn(|i| frames.row(frame, (start + i).min(self.rows.end - 1)));
            let at = self.offset(start);
            let out = &mut self.bytes[at..][..ROWS * self.stride];
            match &resampler.horizontal {
                Some(weights) => {
                    let source = packed_rows(&source, frames.width(), &mut self.packed);
                    resample_rows(level, source, weights, out, self.stride);
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

/// The rows as packed RGB: where they lie, or copied to `scratch`.
fn packed_rows<'a>(
    rows: &[Row<'a>; ROWS],
    width: usize,
    scratch: &'a mut Vec<u8>,
) -> [&'a [u8]; ROWS] {
    let bytes = width * CHANNELS;
    if let [Some(a), Some(b), Some(c), Some(d)] = rows.map(|row| row.packed()) {
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
        let pixels = vec![0u8; 997 * CHANNELS];
        let frames = FramesView::channels_last(&pixels, [1, 997, 1]).unwrap();
        for height in [1, 2, 3, 7, 28, 333, 996, 998, 3000] {
            let size = Size { height, width: 1 };
            let resampler = Resampler::new(&frames, size, Filter::Bicubic).unwrap();
            for first in [0, height / 3, height - 1] {
                let start = resampler.source_rows(first).start;
                let ring = Ring::new(&resampler, start..997);
                for y in first..height {
                    let rows = resampler.source_rows(y);
                    let group = |row: usize| (row - start) / ROWS;
                    assert!(group(rows.end - 1) - group(rows.start) < ring.capacity);
                }
            }
        }
    }
}
