//! The vertical pass, 32 bytes at a time, two rows to a multiplication.

use std::arch::x86_64::*;

use super::scalar;

/// Bytes of a register.
const LANES: usize = 32;

/// # Safety
/// The CPU has AVX2; there is one weight per offset; `out.len()` bytes from each offset on are inside
/// `rows`.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn blend_rows(
    rows: &[u8],
    offsets: &[usize],
    weights: &[i16],
    precision: u32,
    out: &mut [u8],
) {
    let half = _mm256_set1_epi32(1 << (precision - 1));
    let shift = _mm_cvtsi32_si128(precision as i32);
    let whole = out.len() - out.len() % LANES;
    let rows_start = rows.as_ptr();
    for at in (0..whole).step_by(LANES) {
        let mut sums = [half; 4];
        let mut taps = offsets.chunks_exact(2).zip(weights.chunks_exact(2));
        for (offset, weight) in &mut taps {
            let pair = i32::from(weight[0]) & 0xffff | i32::from(weight[1]) << 16;
            // SAFETY: `at + LANES <= whole <= out.len()`, and so many bytes follow each offset.
            let (p, q) = unsafe {
                (
                    load(rows_start.add(offset[0] + at)),
                    load(rows_start.add(offset[1] + at)),
                )
            };
            sums = add_pair(sums, p, q, _mm256_set1_epi32(pair));
        }
        if let ([offset], [weight]) = (
            offsets.chunks_exact(2).remainder(),
            weights.chunks_exact(2).remainder(),
        ) {
            let pair = i32::from(*weight) & 0xffff;
            // SAFETY: as above.
            let p = unsafe { load(rows_start.add(offset + at)) };
            sums = add_pair(sums, p, _mm256_setzero_si256(), _mm256_set1_epi32(pair));
        }
        let [s0, s1, s2, s3] = sums.map(|sum| _mm256_sra_epi32(sum, shift));
        // Unpacking and packing take the same order within each half, so bytes come out in place.
        let bytes = _mm256_packus_epi16(_mm256_packs_epi32(s0, s1), _mm256_packs_epi32(s2, s3));
        // SAFETY: `at + LANES <= out.len()`.
        unsafe { _mm256_storeu_si256(out.as_mut_ptr().add(at).cast(), bytes) };
    }
    scalar::blend_rows(rows, offsets, weights, precision, whole, out);
}

/// Adds p * wp + q * wq to 32 sums. Per half, with eight bytes for sixteen:
///   p q           p0 p1 p2 ... p7      q0 q1 q2 ... q7
///   unpack bytes  p0 q0 p1 q1 ...      p4 q4 p5 q5 ...
///   unpack zero   p0 q0 | p1 q1 | ...  as 16-bit words; madd with (wp wq): one sum per byte
#[inline]
#[target_feature(enable = "avx2")]
fn add_pair(sums: [__m256i; 4], p: __m256i, q: __m256i, weights: __m256i) -> [__m256i; 4] {
    let zero = _mm256_setzero_si256();
    let (low, high) = (_mm256_unpacklo_epi8(p, q), _mm256_unpackhi_epi8(p, q));
    let words = [
        _mm256_unpacklo_epi8(low, zero),
        _mm256_unpackhi_epi8(low, zero),
        _mm256_unpacklo_epi8(high, zero),
        _mm256_unpackhi_epi8(high, zero),
    ];
    let mut added = sums;
    for (sum, words) in added.iter_mut().zip(words) {
        *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(words, weights));
    }
    added
}

/// # Safety
/// AVX2; 32 bytes are readable.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn load(bytes: *const u8) -> __m256i {
    // SAFETY: the caller's promise.
    unsafe { _mm256_loadu_si256(bytes.cast()) }
}
