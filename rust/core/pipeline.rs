//! The fused operator: resample, normalise and cut into patches, straight into the caller's buffer.

use crate::error::{Error, Result};
use crate::frames::{CHANNELS, FramesView};
use crate::kernels::patch_band::{self, Band, Values};
use crate::memory;
use crate::normalize::{Element, Normalization};
use crate::parallel::{Threads, split};
use crate::patchify::PatchPlan;
use crate::resize::Resampler;
use crate::rows::Rows;
use crate::simd::Level;
use crate::slow_fast::FrameType;
use crate::weights::Filter;

/// An output of so many bytes is far larger than the cache that it would go through.
const STREAMED_BYTES: usize = 16 << 20;

/// Writes every frame once, in frame order, as `plan` lays it out.
///
/// # Errors
/// `plan` was made for another number of frames, or `out` does not have [`PatchPlan::elements`]
/// elements. Nothing has been written then.
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
    threads.for_each(split(plan.bands(), out, *threads)?, |task| {
        let kind = plan.frame_type(task.frame);
        let resampler = match kind {
            FrameType::Slow => &slow,
            FrameType::Fast => &fast,
        };
        let Some(resampler) = resampler else {
            return Ok(());
        };
        let rows = task.units.start * patch..task.units.end * patch;
        let rows = resampler.rows(frames, task.frame, rows)?;
        write_bands(rows, patch, &values, streamed, task.out)
    })
}

/// Writes rows of patches to `out`, as many as it has room for.
///
/// # Errors
/// Scratch does not fit in memory.
pub(crate) fn write_bands<T: Element>(
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
        rows.read(&mut band)?;
        let pixels = Band::new(&band, stride, width, patch);
        patch_band::write_patches(resampler.level(), pixels, values, streamed, out);
    }
    Ok(())
}
