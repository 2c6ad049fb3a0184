//! HSV of 16 pixels at a time, the arithmetic in two halves of eight 32-bit lanes.

use std::arch::x86_64::*;

use super::{CHANNELS, FULL_SATURATION, HUE_SECTOR, SHIFT, scalar};
use crate::kernels::deinterleave::{to_channels, to_packed};

/// Pixels and bytes of one step.
const PIXELS: usize = 16;
const BYTES: usize = PIXELS * CHANNELS;

/// # Safety
/// The CPU has AVX2; both slices have the same length, a multiple of three.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn rgb_to_hsv(rgb: &[u8], hsv: &mut [u8]) {
    let Some(last) = rgb.len().checked_sub(BYTES) else {
        return scalar::rgb_to_hsv(rgb, hsv);
    };
    // The last step overlaps pixels that are already converted, and gives them the same values.
    for at in (0..last).step_by(BYTES).chain([last]) {
        // SAFETY: `at + BYTES <= rgb.len() == hsv.len()`.
        unsafe {
            let source = rgb.as_ptr().add(at).cast::<__m128i>();
            let packed = [0, 1, 2].map(|i| _mm_loadu_si128(source.add(i)));
            let converted = to_packed(convert(to_channels(packed)));
            let target = hsv.as_mut_ptr().add(at).cast::<__m128i>();
            for (i, register) in converted.into_iter().enumerate() {
                _mm_storeu_si128(target.add(i), register);
            }
        }
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn convert([r, g, b]: [__m128i; 3]) -> [__m128i; 3] {
    let value = _mm_max_epu8(_mm_max_epu8(r, g), b);
    let chroma = _mm_sub_epi8(value, _mm_min_epu8(_mm_min_epu8(r, g), b));
    let low = hue_and_saturation([r, g, b, value, chroma].map(|x| _mm256_cvtepu8_epi32(x)));
    let high = hue_and_saturation(
        [r, g, b, value, chroma].map(|x| _mm256_cvtepu8_epi32(_mm_unpackhi_epi64(x, x))),
    );
    [narrow(low[0], high[0]), narrow(low[1], high[1]), value]
}

/// Narrow two times eight numbers in 0..=255 to sixteen bytes.
#[inline]
#[target_feature(enable = "avx2")]
fn narrow(low: __m256i, high: __m256i) -> __m128i {
    // low 0-3, high 0-3 | low 4-7, high 4-7, to low 0-7, high 0-7
    let words = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packs_epi32(low, high));
    _mm_packus_epi16(
        _mm256_castsi256_si128(words),
        _mm256_extracti128_si256::<1>(words),
    )
}

#[inline]
#[target_feature(enable = "avx2")]
fn hue_and_saturation([r, g, b, value, chroma]: [__m256i; 5]) -> [__m256i; 2] {
    let twice = _mm256_add_epi32(chroma, chroma);
    let from_red = _mm256_sub_epi32(g, b);
    let from_green = _mm256_add_epi32(_mm256_sub_epi32(b, r), twice);
    let from_blue = _mm256_add_epi32(_mm256_sub_epi32(r, g), _mm256_add_epi32(twice, twice));
    let around = _mm256_blendv_epi8(from_blue, from_green, _mm256_cmpeq_epi32(value, g));
    let around = _mm256_blendv_epi8(around, from_red, _mm256_cmpeq_epi32(value, r));

    // Without chroma the quotient is i32::MIN, and what it multiplies is zero.
    let hue = round(_mm256_mullo_epi32(around, quotient(HUE_SECTOR, chroma)));
    let negative = _mm256_cmpgt_epi32(_mm256_setzero_si256(), hue);
    let hue = _mm256_add_epi32(hue, _mm256_and_si256(negative, _mm256_set1_epi32(180)));
    let saturation = round(_mm256_mullo_epi32(chroma, quotient(FULL_SATURATION, value)));
    [hue, saturation]
}

/// Round `numerator / n` to the nearest integer. It is rounded twice, to float32 and then to an integer,
/// which for these numerators equals one rounding (tests compare all colours).
#[inline]
#[target_feature(enable = "avx2")]
fn quotient(numerator: u32, n: __m256i) -> __m256i {
    _mm256_cvtps_epi32(_mm256_div_ps(
        _mm256_set1_ps(numerator as f32),
        _mm256_cvtepi32_ps(n),
    ))
}

#[inline]
#[target_feature(enable = "avx2")]
fn round(fixed: __m256i) -> __m256i {
    let half = _mm256_set1_epi32(1 << (SHIFT - 1));
    _mm256_srai_epi32::<{ SHIFT as i32 }>(_mm256_add_epi32(fixed, half))
}
