//! Resampling along rows: the first pass of a resize.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod scalar;

use super::CHANNELS;
use crate::simd::{Level, LevelName};
use crate::weights::Weights;

/// Rows that one call resamples, so that each weight is loaded once for all of them.
pub const ROWS: usize = 4;

/// Bytes that one output row of `width` pixels needs: vector code writes one byte past the last pixel.
pub const fn row_bytes(width: usize) -> usize {
    width * CHANNELS + 1
}

/// Resamples `ROWS` rows of packed RGB to `weights.len()` pixels each.
///
/// Row `i` of the result starts at `out[i * stride]`; the bytes between rows are left undefined.
///
/// # Panics
/// A source row is not `weights.size_in()` pixels, or `out` or `stride` is too short.
pub fn resample_rows(
    level: Level,
    source: [&[u8]; ROWS],
    weights: &Weights,
    out: &mut [u8],
    stride: usize,
) {
    for row in source {
        assert_eq!(row.len(), weights.size_in() * CHANNELS, "source row length");
    }
    assert!(
        stride >= row_bytes(weights.len()),
        "stride {stride} is too short"
    );
    assert!(
        out.len() / ROWS >= stride,
        "out of {} bytes is too short",
        out.len()
    );
    match level.name() {
        // SAFETY: a level named `Avx2` exists only on a CPU with AVX2; lengths were checked above.
        #[cfg(target_arch = "x86_64")]
        LevelName::Avx2 => unsafe { avx2::resample_rows(source, weights, out, stride) },
        _ => scalar::resample_rows(source, weights, 0, out, stride),
    }
}
