//! A band's patches by arithmetic: a row of 14 values of one channel in a register of 16 lanes.

use std::arch::x86_64::*;

use half::{bf16, f16};

use super::{Band, CHANNELS, Formula, PATCH, PLANE, avx2};
use crate::kernels::stream::{self, Staging};

/// The bytes of a patch row.
const BYTES: u64 = (1 << (PATCH * CHANNELS)) - 1;
/// Values of one store, two more than a row has: they go where the next row does.
const LANES: usize = 16;
/// Patches that are gathered before they are copied: with 4-byte values 147 cache lines.
const GROUP: usize = 4;

/// # Safety
/// The CPU has AVX-512 F, BW, VL and VBMI; `pixels` has `PATCH` rows and is a whole number of patches
/// wide; `out` holds `PATCH` values for each byte of one of them.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
pub(super) unsafe fn write_patches<T: Store>(
    pixels: Band<'_>,
    formula: &Formula,
    streamed: bool,
    out: &mut [T],
) {
    let scale = [formula.scale_high, formula.scale_low].map(|x| _mm512_set1_ps(x));
    let channels: [[__m512; 3]; CHANNELS] = [0, 1, 2]
        .map(|c| [formula.mean[c], formula.std[c], formula.inverse[c]].map(|x| _mm512_set1_ps(x)));
    // Lane i of channel c takes byte 3 * i + c to its lowest byte; the other three are zero.
    let lanes = _mm512_setr_epi32(0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 33, 36, 39, 0, 0);
    let sources = [0, 1, 2].map(|c| _mm512_add_epi32(lanes, _mm512_set1_epi32(c)));
    const LOWEST_BYTES: u64 = 0x1111_1111_1111_1111;
    const PATCH_VALUES: usize = PLANE * CHANNELS;
    let mut staging = Staging([T::ZERO; GROUP * PATCH_VALUES + LANES - PATCH]);
    for (group, out) in out.chunks_mut(GROUP * PATCH_VALUES).enumerate() {
        for patch in 0..out.len() / PATCH_VALUES {
            let x = (group * GROUP + patch) * PATCH * CHANNELS;
            for c in 0..CHANNELS {
                for y in 0..PATCH {
                    let source = &pixels.row(y)[x..][..PATCH * CHANNELS];
                    // SAFETY: `source` has as many bytes as the mask has bits.
                    let packed = unsafe { _mm512_maskz_loadu_epi8(BYTES, source.as_ptr().cast()) };
                    let bytes = _mm512_maskz_permutexvar_epi8(LOWEST_BYTES, sources[c], packed);
                    let values = normalize(bytes, scale, channels[c]);
                    let at = patch * PATCH_VALUES + c * PLANE + y * PATCH;
                    // SAFETY: `at` is at most 14 values before the end of `GROUP` patches, behind
                    // which there is room for two more.
                    unsafe { T::store16(staging.0.as_mut_ptr().add(at), values) };
                }
            }
        }
        // SAFETY: AVX-512 includes AVX; the fence follows.
        unsafe { stream::copy(&staging.0[..out.len()], out, streamed) };
    }
    stream::fence();
}

/// 16 bytes, one to a lane, by [`Formula`].
#[inline]
#[target_feature(enable = "avx512f")]
fn normalize(bytes: __m512i, scale: [__m512; 2], constants: [__m512; 3]) -> __m512 {
    let [scale_high, scale_low] = scale;
    let [mean, std, inverse] = constants;
    let byte = _mm512_cvtepi32_ps(bytes);
    let unit = _mm512_fmadd_ps(byte, scale_high, _mm512_mul_ps(byte, scale_low));
    let rest = _mm512_sub_ps(unit, mean);
    let guess = _mm512_mul_ps(rest, inverse);
    _mm512_fmadd_ps(_mm512_fnmadd_ps(guess, std, rest), inverse, guess)
}

/// Storing 16 numbers, rounded to nearest, halves to even.
pub trait Store: avx2::Store {
    /// # Safety
    /// The CPU has AVX-512 F, BW and VL; 16 elements are writable at `target`.
    unsafe fn store16(target: *mut Self, values: __m512);
}

impl Store for f32 {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    unsafe fn store16(target: *mut Self, values: __m512) {
        // SAFETY: the caller's promise.
        unsafe { _mm512_storeu_ps(target, values) }
    }
}

impl Store for bf16 {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    unsafe fn store16(target: *mut Self, values: __m512) {
        // As in `avx2.rs`.
        let bits = _mm512_castps_si512(values);
        let odd = _mm512_and_si512(_mm512_srli_epi32::<16>(bits), _mm512_set1_epi32(1));
        let rounding = _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff));
        let upper = _mm512_srli_epi32::<16>(_mm512_add_epi32(bits, rounding));
        // SAFETY: the caller's promise.
        unsafe {
            _mm256_storeu_si256(target.cast(), _mm512_cvtepi32_epi16(upper));
        }
    }
}

impl Store for f16 {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    unsafe fn store16(target: *mut Self, values: __m512) {
        let words = _mm512_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(values);
        // SAFETY: the caller's promise.
        unsafe { _mm256_storeu_si256(target.cast(), words) }
    }
}
