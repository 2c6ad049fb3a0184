//! The vertical pass in registers of 32 bytes.

use std::arch::x86_64::*;

use super::vector::{self, Vector};
use crate::types::{LOWER_BITS, Taps};

/// # Safety
/// The CPU has AVX2; there is one weight per offset, and one lower part or none; `out.len()` bytes from each
/// offset on are inside `rows`.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn blend_rows(rows: &[u8], offsets: &[usize], taps: Taps<'_>, out: &mut [u8]) {
    // SAFETY: the caller's promises.
    unsafe { vector::blend_rows::<__m256i>(rows, offsets, taps, out) }
}

impl Vector for __m256i {
    const BYTES: usize = 32;

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn load(bytes: *const u8) -> Self {
        // SAFETY: the caller's promise.
        unsafe { _mm256_loadu_si256(bytes.cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn store(self, bytes: *mut u8) {
        // SAFETY: the caller's promise.
        unsafe { _mm256_storeu_si256(bytes.cast(), self) }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn splat(number: i32) -> Self {
        _mm256_set1_epi32(number)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn interleave(p: Self, q: Self) -> [Self; 4] {
        let zero = _mm256_setzero_si256();
        let (low, high) = (_mm256_unpacklo_epi8(p, q), _mm256_unpackhi_epi8(p, q));
        [
            _mm256_unpacklo_epi8(low, zero),
            _mm256_unpackhi_epi8(low, zero),
            _mm256_unpacklo_epi8(high, zero),
            _mm256_unpackhi_epi8(high, zero),
        ]
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn add_products(sums: Self, words: Self, weights: Self) -> Self {
        _mm256_add_epi32(sums, _mm256_madd_epi16(words, weights))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn join_parts(upper: Self, lower: Self) -> Self {
        _mm256_add_epi32(_mm256_slli_epi32::<{ LOWER_BITS as i32 }>(upper), lower)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn narrow(sums: [Self; 4], shift: u32) -> Self {
        let shift = _mm_cvtsi32_si128(shift as i32);
        let [a, b, c, d] = sums;
        let low = _mm256_packs_epi32(_mm256_sra_epi32(a, shift), _mm256_sra_epi32(b, shift));
        let high = _mm256_packs_epi32(_mm256_sra_epi32(c, shift), _mm256_sra_epi32(d, shift));
        _mm256_packus_epi16(low, high)
    }
}
