//! The fused operator: resample, normalize and cut into patches, straight into the caller's buffer.

use super::{Normalization, PatchPlan};
use crate::error::{Error, Result};
use crate::frames::FramesView;
use crate::kernels::patch_band::{self, Band, Values};
use crate::memory;
use crate::resample::{Filter, Resampler, Rows};
use crate::simd::Level;
use crate::slow_fast::FrameType;
use crate::threads::{Threads, split};
use crate::types::{CHANNELS, Element};

/// Size in bytes from which an output is written past the cache, which it exceeds by far.
const STREAMED_BYTES: usize = 16 << 20;

/// Resample and normalize every frame, and write its patches to `out` as `plan` lays them out.
///
/// # Errors
/// Returns [`Error::FrameTypesLength`] if `plan` is for another number of frames,
/// [`Error::OutputLength`] if `out` does not have [`PatchPlan::elements`] elements: nothing has been
/// written then. Returns [`Error::Memory`] if scratch does not fit in memory, [`Error::Interrupted`] if
/// the caller interrupted the work.
pub fn write_patches<T: Element>(
    frames: &FramesView<'_>,
    plan: &PatchPlan,
    filter: Filter,
    normalization: &Normalization,
    out: &mut [T],
    level: Level,
    threads: &Threads,
) -> Result<()> {
    if plan.frames() != frames.len() {
        return Err(Error::FrameTypesLength {
            types: plan.frames(),
            frames: frames.len(),
        });
    }
    if out.len() != plan.elements() {
        return Err(Error::OutputLength {
            len: out.len(),
            expected: plan.elements(),
        });
    }
    let has = |kind| (0..plan.frames()).any(|frame| plan.frame_type(frame) == kind);
    let resampler = |kind| {
        has(kind)
            .then(|| Resampler::new(frames.size(), plan.size(kind), filter, level))
            .transpose()
    };
    let (slow, fast) = (resampler(FrameType::Slow)?, resampler(FrameType::Fast)?);
    let values = normalization.values::<T>();
    let patch = plan.patch();
    let streamed = size_of_val(out) >= STREAMED_BYTES;
    threads.for_each(split(plan.bands(), out, threads.count())?, |task| {
        let kind = plan.frame_type(task.frame);
        let resampler = match kind {
            FrameType::Slow => &slow,
            FrameType::Fast => &fast,
        };
        let Some(resampler) = resampler else {
            return Ok(());
        };
        let rows = task.units.start * patch..task.units.end * patch;
        let rows = Rows::new(resampler, frames, task.frame, rows)?;
        write_bands(rows, patch, &values, streamed, task.out)
    })
}

/// Fill `out` with the next rows of patches.
///
/// # Errors
/// Returns [`Error::Memory`] if scratch does not fit in memory.
pub(super) fn write_bands<T: Element>(
    mut rows: Rows<'_>,
    patch: usize,
    values: &Values<T>,
    streamed: bool,
    out: &mut [T],
) -> Result<()> {
    let resampler = rows.resampler();
    let (width, stride) = (resampler.size().width, resampler.stride());
    let mut band = memory::filled(0, patch.saturating_mul(stride))?;
    for out in out.chunks_exact_mut(width * patch * CHANNELS) {
        rows.fill_rows(&mut band)?;
        let pixels = Band::new(&band, stride, width, patch);
        patch_band::write_patches(resampler.level(), pixels, values, streamed, out);
    }
    Ok(())
}
