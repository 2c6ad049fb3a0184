//! The rows of a resized frame, in order, and the rows between the two passes that they need.

use std::ops::Range;

use crate::error::Result;
use crate::frames::{CHANNELS, FramesView, Row};
use crate::kernels::horizontal::{ROWS, RowWeights, resample_rows};
use crate::kernels::vertical::blend_rows;
use crate::memory;
use crate::resize::Resampler;
use crate::weights::Weights;

/// The rows of a resized frame, made as they are asked for.
pub(crate) struct Rows<'a> {
    resampler: &'a Resampler,
    /// Of the first pass, arranged for `frames`.
    weights: Option<&'a RowWeights>,
    frames: &'a FramesView<'a>,
    frame: usize,
    next: usize,
    ring: Ring,
    offsets: Vec<usize>,
}

impl<'a> Rows<'a> {
    /// Rows `rows` of resized frame `frame`, where `frames` begin at row `top` of what is resized.
    ///
    /// # Errors
    /// The rows between the two passes, or weights, do not fit in memory.
    pub(crate) fn new(
        resampler: &'a Resampler,
        frames: &'a FramesView<'a>,
        frame: usize,
        top: usize,
        rows: Range<usize>,
    ) -> Result<Self> {
        let ring = Ring::new(resampler, top, resampler.source_range(rows.clone()))?;
        Ok(Self {
            resampler,
            weights: resampler.row_weights(frames.spacing())?,
            frames,
            frame,
            next: rows.start,
            ring,
            offsets: memory::with_capacity(taps(resampler))?,
        })
    }

    /// What makes the rows.
    pub(crate) fn resampler(&self) -> &'a Resampler {
        self.resampler
    }

    /// Reads the next rows, packed RGB, to as many strides of [`Resampler::stride`] as `out` has. What
    /// lies between the rows is left undefined.
    ///
    /// # Errors
    /// Source rows that are to be packed do not fit in memory.
    pub(crate) fn read(&mut self, out: &mut [u8]) -> Result<()> {
        let Self {
            resampler,
            weights,
            frames,
            frame,
            ring,
            offsets,
            ..
        } = self;
        let packed = resampler.size().width * CHANNELS;
        for out in out.chunks_exact_mut(resampler.stride()) {
            let source = resampler.source_rows(self.next);
            ring.fill(*weights, frames, *frame, source.end)?;
            if let Some(weights) = resampler.column_weights() {
                // No more than there are taps, for which there is room.
                offsets.clear();
                offsets.extend(source.map(|row| ring.offset(row)));
                // Whole registers: the ring's rows are as long as these, and padded alike.
                let taps = weights.of(self.next);
                blend_rows(resampler.level(), &ring.bytes, offsets, taps, out);
            } else {
                let row = ring.offset(source.start);
                out[..packed].copy_from_slice(&ring.bytes[row..][..packed]);
            }
            self.next += 1;
        }
        Ok(())
    }
}

/// Source rows that an output row is made of, at most.
fn taps(resampler: &Resampler) -> usize {
    resampler.column_weights().map_or(1, Weights::taps)
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
        // So many rows in sequence touch at most this many groups.
        let capacity = (taps(resampler) + ROWS - 2) / ROWS + 1;
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
    ///
    /// # Errors
    /// Source rows that are to be packed do not fit in memory.
    fn fill(
        &mut self,
        weights: Option<&RowWeights>,
        frames: &FramesView<'_>,
        frame: usize,
        end: usize,
    ) -> Result<()> {
        let groups = (end - self.rows.start).div_ceil(ROWS);
        for group in self.filled..groups {
            let start = self.rows.start + group * ROWS;
            // Past the last row that is needed the group is filled up with that row.
            let source: [Row<'_>; ROWS] = std::array::from_fn(|i| {
                frames.row(frame, (start + i).min(self.rows.end - 1) - self.top)
            });
            let at = self.offset(start);
            let out = &mut self.bytes[at..][..ROWS * self.stride];
            match weights {
                Some(weights) => {
                    let spacing = weights.spacing();
                    let source = spaced_rows(&source, spacing, frames.width(), &mut self.packed)?;
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
        Ok(())
    }
}

/// The rows as RGB every `spacing` bytes: where they lie, or, packed, copied to `scratch`.
///
/// # Errors
/// Copies do not fit in memory.
fn spaced_rows<'a>(
    rows: &[Row<'a>; ROWS],
    spacing: usize,
    width: usize,
    scratch: &'a mut Vec<u8>,
) -> Result<[&'a [u8]; ROWS]> {
    let bytes = width * CHANNELS;
    if let [Some(a), Some(b), Some(c), Some(d)] = rows.map(|row| row.spaced(spacing)) {
        return Ok([a, b, c, d]);
    }
    if scratch.is_empty() {
        *scratch = memory::filled(0, bytes.saturating_mul(ROWS))?;
    }
    for (row, out) in rows.iter().zip(scratch.chunks_exact_mut(bytes)) {
        row.pack_into(out);
    }
    let mut packed = scratch.chunks_exact(bytes);
    Ok(std::array::from_fn(|_| packed.next().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Size;
    use crate::simd::Level;
    use crate::weights::Filter;

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
