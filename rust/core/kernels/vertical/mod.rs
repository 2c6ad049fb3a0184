//! Resampling along columns: the second pass of a resize.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod scalar;

use crate::simd::{Level, LevelName};
use crate::weights::Taps;

/// Adds up rows of bytes, each times its weight, and rounds: `out[i]` is the sum over `k` of
/// `rows[offsets[k] + i] * taps[k]`, shifted right by the weights' precision, clamped to 0..=255.
///
/// The weights are those of one output of [`crate::Weights`], whose sums cannot overflow 32 bits; those of others
/// may wrap.
///
/// # Panics
/// Sums overflow (in debug builds), there is not one weight per offset, a row reaches outside `rows`,
/// or the precision is not 1..=22.
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
