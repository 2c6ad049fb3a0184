//! The vertical pass, 64 bytes at a time, two rows to a multiplication that also adds.

use std::arch::x86_64::*;

use super::scalar;

/// Bytes of a register.
const LANES: usize = 64;

/// # Safety
/// The CPU has AVX-512 F, BW and VNNI; there is one weight per offset; `out.len()` bytes from each
/// offset on are inside `rows`.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) unsafe fn blend_rows(
    rows: &[u8],
    offsets: &[usize],
    weights: &[i16],
    precision: u32,
    out: &mut [u8],
) {
    let half = _mm512_set1_epi32(1 << (precision - 1));
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
            sums = add_pair(sums, p, q, _mm512_set1_epi32(pair));
        }
        if let ([offset], [weight]) = (
            offsets.chunks_exact(2).remainder(),
            weights.chunks_exact(2).remainder(),
        ) {
            let pair = i32::from(*weight) & 0xffff;
            // SAFETY: as above.
            let p = unsafe { load(rows_start.add(offset + at)) };
            sums = add_pair(sums, p, _mm512_setzero_si512(), _mm512_set1_epi32(pair));
        }
        let [s0, s1, s2, s3] = sums.map(|sum| _mm512_sra_epi32(sum, shift));
        // Unpacking and packing take the same order within each quarter: bytes come out in place.
        let bytes = _mm512_packus_epi16(_mm512_packs_epi32(s0, s1), _mm512_packs_epi32(s2, s3));
        // SAFETY: `at + LANES <= out.len()`.
        unsafe { _mm512_storeu_si512(out.as_mut_ptr().add(at).cast(), bytes) };
    }
    scalar::blend_rows(rows, offsets, weights, precision, whole, out);
}

/// Adds p * wp + q * wq to 64 sums, in the order that `avx2.rs` draws.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn add_pair(sums: [__m512i; 4], p: __m512i, q: __m512i, weights: __m512i) -> [__m512i; 4] {
    let zero = _mm512_setzero_si512();
    let (low, high) = (_mm512_unpacklo_epi8(p, q), _mm512_unpackhi_epi8(p, q));
    let [s0, s1, s2, s3] = sums;
    [
        _mm512_dpwssd_epi32(s0, _mm512_unpacklo_epi8(low, zero), weights),
        _mm512_dpwssd_epi32(s1, _mm512_unpackhi_epi8(low, zero), weights),
        _mm512_dpwssd_epi32(s2, _mm512_unpacklo_epi8(high, zero), weights),
        _mm512_dpwssd_epi32(s3, _mm512_unpackhi_epi8(high, zero), weights),
    ]
}

/// # Safety
/// AVX-512 F; 64 bytes are readable.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn load(bytes: *const u8) -> __m512i {
    // SAFETY: the caller's promise.
    unsafe { _mm512_loadu_si512(bytes.cast()) }
}
