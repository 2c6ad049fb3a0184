//! The rows of a resized frame, in order.

use std::ops::Range;

use super::Resampler;
use super::ring::Ring;
use crate::error::Result;
use crate::frames::FramesView;
use crate::kernels::horizontal::RowWeights;
use crate::kernels::vertical::blend_rows;
use crate::memory;
use crate::types::CHANNELS;

/// Resizes one frame, row after row, as rows are asked for.
pub(crate) struct Rows<'a> {
    resampler: &'a Resampler,
    /// Of the horizontal pass, arranged for `frames`.
    weights: Option<&'a RowWeights>,
    frames: &'a FramesView<'a>,
    frame: usize,
    next: usize,
    ring: Ring,
    offsets: Vec<usize>,
}

impl<'a> Rows<'a> {
    /// Prepare the output rows `rows` of frame `frame`.
    ///
    /// # Errors
    /// Returns [`Error::Memory`](crate::Error::Memory) if the ring or the arranged weights do not fit in
    /// memory.
    pub(crate) fn new(
        resampler: &'a Resampler,
        frames: &'a FramesView<'a>,
        frame: usize,
        rows: Range<usize>,
    ) -> Result<Self> {
        Self::of_part(resampler, frames, frame, 0, rows)
    }

    /// Prepare rows as [`Rows::new`] does, of `frames` that begin at source row `top` and hold at least
    /// [`Resampler::source_range`] of `rows`.
    ///
    /// # Errors
    /// As [`Rows::new`].
    pub(crate) fn of_part(
        resampler: &'a Resampler,
        frames: &'a FramesView<'a>,
        frame: usize,
        top: usize,
        rows: Range<usize>,
    ) -> Result<Self> {
        let source = resampler.source_range(rows.clone());
        let most = resampler.most_source_rows();
        Ok(Self {
            resampler,
            weights: resampler.row_weights(frames.spacing())?,
            frames,
            frame,
            next: rows.start,
            ring: Ring::new(most, resampler.stride(), top, source)?,
            offsets: memory::with_capacity(most)?,
        })
    }

    /// Return what resizes the rows.
    pub(crate) fn resampler(&self) -> &'a Resampler {
        self.resampler
    }

    /// Fill `out` with the next rows, packed RGB, one for each [`Resampler::stride`] bytes of it. The
    /// bytes between rows are left undefined.
    ///
    /// # Errors
    /// Returns [`Error::Memory`](crate::Error::Memory) if packed copies of source rows do not fit in
    /// memory.
    pub(crate) fn fill_rows(&mut self, out: &mut [u8]) -> Result<()> {
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
            ring.fill_until(source.end, *weights, frames, *frame)?;
            if let Some(weights) = resampler.column_weights() {
                // There are no more of them than `offsets` has room for.
                offsets.clear();
                offsets.extend(source.map(|row| ring.offset(row)));
                // Strides are blended, not rows, so that all of it is whole registers.
                let taps = weights.of(self.next);
                blend_rows(resampler.level(), ring.bytes(), offsets, taps, out);
            } else {
                let row = ring.offset(source.start);
                out[..packed].copy_from_slice(&ring.bytes()[row..][..packed]);
            }
            self.next += 1;
        }
        Ok(())
    }
}
