//! Types of frames, and the parameters that they depend on.

use crate::error::{Error, Result};
use crate::memory;
use crate::sizes::FACTOR;

/// The type of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameType {
    /// A key frame: it differs from the last key frame.
    Slow = 0,
    /// A frame similar to the last slow one.
    Fast = 1,
}

impl FrameType {
    /// Convert from the number that keye-vl-utils uses: 0 is slow, 1 is fast.
    ///
    /// # Errors
    /// Returns [`Error::FrameTypesValue`], with `index`, for any other number.
    pub fn from_number(index: usize, value: i64) -> Result<Self> {
        match value {
            0 => Ok(FrameType::Slow),
            1 => Ok(FrameType::Fast),
            _ => Err(Error::FrameTypesValue { index, value }),
        }
    }
}

/// Mark every frame slow.
///
/// # Errors
/// Returns [`Error::Memory`] if the types do not fit in memory.
pub fn all_slow(frames: usize) -> Result<Vec<FrameType>> {
    memory::filled(FrameType::Slow, frames)
}

/// The change of a patch of a frame from the same patch of another frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatchChange {
    /// Its cosine exceeds the threshold.
    Unchanged = 0,
    /// Its cosine does not exceed the threshold.
    Changed = 1,
    /// It is black in both frames, and does not count.
    Black = 2,
}

/// The parameters of the comparison of frames.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// Side of the patches that are compared, in pixels.
    pub patch: usize,
    /// A patch is unchanged if its cosine exceeds this.
    pub patch_similarity: f64,
    /// A frame is slow if its share of unchanged patches is less than this.
    pub min_frame_similarity: f64,
}

impl Default for Comparison {
    /// Return the constants of keye-vl-utils 1.5.2.
    fn default() -> Self {
        Self {
            patch: FACTOR,
            patch_similarity: 0.7,
            min_frame_similarity: 0.9,
        }
    }
}
