//! Dot products of bytes: what the similarity of two patches is made of.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod scalar;

use crate::simd::{Level, LevelName};

/// Bytes added up in 32 bits before they go to 64: far below where the narrowest lane overflows.
const CHUNK: usize = 16384;

/// The sum of `a[i] * b[i]`, exact.
///
/// # Panics
/// The lengths differ.
pub fn dot(level: Level, a: &[u8], b: &[u8]) -> u64 {
    assert_eq!(a.len(), b.len(), "lengths");
    let chunks = a.chunks(CHUNK).zip(b.chunks(CHUNK));
    chunks
        .map(|(a, b)| match level.name() {
            // SAFETY: a level named `Avx2`, or a higher one, exists only on a CPU with AVX2; the
            // lengths are equal and at most `CHUNK`.
            #[cfg(target_arch = "x86_64")]
            LevelName::Avx2 | LevelName::Avx512 => unsafe { avx2::dot(a, b) },
            _ => scalar::dot(a, b),
        })
        .map(u64::from)
        .sum()
}
