//! Dot products of bytes, from which the similarity of two patches is computed.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod scalar;

use crate::simd::{Level, LevelName};

/// Bytes whose products are summed in 32 bits before 64 bits are used: no lane comes near to overflow.
const CHUNK: usize = 16384;

/// Return the exact sum of `a[i] * b[i]`.
///
/// # Panics
/// Panics if the lengths differ.
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
