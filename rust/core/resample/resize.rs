//! The operation: whole frames from one size to another.

use super::{Filter, Resampler, Rows};
use crate::error::{Error, Result};
use crate::frames::FramesView;
use crate::memory;
use crate::simd::Level;
use crate::threads::{Threads, split};
use crate::types::{CHANNELS, Size};

/// Resize every frame to `size`, into a new buffer (N, height, width, 3).
///
/// # Errors
/// As [`resize_into`]; or [`Error::Memory`] if the result does not fit in memory.
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

/// Resize every frame to `size`, into `out` (N, height, width, 3).
///
/// A direction whose size does not change is not resampled.
///
/// # Errors
/// Returns [`Error::Size`] or [`Error::Argument`] if a side is zero or over 2**24,
/// [`Error::OutputLength`] if `out` has the wrong length.
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
    threads.for_each(split(sizes, out, threads.count())?, |task| {
        let mut rows = Rows::new(&resampler, frames, task.frame, task.units)?;
        let mut padded = memory::filled(0, resampler.stride())?;
        for out in task.out.chunks_exact_mut(row) {
            rows.fill_rows(&mut padded)?;
            out.copy_from_slice(&padded[..row]);
        }
        Ok(())
    })
}

/// Return the bytes of all frames at `size`, or `usize::MAX`, which no buffer has, where they overflow.
fn resized_bytes(frames: &FramesView<'_>, size: Size) -> usize {
    [size.height, size.width, CHANNELS]
        .into_iter()
        .fold(frames.len(), usize::saturating_mul)
}
