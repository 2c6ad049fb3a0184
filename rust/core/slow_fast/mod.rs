//! Which frames are slow (key frames, shown large) and which are fast (shown small).

mod key_frame;
mod splitter;

use crate::error::{Error, Result};
use crate::frames::FramesView;
use crate::geometry::{FACTOR, Size};
use crate::memory;
use crate::parallel::Threads;
use crate::simd::Level;
use crate::similarity::PatchedFrame;
use key_frame::KeyFrame;
pub use splitter::SlowFastSplitter;

/// Frames of a batch for each thread: all of them are resized before the first is compared, so this
/// bounds memory, and keeps every thread busy.
const BATCH_PER_THREAD: usize = 8;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameType {
    /// A key frame: it differs from the last one.
    Slow = 0,
    /// A frame much like the last slow one.
    Fast = 1,
}

impl FrameType {
    /// From the published numbers, 0 and 1.
    ///
    /// # Errors
    /// The number is another one; `index` says whose it is.
    pub fn from_number(index: usize, value: i64) -> Result<Self> {
        match value {
            0 => Ok(FrameType::Slow),
            1 => Ok(FrameType::Fast),
            _ => Err(Error::FrameTypesValue { index, value }),
        }
    }
}

/// Types for frames that nobody has told apart.
///
/// # Errors
/// They do not fit in memory.
pub fn all_slow(frames: usize) -> Result<Vec<FrameType>> {
    memory::filled(FrameType::Slow, frames)
}

/// How frames are compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// Side of the patches that are compared, in pixels.
    pub patch: usize,
    /// A patch whose cosine exceeds this did not change.
    pub patch_similarity: f64,
    /// A frame with a smaller share of unchanged patches is slow.
    pub min_frame_similarity: f64,
}

impl Default for Comparison {
    /// The constants of keye-vl-utils 1.5.2.
    fn default() -> Self {
        Self {
            patch: FACTOR,
            patch_similarity: 0.7,
            min_frame_similarity: 0.9,
        }
    }
}

/// The type of each frame: slow where it differs from the last slow frame. Frame 0 is slow.
///
/// Frames are compared at `size`, in HSV, patch by patch. [`SlowFastSplitter`] gives the same types
/// to frames that come one after the other.
///
/// # Errors
/// A side of `size` is not a multiple of `comparison.patch`, a threshold is NaN, or weights or frames
/// do not fit in memory.
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
        patched.push(key.blank()?);
    }
    let mut types = memory::with_capacity(frames.len())?;
    while types.len() < frames.len() {
        let first = types.len();
        let count = batch.min(frames.len() - first);
        let tasks = memory::collected(patched[..count].iter_mut().enumerate())?;
        threads.for_each(tasks, |(i, patched): (usize, &mut PatchedFrame)| {
            key.read(frames, first + i, patched)
        })?;
        types.extend(patched[..count].iter_mut().map(|frame| key.compare(frame)));
    }
    Ok(types)
}
