//! The vertical pass in registers of 64 bytes.

use std::arch::x86_64::*;

use super::vector::{self, Vector};
use crate::types::{LOWER_BITS, Taps};

/// # Safety
/// The CPU has AVX-512 F, BW and VNNI; there is one weight per offset, and one lower part or none;
/// `out.len()` bytes from each offset on are inside `rows`.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) unsafe fn blend_rows(rows: &[u8], offsets: &[usize], taps: Taps<'_>, out: &mut [u8]) {
    // SAFETY: the caller's promises.
    unsafe { vector::blend_rows::<__m512i>(rows, offsets, taps, out) }
}

impl Vector for __m512i {
    const BYTES: usize = 64;

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    unsafe fn load(bytes: *const u8) -> Self {
        // SAFETY: the caller's promise.
        unsafe { _mm512_loadu_si512(bytes.cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    unsafe fn store(self, bytes: *mut u8) {
        // SAFETY: the caller's promise.
        unsafe { _mm512_storeu_si512(bytes.cast(), self) }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    unsafe fn splat(number: i32) -> Self {
        _mm512_set1_epi32(number)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    unsafe fn interleave(p: Self, q: Self) -> [Self; 4] {
        let zero = _mm512_setzero_si512();
        let (low, high) = (_mm512_unpacklo_epi8(p, q), _mm512_unpackhi_epi8(p, q));
        [
            _mm512_unpacklo_epi8(low, zero),
            _mm512_unpackhi_epi8(low, zero),
            _mm512_unpacklo_epi8(high, zero),
            _mm512_unpackhi_epi8(high, zero),
        ]
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    unsafe fn add_products(sums: Self, words: Self, weights: Self) -> Self {
        _mm512_dpwssd_epi32(sums, words, weights)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    unsafe fn join_parts(upper: Self, lower: Self) -> Self {
        _mm512_add_epi32(_mm512_slli_epi32::<LOWER_BITS>(upper), lower)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    unsafe fn narrow(sums: [Self; 4], shift: u32) -> Self {
        let shift = _mm_cvtsi32_si128(shift as i32);
        let [a, b, c, d] = sums;
        let low = _mm512_packs_epi32(_mm512_sra_epi32(a, shift), _mm512_sra_epi32(b, shift));
        let high = _mm512_packs_epi32(_mm512_sra_epi32(c, shift), _mm512_sra_epi32(d, shift));
        _mm512_packus_epi16(low, high)
    }
}
