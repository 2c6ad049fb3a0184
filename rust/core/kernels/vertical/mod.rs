//! Resampling along columns: the second pass of a resize.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod scalar;
#[cfg(target_arch = "x86_64")]
mod vector;

use crate::simd::{Level, LevelName};
use crate::types::Taps;

/// Add rows of bytes, each times its weight, and round: `out[i]` is the sum over `k` of
/// `rows[offsets[k] + i] * taps[k]`, shifted right by the precision of the weights, clamped to 0..=255.
///
/// Sums have 32 bits and wrap. The result is exact all the same for the weights of [`crate::Weights`],
/// because the whole sum of an output fits 32 bits however many source pixels it has, and additions modulo
/// 2**32 are exact in any order and in any parts then. The lower parts of Pillow's cubic do wrap, from some
/// 7,000 taps on: each adds up to 2,047 * 255, and those of negative weights nearly that.
///
/// The whole sum fits because weights are normalized to 2**22, or less at a lower precision, before they
/// are rounded. The positive weights of the cubic alone sum to 1.09 * 2**22, and rounding adds at most a
/// half to each that does not become zero: 0.125 * 2**22 for 2**20 taps. With more taps, weights come close
/// to a half, and rounding adds most where it turns nearly all of them into one. The worst case is one
/// output of 5.9 million pixels: 1.36 * 2**22, times 255 is 1.45e9, and 2.14e9 fit. (Found by computing all
/// weights for sizes from 2**18 to 2**24 in steps of an eighth of an octave;
/// `tests/core/resample/many_taps.rs` keeps the worst.) Pillow and torch add the same numbers in 32 bits, so
/// even a sum that wrapped would equal theirs.
///
/// # Panics
/// Panics if there is not one weight per offset, a row reaches outside `rows`, or the precision is not in
/// 1..=22.
pub fn blend_rows(level: Level, rows: &[u8], offsets: &[usize], taps: Taps<'_>, out: &mut [u8]) {
    assert_eq!(offsets.len(), taps.upper.len(), "one weight per row");
    let parts = [0, offsets.len()];
    assert!(parts.contains(&taps.lower.len()), "one lower part per row");
    assert!((1..=22).contains(&taps.precision), "precision of {taps:?}");
    for offset in offsets {
        let room = rows.len().checked_sub(*offset);
        assert!(
            room.is_some_and(|room| room >= out.len()),
            "row at {offset} is outside"
        );
    }
    match level.name() {
        // SAFETY: a level named `Avx2` exists only on a CPU with AVX2; lengths were checked above.
        #[cfg(target_arch = "x86_64")]
        LevelName::Avx2 => unsafe { avx2::blend_rows(rows, offsets, taps, out) },
        // SAFETY: likewise, with AVX-512.
        #[cfg(target_arch = "x86_64")]
        LevelName::Avx512 => unsafe { avx512::blend_rows(rows, offsets, taps, out) },
        _ => scalar::blend_rows(rows, offsets, taps, 0, out),
    }
}
