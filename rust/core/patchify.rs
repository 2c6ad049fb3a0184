//! Where each frame's patches go: the layout of the model's input.

use crate::error::{Error, Result};
use crate::frames::CHANNELS;
use crate::geometry::{MERGE, Size};
use crate::slow_fast::FrameType;

/// The size of each frame of a video, and with it the place of every patch.
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
    /// Slow frames at one size and fast frames at another, both in whole tokens of
    /// `MERGE * patch` pixels a side. A size that no frame has is not looked at.
    ///
    /// # Errors
    /// A size is no multiple of the token's side, or there are too many elements to count.
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

    /// How many frames.
    pub fn frames(&self) -> usize {
        self.types.len()
    }

    /// Elements of the whole output: patches * 3 * patch * patch.
    pub fn elements(&self) -> usize {
        self.elements
    }

    /// Side of a patch in pixels.
    pub fn patch(&self) -> usize {
        self.patch
    }

    /// What a frame is.
    pub fn frame_type(&self, frame: usize) -> FrameType {
        self.types[frame]
    }

    /// The size at which frames of one type are shown.
    pub fn size(&self, kind: FrameType) -> Size {
        match kind {
            FrameType::Slow => self.slow,
            FrameType::Fast => self.fast,
        }
    }

    /// For each frame, its bands (rows of patches) and the elements of each band.
    pub(crate) fn bands(&self) -> impl ExactSizeIterator<Item = (usize, usize)> {
        self.types.iter().map(|kind| {
            let Size { height, width } = self.size(*kind);
            (height / self.patch, width * self.patch * CHANNELS)
        })
    }
}
