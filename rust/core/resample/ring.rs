//! The rows between the two passes: a ring that keeps as many as an output row needs.

use std::ops::Range;

use crate::error::Result;
use crate::frames::{FramesView, Row};
use crate::kernels::horizontal::{ROWS, RowWeights, resample_rows};
use crate::memory;
use crate::types::CHANNELS;

/// Rows of the horizontal pass, in groups of [`ROWS`]; a new group takes the place of the oldest.
pub(super) struct Ring {
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
    /// Copies of one group of source rows, where those are not packed in memory.
    packed: Vec<u8>,
}

impl Ring {
    /// Make a ring for the source rows `rows`, that keeps `kept` successive ones, `stride` bytes each.
    ///
    /// # Errors
    /// Returns [`Error::Memory`](crate::Error::Memory) if it does not fit in memory.
    pub(super) fn new(kept: usize, stride: usize, top: usize, rows: Range<usize>) -> Result<Self> {
        // So many successive rows touch at most this many groups.
        let capacity = (kept + ROWS - 2) / ROWS + 1;
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

    /// Return the bytes that [`Ring::offset`] points into.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Return where the row that was made from source row `row` begins.
    pub(super) fn offset(&self, row: usize) -> usize {
        let (group, place) = (
            (row - self.rows.start) / ROWS,
            (row - self.rows.start) % ROWS,
        );
        (group % self.capacity * ROWS + place) * self.stride
    }

    /// Fill the ring with every row before `end` that it has not had yet.
    ///
    /// # Errors
    /// Returns [`Error::Memory`](crate::Error::Memory) if packed copies of source rows do not fit in
    /// memory.
    pub(super) fn fill_until(
        &mut self,
        end: usize,
        weights: Option<&RowWeights>,
        frames: &FramesView<'_>,
        frame: usize,
    ) -> Result<()> {
        let groups = (end - self.rows.start).div_ceil(ROWS);
        for group in self.filled..groups {
            let start = self.rows.start + group * ROWS;
            // The last group repeats the last row that is needed.
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

/// Return rows with a pixel every `spacing` bytes: where they lie, or else packed copies in `scratch`.
///
/// # Errors
/// Returns [`Error::Memory`](crate::Error::Memory) if the copies do not fit in memory.
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
    use crate::resample::{Filter, Resampler};
    use crate::simd::Level;
    use crate::types::Size;

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
                let ring = Ring::new(
                    resampler.most_source_rows(),
                    resampler.stride(),
                    0,
                    start..997,
                )
                .unwrap();
                for y in first..height {
                    let rows = resampler.source_rows(y);
                    let group = |row: usize| (row - start) / ROWS;
                    assert!(group(rows.end - 1) - group(rows.start) < ring.capacity);
                }
            }
        }
    }
}
