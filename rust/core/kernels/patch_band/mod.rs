//! A band of pixels, one patch high, to the normalized patches that it holds.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod band;
mod formula;
mod scalar;
mod values;

use crate::simd::{Level, LevelName};
use crate::types::{CHANNELS, Element};
pub use band::Band;
pub(crate) use formula::Formula;
pub use values::Values;

/// The patch size that vector code is written for.
#[cfg(target_arch = "x86_64")]
const PATCH: usize = 14;
/// Values of one channel of such a patch.
#[cfg(target_arch = "x86_64")]
const PLANE: usize = PATCH * PATCH;

/// Write the patches of a band, square and as high as the band, to `out`: (patches, 3, patch, patch),
/// row-major.
///
/// `streamed` means that `out` is part of an output far larger than the cache, and is written past it.
///
/// # Panics
/// Panics if `pixels` is not a whole number of patches wide, or `out` has another length.
pub fn write_patches<T: Element>(
    level: Level,
    pixels: Band<'_>,
    values: &Values<T>,
    streamed: bool,
    out: &mut [T],
) {
    let patch = pixels.height;
    assert!(
        patch > 0 && pixels.width.is_multiple_of(patch),
        "whole patches"
    );
    assert_eq!(out.len(), pixels.width * patch * CHANNELS, "length of out");
    match (level.name(), &values.formula) {
        // SAFETY: a level named `Avx2` exists only on a CPU with AVX2, FMA and F16C; lengths were
        // checked above, and the patch is the one that the kernel is written for.
        #[cfg(target_arch = "x86_64")]
        (LevelName::Avx2, Some(formula)) if patch == PATCH => unsafe {
            avx2::write_patches(pixels, formula, streamed, T::tag(out));
        },
        // SAFETY: likewise, with AVX-512.
        #[cfg(target_arch = "x86_64")]
        (LevelName::Avx512, formula) if patch == PATCH => unsafe {
            match (&values.halves, formula) {
                (Some(halves), _) => {
                    avx512::write_patches_by_halves(pixels, halves, streamed, T::tag(out));
                }
                (None, Some(formula)) => {
                    avx512::write_patches(pixels, formula, streamed, T::tag(out));
                }
                (None, None) => scalar::write_patches(pixels, &values.table, out),
            }
        },
        _ => scalar::write_patches(pixels, &values.table, out),
    }
}
