//! The layout of the model's input: where the patches of each frame go.

use crate::error::{Error, Result};
use crate::sizes::MERGE;
use crate::slow_fast::FrameType;
use crate::types::{CHANNELS, Size};

/// The size of each frame of a video, from which the place of every patch follows.
///
/// Frames follow each other in time, slow and fast interleaved. The patches of a frame are row-major,
/// each (3, patch, patch).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatchPlan {
    types: Vec<FrameType>,
    slow: Size,
    fast: Size,
    patch: usize,
    elements: usize,
}

impl PatchPlan {
    /// Plan for frames of these types, slow ones at one size and fast ones at another, both in whole tokens
    /// of `MERGE * patch` pixels a side. The size of a type that no frame has is ignored.
    ///
    /// # Errors
    /// Returns [`Error::Size`] if a size is not a multiple of the token's side or the number of elements
    /// overflows, [`Error::Argument`] if `patch` is zero.
    pub fn new(types: Vec<FrameType>, slow: Size, fast: Size, patch: usize) -> Result<Self> {
        if patch == 0 {
            return Err(Error::Argument {
                name: "patch_size",
                value: "0".into(),
                expected: "at least 1",
            });
        }
        let mut elements = 0usize;
        let sides = [
            (FrameType::Slow, "slow_size", slow),
            (FrameType::Fast, "fast_size", fast),
        ];
        for (of, name, size) in sides {
            let frames = types.iter().filter(|kind| **kind == of).count();
            if frames == 0 {
                continue;
            }
            let multiple = patch.saturating_mul(MERGE);
            let Size { height, width } = size.expect_multiple_of(multiple, name)?;
            elements = (height * width)
                .checked_mul(CHANNELS)
                .and_then(|one| one.checked_mul(frames))
                .and_then(|all| all.checked_add(elements))
                .ok_or(Error::Size {
                    name,
                    height,
                    width,
                    multiple,
                })?;
        }
        Ok(Self {
            types,
            slow,
            fast,
            patch,
            elements,
        })
    }

    /// Return the number of frames.
    pub fn frames(&self) -> usize {
        self.types.len()
    }

    /// Return the number of elements of the whole output: patches * 3 * patch * patch.
    pub fn elements(&self) -> usize {
        self.elements
    }

    /// Return the side of a patch in pixels.
    pub fn patch(&self) -> usize {
        self.patch
    }

    /// Return the type of a frame.
    pub fn frame_type(&self, frame: usize) -> FrameType {
        self.types[frame]
    }

    /// Return the size to which frames of one type are resized.
    pub fn size(&self, kind: FrameType) -> Size {
        match kind {
            FrameType::Slow => self.slow,
            FrameType::Fast => self.fast,
        }
    }

    /// Iterate over frames: how many bands (rows of patches) each has, and how many elements a band has.
    pub(crate) fn bands(&self) -> impl ExactSizeIterator<Item = (usize, usize)> {
        self.types.iter().map(|kind| {
            let Size { height, width } = self.size(*kind);
            (height / self.patch, width * self.patch * CHANNELS)
        })
    }
}
