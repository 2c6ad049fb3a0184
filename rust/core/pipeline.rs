//! The fused operator: resample, normalise and cut into patches, straight into the caller's buffer.

use crate::error::{Error, Result};
use crate::frames::{CHANNELS, FramesView};
use crate::kernels::patch_row::write_patch_row;
use crate::normalize::{Element, Normalization};
use crate::parallel::{Threads, split};
use crate::patchify::PatchPlan;
use crate::resize::Resampler;
use crate::simd::Level;
use crate::slow_fast::FrameType;
use crate::weights::Filter;

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
            .then(|| Resampler::new(frames, plan.size(kind), filter))
            .transpose()
    };
    let (slow, fast) = (resampler(FrameType::Slow)?, resampler(FrameType::Fast)?);
    let values = normalization.values::<T>();
    let patch = plan.patch();
    threads.for_each(split(plan.bands(), out, *threads), |task| {
        let kind = plan.frame_type(task.frame);
        let resampler = match kind {
            FrameType::Slow => &slow,
            FrameType::Fast => &fast,
        };
        let Some(resampler) = resampler else { return };
        let band = plan.size(kind).width * patch * CHANNELS;
        let first = task.units.start * patch;
        let rows = first..task.units.end * patch;
        resampler.for_each_row(level, frames, task.frame, rows, |y, row| {
            let band = &mut task.out[(y - first) / patch * band..][..band];
            write_patch_row(level, row, &values, patch, y % patch, band);
        });
    })
}
