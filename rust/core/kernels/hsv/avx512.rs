//! HSV of 16 pixels at a time, one to a 32-bit lane.

use std::arch::x86_64::*;

use super::{CHANNELS, FULL_SATURATION, HUE_SECTOR, SHIFT, scalar};

/// Pixels and bytes of one step.
const PIXELS: usize = 16;
const BYTES: usize = PIXELS * CHANNELS;

/// Byte 3 * i + c comes from lane i, byte c of four.
static PACKING: [u8; 64] = {
    let mut sources = [0; 64];
    let mut byte = 0;
    while byte < 64 {
        sources[byte] = (byte / CHANNELS * 4 + byte % CHANNELS) as u8;
        byte += 1;
    }
    sources
};

/// # Safety
/// The CPU has AVX-512 F, BW and VBMI; both slices have the same length, a multiple of three.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
pub(super) unsafe fn rgb_to_hsv(rgb: &[u8], hsv: &mut [u8]) {
    let Some(last) = rgb.len().checked_sub(BYTES) else {
        return scalar::rgb_to_hsv(rgb, hsv);
    };
    // Lane i of channel c takes byte 3 * i + c to its lowest byte; the other three are zero.
    const ALL_BYTES: u64 = (1 << BYTES) - 1;
    const LOWEST_BYTES: u64 = 0x1111_1111_1111_1111;
    let lanes = _mm512_setr_epi32(0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 33, 36, 39, 42, 45);
    let channels = [0, 1, 2].map(|c| _mm512_add_epi32(lanes, _mm512_set1_epi32(c)));
    // SAFETY: the table is 64 bytes.
    let packing = unsafe { _mm512_loadu_si512(PACKING.as_ptr().cast()) };
    // The last step overlaps pixels that are already converted, and gives them the same values.
    for at in (0..last).step_by(BYTES).chain([last]) {
        // SAFETY: `at + BYTES <= rgb.len() == hsv.len()`, which is what the mask, and the two stores
        // of 32 and 16 bytes, cover.
        unsafe {
            let packed = _mm512_maskz_loadu_epi8(ALL_BYTES, rgb.as_ptr().add(at).cast());
            let [r, g, b] =
                channels.map(|c| _mm512_maskz_permutexvar_epi8(LOWEST_BYTES, c, packed));
            let converted = _mm512_permutexvar_epi8(packing, convert(r, g, b));
            // A masked store would take many times as long.
            let target = hsv.as_mut_ptr().add(at);
            _mm256_storeu_si256(target.cast(), _mm512_castsi512_si256(converted));
            _mm_storeu_si128(
                target.add(32).cast(),
                _mm512_extracti32x4_epi32::<2>(converted),
            );
        }
    }
}

/// Compute hue, saturation and value, from the lowest byte of each lane up.
#[inline]
#[target_feature(enable = "avx512f")]
fn convert(r: __m512i, g: __m512i, b: __m512i) -> __m512i {
    let value = _mm512_max_epi32(_mm512_max_epi32(r, g), b);
    let chroma = _mm512_sub_epi32(value, _mm512_min_epi32(_mm512_min_epi32(r, g), b));
    let twice = _mm512_add_epi32(chroma, chroma);
    let from_red = _mm512_sub_epi32(g, b);
    let from_green = _mm512_add_epi32(_mm512_sub_epi32(b, r), twice);
    let from_blue = _mm512_add_epi32(_mm512_sub_epi32(r, g), _mm512_add_epi32(twice, twice));
    let (is_green, is_red) = (
        _mm512_cmpeq_epi32_mask(value, g),
        _mm512_cmpeq_epi32_mask(value, r),
    );
    let around = _mm512_mask_blend_epi32(is_green, from_blue, from_green);
    let around = _mm512_mask_blend_epi32(is_red, around, from_red);

    // Without chroma the quotient is i32::MIN, and what it multiplies is zero.
    let hue = round(_mm512_mullo_epi32(around, quotient(HUE_SECTOR, chroma)));
    let negative = _mm512_cmplt_epi32_mask(hue, _mm512_setzero_si512());
    let hue = _mm512_mask_add_epi32(hue, negative, hue, _mm512_set1_epi32(180));
    let saturation = round(_mm512_mullo_epi32(chroma, quotient(FULL_SATURATION, value)));
    let upper = _mm512_or_si512(
        _mm512_slli_epi32::<8>(saturation),
        _mm512_slli_epi32::<16>(value),
    );
    _mm512_or_si512(hue, upper)
}

/// Round `numerator / n` to the nearest integer, as in `avx2.rs`.
#[inline]
#[target_feature(enable = "avx512f")]
fn quotient(numerator: u32, n: __m512i) -> __m512i {
    _mm512_cvtps_epi32(_mm512_div_ps(
        _mm512_set1_ps(numerator as f32),
        _mm512_cvtepi32_ps(n),
    ))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn round(fixed: __m512i) -> __m512i {
    let half = _mm512_set1_epi32(1 << (SHIFT - 1));
    _mm512_srai_epi32::<SHIFT>(_mm512_add_epi32(fixed, half))
}
