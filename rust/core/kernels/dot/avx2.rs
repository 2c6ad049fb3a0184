//! The dot product, 32 bytes at a time.

use std::arch::x86_64::*;

use super::scalar;

/// Bytes of a register.
const LANES: usize = 32;

/// # Safety
/// The CPU has AVX2; the lengths are equal and at most `CHUNK`: each of the eight sums then takes
/// 512 additions of at most 4 * 255 * 255, and all of them together stay below 2**31.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn dot(a: &[u8], b: &[u8]) -> u32 {
    let zero = _mm256_setzero_si256();
    let mut sum = zero;
    let whole = a.len() - a.len() % LANES;
    for at in (0..whole).step_by(LANES) {
        // SAFETY: `at + LANES <= whole <= a.len() == b.len()`.
        let (a, b) = unsafe {
            (
                _mm256_loadu_si256(a.as_ptr().add(at).cast()),
                _mm256_loadu_si256(b.as_ptr().add(at).cast()),
            )
        };
        let low = _mm256_madd_epi16(_mm256_unpacklo_epi8(a, zero), _mm256_unpacklo_epi8(b, zero));
        let high = _mm256_madd_epi16(_mm256_unpackhi_epi8(a, zero), _mm256_unpackhi_epi8(b, zero));
        sum = _mm256_add_epi32(sum, _mm256_add_epi32(low, high));
    }
    sum_lanes(sum) + scalar::dot(&a[whole..], &b[whole..])
}

#[inline]
#[target_feature(enable = "avx2")]
fn sum_lanes(lanes: __m256i) -> u32 {
    let four = _mm_add_epi32(
        _mm256_castsi256_si128(lanes),
        _mm256_extracti128_si256::<1>(lanes),
    );
    let two = _mm_add_epi32(four, _mm_unpackhi_epi64(four, four));
    let one = _mm_add_epi32(two, _mm_shuffle_epi32::<1>(two));
    _mm_cvtsi128_si32(one) as u32
}
