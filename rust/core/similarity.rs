//! How much of a frame is as it was: the cosine of each patch with the same patch of another frame.
//!
//! The published code computes cosines in float32, in an order that depends on the machine; here they
//! are exact integers until the last comparison, so that the answer is the same everywhere.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::frames::{CHANNELS, FramesView};
use crate::geometry::Size;
use crate::kernels::dot::dot_and_square;
use crate::kernels::hsv::rgb_to_hsv;
use crate::memory;
use crate::simd::Level;

/// Below this a norm counts as this, as in the definition; norms of bytes are 0 or at least 1.
const SMALLEST_NORM: f64 = 1e-30;

/// A frame in HSV, patch after patch, with the square of each patch's norm.
#[derive(Debug)]
pub(crate) struct PatchedFrame {
    hsv: Vec<u8>,
    squares: Vec<u64>,
    patch: usize,
}

impl PatchedFrame {
    /// A frame of `size` in patches of `patch` x `patch` pixels; pixels come by [`Self::set_row`].
    ///
    /// # Errors
    /// A side of `size` is not a positive multiple of `patch`.
    pub(crate) fn new(size: Size, patch: usize) -> Result<Self> {
        let size = size.expect_multiple_of(patch, "frame size for comparison")?;
        let patches = size.pixels() / (patch * patch);
        let bytes = size.pixels().saturating_mul(CHANNELS);
        Ok(Self {
            hsv: memory::filled(0, bytes)?,
            squares: memory::filled(0, patches)?,
            patch,
        })
    }

    /// Sets row `y` from packed RGB pixels.
    pub(crate) fn set_row(&mut self, level: Level, y: usize, rgb: &[u8]) {
        let segment = self.patch * CHANNELS;
        let patch = segment * self.patch;
        let across = rgb.len() / segment;
        let band = &mut self.hsv[y / self.patch * across * patch..][..across * patch];
        let place = y % self.patch * segment;
        for (rgb, patch) in rgb.chunks_exact(segment).zip(band.chunks_exact_mut(patch)) {
            rgb_to_hsv(level, rgb, &mut patch[place..][..segment]);
        }
    }

    /// To be called when all rows are set.
    pub(crate) fn finish(&mut self, level: Level) {
        let bytes = self.patch_bytes();
        for (square, patch) in self.squares.iter_mut().zip(self.hsv.chunks_exact(bytes)) {
            *square = dot_and_square(level, patch, patch).1;
        }
    }

    /// How many patches there are.
    pub(crate) fn patches(&self) -> usize {
        self.squares.len()
    }

    fn patch_bytes(&self) -> usize {
        self.patch * self.patch * CHANNELS
    }

    /// Compares some of the patches with the same ones of `other`, a frame of the same size.
    pub(crate) fn compare(
        &self,
        level: Level,
        other: &Self,
        patches: Range<usize>,
        patch_similarity: f64,
    ) -> Similarity {
        let bytes = self.patch_bytes();
        let mut similarity = Similarity::default();
        for patch in patches {
            let (square, other_square) = (self.squares[patch], other.squares[patch]);
            if square == 0 && other_square == 0 {
                continue;
            }
            let place = patch * bytes..(patch + 1) * bytes;
            let (dot, _) = dot_and_square(level, &self.hsv[place.clone()], &other.hsv[place]);
            let norm = (square as f64).sqrt() * (other_square as f64).sqrt();
            similarity.counted += 1;
            if dot as f64 > patch_similarity * norm.max(SMALLEST_NORM) {
                similarity.similar += 1;
            }
        }
        similarity
    }
}

/// How many patches were compared, and how many of them did not change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Similarity {
    similar: u32,
    counted: u32,
}

impl Similarity {
    /// The share of patches that did not change, rounded to float32 as the published mean is; NaN when
    /// none was counted.
    pub(crate) fn share(self) -> f64 {
        f64::from(self.similar as f32 / self.counted as f32)
    }
}

impl std::ops::Add for Similarity {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            similar: self.similar + other.similar,
            counted: self.counted + other.counted,
        }
    }
}

/// Share of the patches of frame 0 of `a` and frame 0 of `b` whose cosine in HSV exceeds
/// `patch_similarity`.
///
/// Patches that are black in both are left out; with none left the result is NaN, which is not below
/// any threshold.
///
/// # Errors
/// There is no frame, the sizes differ, or a side is not a multiple of `patch`.
pub fn frame_similarity(
    a: &FramesView<'_>,
    b: &FramesView<'_>,
    patch: usize,
    patch_similarity: f64,
    level: Level,
) -> Result<f64> {
    let shape = |frames: &FramesView<'_>| [frames.len().min(1), frames.height(), frames.width()];
    if shape(a) != shape(b) || a.is_empty() {
        return Err(Error::Argument {
            name: "the second frame's (frames, height, width)",
            value: format!("{:?}", shape(b)),
            expected: "the shape of the first, which has one frame at least",
        });
    }
    let patched = |frames: &FramesView<'_>| {
        let size = Size {
            height: frames.height(),
            width: frames.width(),
        };
        let mut frame = PatchedFrame::new(size, patch)?;
        let mut rgb = memory::filled(0, size.width * CHANNELS)?;
        for y in 0..size.height {
            frames.row(0, y).pack_into(&mut rgb);
            frame.set_row(level, y, &rgb);
        }
        frame.finish(level);
        Ok(frame)
    };
    let (a, b) = (patched(a)?, patched(b)?);
    Ok(a.compare(level, &b, 0..a.patches(), patch_similarity)
        .share())
}
