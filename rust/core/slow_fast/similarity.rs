//! Similarity of two frames: the share of patches whose cosine with the same patch of the other frame
//! exceeds a threshold.
//!
//! keye-vl-utils 1.5.2 computes cosines in float32, in an order that depends on the machine. Here sums
//! are exact integers until the last comparison, so that the result is the same everywhere.

use super::comparison::PatchChange;
use crate::error::{Error, Result};
use crate::frames::FramesView;
use crate::kernels::dot::dot;
use crate::kernels::hsv::rgb_to_hsv;
use crate::memory;
use crate::simd::Level;
use crate::types::{CHANNELS, Size};

/// Lower bound of the product of norms, as in keye-vl-utils; norms of bytes are 0 or at least 1.
const SMALLEST_NORM: f64 = 1e-30;

/// A frame in HSV, patch after patch, with the squared norm of each patch.
#[derive(Debug)]
pub(crate) struct PatchedFrame {
    hsv: Vec<u8>,
    squares: Vec<u64>,
    size: Size,
    patch: usize,
}

impl PatchedFrame {
    /// Make a black frame of `size` with patches of `patch` x `patch` pixels, for [`Self::set_row`].
    ///
    /// # Errors
    /// Returns [`Error::Size`] if a side of `size` is not a positive multiple of `patch`,
    /// [`Error::Memory`] if the frame does not fit in memory.
    pub(crate) fn new(size: Size, patch: usize) -> Result<Self> {
        let size = size.expect_multiple_of(patch, "frame size for comparison")?;
        let patches = size.pixels() / (patch * patch);
        let bytes = size.pixels().saturating_mul(CHANNELS);
        Ok(Self {
            hsv: memory::filled(0, bytes)?,
            squares: memory::filled(0, patches)?,
            size,
            patch,
        })
    }

    /// Convert packed RGB pixels to row `y`.
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

    /// Compute the norms, after all rows have been set.
    pub(crate) fn compute_norms(&mut self, level: Level) {
        let bytes = self.patch_bytes();
        for (square, patch) in self.squares.iter_mut().zip(self.hsv.chunks_exact(bytes)) {
            *square = dot(level, patch, patch);
        }
    }

    /// Return the bytes of a patch.
    fn patch_bytes(&self) -> usize {
        self.patch * self.patch * CHANNELS
    }

    /// Return the size of the frame, and the side of its patches.
    pub(crate) fn layout(&self) -> (Size, usize) {
        (self.size, self.patch)
    }

    /// Return how each patch differs in `other`, a frame of the same size, row by row.
    pub(crate) fn changes<'a>(
        &'a self,
        level: Level,
        other: &'a Self,
        patch_similarity: f64,
    ) -> impl ExactSizeIterator<Item = PatchChange> + 'a {
        let bytes = self.patch_bytes();
        let squares = self.squares.iter().zip(&other.squares);
        let patches = self
            .hsv
            .chunks_exact(bytes)
            .zip(other.hsv.chunks_exact(bytes));
        squares
            .zip(patches)
            .map(move |((square, other_square), (patch, other))| {
                if *square == 0 && *other_square == 0 {
                    return PatchChange::Black;
                }
                let product = dot(level, patch, other);
                let norm = (*square as f64).sqrt() * (*other_square as f64).sqrt();
                if product as f64 > patch_similarity * norm.max(SMALLEST_NORM) {
                    PatchChange::Unchanged
                } else {
                    PatchChange::Changed
                }
            })
    }

    /// Return the share of patches that are similar in `other`, a frame of the same size, as
    /// [`Tally::similarity`] does.
    pub(crate) fn similarity(&self, level: Level, other: &Self, patch_similarity: f64) -> f64 {
        let mut tally = Tally::default();
        self.changes(level, other, patch_similarity)
            .for_each(|change| tally.add(change));
        tally.similarity()
    }
}

/// The numbers of patches that the similarity of two frames depends on.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    similar: u32,
    counted: u32,
}

impl Tally {
    /// Count one patch.
    pub(crate) fn add(&mut self, change: PatchChange) {
        self.similar += u32::from(change == PatchChange::Unchanged);
        self.counted += u32::from(change != PatchChange::Black);
    }

    /// Return the share of unchanged patches, rounded to float32 as the mean in keye-vl-utils is. NaN if
    /// all patches are black in both frames.
    pub(crate) fn similarity(&self) -> f64 {
        f64::from(self.similar as f32 / self.counted as f32)
    }
}

/// Return the share of the patches of frame 0 of `a` and frame 0 of `b` whose cosine in HSV exceeds
/// `patch_similarity`.
///
/// Patches that are black in both do not count. If there are no others the result is NaN, which is not
/// below any threshold.
///
/// # Errors
/// Returns [`Error::Argument`] if there is no frame or the sizes differ, [`Error::Size`] if a side is not
/// a multiple of `patch`, [`Error::Memory`] if the frames in HSV do not fit in memory.
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
        let size = frames.size();
        let mut frame = PatchedFrame::new(size, patch)?;
        let mut rgb = memory::filled(0, size.width * CHANNELS)?;
        for y in 0..size.height {
            frames.row(0, y).pack_into(&mut rgb);
            frame.set_row(level, y, &rgb);
        }
        frame.compute_norms(level);
        Ok(frame)
    };
    let (a, b) = (patched(a)?, patched(b)?);
    Ok(a.similarity(level, &b, patch_similarity))
}
