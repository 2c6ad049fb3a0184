//! The vertical pass, 64 bytes at a time, two rows to a multiplication that also adds.

use std::arch::x86_64::*;

use super::scalar;
use crate::types::{LOWER_BITS, Taps};

/// Bytes of a register.
const LANES: usize = 64;
/// Bits by which upper parts are shifted.
const LOWER: u32 = LOWER_BITS;

/// # Safety
/// The CPU has AVX-512 F, BW and VNNI; there is one weight per offset, and one lower part or none;
/// `out.len()` bytes from each offset on are inside `rows`.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) unsafe fn blend_rows(rows: &[u8], offsets: &[usize], taps: Taps<'_>, out: &mut [u8]) {
    // SAFETY: the caller's promises.
    unsafe {
        if taps.lower.is_empty() {
            blend_parts::<false>(rows, offsets, taps, out);
        } else {
            blend_parts::<true>(rows, offsets, taps, out);
        }
    }
}

/// # Safety
/// As [`blend_rows`]; `SPLIT` is whether there are lower parts.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn blend_parts<const SPLIT: bool>(
    rows: &[u8],
    offsets: &[usize],
    taps: Taps<'_>,
    out: &mut [u8],
) {
    let half = _mm512_set1_epi32(1 << (taps.precision - 1));
    let shift = _mm_cvtsi32_si128(taps.precision as i32);
    let (upper, lower) = (taps.upper, if SPLIT { taps.lower } else { taps.upper });
    let whole = out.len() - out.len() % LANES;
    let rows_start = rows.as_ptr();
    for at in (0..whole).step_by(LANES) {
        // One sum for both parts of weights, or one each.
        let mut sums = [if SPLIT { _mm512_setzero_si512() } else { half }; 4];
        let mut lower_sums = [half; 4];
        let pairs = upper.chunks_exact(2).zip(lower.chunks_exact(2));
        let mut taps = offsets.chunks_exact(2).zip(pairs);
        for (offset, (upper, lower)) in &mut taps {
            // SAFETY: `at + LANES <= whole <= out.len()`, and so many bytes follow each offset.
            let words = unsafe {
                interleave(
                    load(rows_start.add(offset[0] + at)),
                    load(rows_start.add(offset[1] + at)),
                )
            };
            sums = add_pairs(sums, words, broadcast(upper[0], upper[1]));
            if SPLIT {
                lower_sums = add_pairs(lower_sums, words, broadcast(lower[0], lower[1]));
            }
        }
        if let [offset] = offsets.chunks_exact(2).remainder() {
            // SAFETY: as above.
            let words =
                unsafe { interleave(load(rows_start.add(offset + at)), _mm512_setzero_si512()) };
            let last = offsets.len() - 1;
            sums = add_pairs(sums, words, broadcast(upper[last], 0));
            if SPLIT {
                lower_sums = add_pairs(lower_sums, words, broadcast(lower[last], 0));
            }
        }
        if SPLIT {
            for (sum, lower) in sums.iter_mut().zip(lower_sums) {
                *sum = _mm512_add_epi32(_mm512_slli_epi32::<LOWER>(*sum), lower);
            }
        }
        let [s0, s1, s2, s3] = sums.map(|sum| _mm512_sra_epi32(sum, shift));
        // Unpacking and packing take the same order within each quarter: bytes come out in place.
        let bytes = _mm512_packus_epi16(_mm512_packs_epi32(s0, s1), _mm512_packs_epi32(s2, s3));
        // SAFETY: `at + LANES <= out.len()`.
        unsafe { _mm512_storeu_si512(out.as_mut_ptr().add(at).cast(), bytes) };
    }
    scalar::blend_rows(rows, offsets, taps, whole, out);
}

/// The words of two rows, one of each in turn, in the order that `avx2.rs` draws.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn interleave(p: __m512i, q: __m512i) -> [__m512i; 4] {
    let zero = _mm512_setzero_si512();
    let (low, high) = (_mm512_unpacklo_epi8(p, q), _mm512_unpackhi_epi8(p, q));
    [
        _mm512_unpacklo_epi8(low, zero),
        _mm512_unpackhi_epi8(low, zero),
        _mm512_unpacklo_epi8(high, zero),
        _mm512_unpackhi_epi8(high, zero),
    ]
}

/// Adds p * wp + q * wq to 64 sums.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn add_pairs(mut sums: [__m512i; 4], words: [__m512i; 4], weights: __m512i) -> [__m512i; 4] {
    for (sum, words) in sums.iter_mut().zip(words) {
        *sum = _mm512_dpwssd_epi32(*sum, words, weights);
    }
    sums
}

/// Both weights in each 32 bits.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn broadcast(p: i16, q: i16) -> __m512i {
    _mm512_set1_epi32(i32::from(p) & 0xffff | i32::from(q) << 16)
}

/// # Safety
/// AVX-512 F; 64 bytes are readable.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn load(bytes: *const u8) -> __m512i {
    // SAFETY: the caller's promise.
    unsafe { _mm512_loadu_si512(bytes.cast()) }
}
