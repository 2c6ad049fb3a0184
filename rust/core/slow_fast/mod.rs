//! Decide which frames are slow (key frames, shown large) and which are fast (shown small).

mod comparer;
mod comparison;
mod hsv;
mod key_frame;
mod similarity;
mod splitter;

use crate::error::Result;
use crate::frames::FramesView;
use crate::memory;
use crate::simd::Level;
use crate::threads::Threads;
use crate::types::Size;
pub use comparer::{ComparableFrame, FrameChanges, FrameComparer};
pub use comparison::{Comparison, FrameType, PatchChange, all_slow};
pub use hsv::hsv_from_rgb;
use key_frame::KeyFrame;
use similarity::PatchedFrame;
pub use similarity::frame_similarity;
pub use splitter::SlowFastSplitter;

/// Frames in a batch, for each thread. All of them are resized before the first is compared: this bounds
/// memory, and keeps every thread busy.
const BATCH_PER_THREAD: usize = 8;

/// Return the type of each frame: slow if it differs from the last slow frame. Frame 0 is slow.
///
/// Frames are compared at `size`, in HSV, patch by patch. [`SlowFastSplitter`] decides the same types
/// frame by frame.
///
/// # Errors
/// Returns an error if a side of `size` is not a multiple of `comparison.patch`, a threshold is NaN, or
/// weights or frames do not fit in memory, or if the caller interrupts the work.
pub fn slow_fast(
    frames: &FramesView<'_>,
    size: Size,
    comparison: &Comparison,
    level: Level,
    threads: &Threads,
) -> Result<Vec<FrameType>> {
    let mut key = KeyFrame::new(frames.size(), size, comparison, level)?;
    let batch = frames.len().min(BATCH_PER_THREAD * threads.count());
    let mut patched = memory::with_capacity(batch)?;
    for _ in 0..batch {
        patched.push(key.comparer().make_frame()?);
    }
    let mut types = memory::with_capacity(frames.len())?;
    while types.len() < frames.len() {
        let first = types.len();
        let count = batch.min(frames.len() - first);
        let tasks = memory::collected(patched[..count].iter_mut().enumerate())?;
        threads.for_each(tasks, |(i, patched): (usize, &mut PatchedFrame)| {
            key.comparer().resize_into(frames, first + i, patched)
        })?;
        types.extend(patched[..count].iter_mut().map(|frame| key.compare(frame)));
    }
    Ok(types)
}
