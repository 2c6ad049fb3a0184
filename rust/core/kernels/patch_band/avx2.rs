//! Patches by arithmetic: the 14 values of one row and channel as two overlapping halves of eight lanes.

use std::arch::x86_64::*;

use half::{bf16, f16};

use super::{Band, Formula, PATCH, PLANE};
use crate::kernels::deinterleave::to_channels;
use crate::kernels::stream::{self, Staging};
use crate::types::{CHANNELS, ElementsMut};

/// Values of one store.
const LANES: usize = 8;
/// Where the second store begins, so that it ends with the row.
const SECOND: usize = PATCH - LANES;

/// # Safety
/// The CPU has AVX2, FMA and F16C; `pixels` has `PATCH` rows and is a whole number of patches wide;
/// `out` holds `PATCH` values for each byte of one of them.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) unsafe fn write_patches(
    pixels: Band<'_>,
    formula: &Formula,
    streamed: bool,
    out: ElementsMut<'_>,
) {
    // SAFETY: the caller's promises.
    unsafe {
        match out {
            ElementsMut::Float32(out) => write_values(pixels, formula, streamed, out),
            ElementsMut::BFloat16(out) => write_values(pixels, formula, streamed, out),
            ElementsMut::Float16(out) => write_values(pixels, formula, streamed, out),
        }
    }
}

/// # Safety
/// As [`write_patches`].
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn write_values<T: Store>(
    pixels: Band<'_>,
    formula: &Formula,
    streamed: bool,
    out: &mut [T],
) {
    let scale = [formula.scale_high, formula.scale_low].map(|x| _mm256_set1_ps(x));
    let channels: [[__m256; 3]; CHANNELS] = [0, 1, 2]
        .map(|c| [formula.mean[c], formula.std[c], formula.inverse[c]].map(|x| _mm256_set1_ps(x)));
    let mut staging = Staging([T::default(); PLANE * CHANNELS]);
    for (patch, out) in out.chunks_exact_mut(PLANE * CHANNELS).enumerate() {
        let planes = &mut staging.0;
        for y in 0..PATCH {
            let source = pixels.row(y)[patch * PATCH * CHANNELS..][..PATCH * CHANNELS].as_ptr();
            // SAFETY: there are 42 bytes: loads at 0, 16 and 26 end inside. The last one is shifted so that
            // it begins at byte 32, with zeros for two pixels that a patch row does not have.
            let packed = unsafe {
                [
                    _mm_loadu_si128(source.cast()),
                    _mm_loadu_si128(source.add(16).cast()),
                    _mm_srli_si128::<6>(_mm_loadu_si128(source.add(26).cast())),
                ]
            };
            for (c, bytes) in to_channels(packed).into_iter().enumerate() {
                let low = normalize(bytes, scale, channels[c]);
                let high = normalize(
                    _mm_srli_si128::<{ SECOND as i32 }>(bytes),
                    scale,
                    channels[c],
                );
                // SAFETY: `planes` has 3 * 196 values and `y < 14`: both stores of eight end with or
                // before value `c * 196 + y * 14 + 14`.
                unsafe {
                    let target = planes.as_mut_ptr().add(c * PLANE + y * PATCH);
                    T::store(target, low);
                    T::store(target.add(SECOND), high);
                }
            }
        }
        // SAFETY: AVX2 includes AVX; the fence follows.
        unsafe { stream::copy(&staging.0, out, streamed) };
    }
    stream::fence();
}

/// Normalize the first eight bytes by [`Formula`].
#[inline]
#[target_feature(enable = "avx2,fma")]
fn normalize(bytes: __m128i, scale: [__m256; 2], constants: [__m256; 3]) -> __m256 {
    let [scale_high, scale_low] = scale;
    let [mean, std, inverse] = constants;
    let byte = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes));
    let unit = _mm256_fmadd_ps(byte, scale_high, _mm256_mul_ps(byte, scale_low));
    let rest = _mm256_sub_ps(unit, mean);
    let guess = _mm256_mul_ps(rest, inverse);
    _mm256_fmadd_ps(_mm256_fnmadd_ps(guess, std, rest), inverse, guess)
}

/// A type that eight numbers are stored as, rounded to nearest, ties to even.
trait Store: Copy + Default {
    /// # Safety
    /// The CPU has AVX2 and F16C; eight elements are writable at `target`.
    unsafe fn store(target: *mut Self, values: __m256);
}

impl Store for f32 {
    #[inline]
    #[target_feature(enable = "avx2,f16c")]
    unsafe fn store(target: *mut Self, values: __m256) {
        // SAFETY: the caller's promise.
        unsafe { _mm256_storeu_ps(target, values) }
    }
}

impl Store for bf16 {
    #[inline]
    #[target_feature(enable = "avx2,f16c")]
    unsafe fn store(target: *mut Self, values: __m256) {
        // Round to the upper 16 bits: add half of the lower range if the upper half is odd, just under half
        // if it is even. Values are finite.
        let bits = _mm256_castps_si256(values);
        let odd = _mm256_and_si256(_mm256_srli_epi32::<16>(bits), _mm256_set1_epi32(1));
        let rounding = _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff));
        let upper = _mm256_srli_epi32::<16>(_mm256_add_epi32(bits, rounding));
        let words = _mm_packus_epi32(
            _mm256_castsi256_si128(upper),
            _mm256_extracti128_si256::<1>(upper),
        );
        // SAFETY: the caller's promise.
        unsafe { _mm_storeu_si128(target.cast(), words) }
    }
}

impl Store for f16 {
    #[inline]
    #[target_feature(enable = "avx2,f16c")]
    unsafe fn store(target: *mut Self, values: __m256) {
        let words = _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(values);
        // SAFETY: the caller's promise.
        unsafe { _mm_storeu_si128(target.cast(), words) }
    }
}
