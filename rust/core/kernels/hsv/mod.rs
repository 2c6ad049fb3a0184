//! RGB to HSV, with hue in 0..=179: the 12-bit fixed-point arithmetic of OpenCV's `COLOR_RGB2HSV`.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod scalar;

use crate::simd::{Level, LevelName};
use crate::types::CHANNELS;

/// Fraction bits.
const SHIFT: u32 = 12;
/// A saturation of one: 255, in fixed point.
const FULL_SATURATION: u32 = 255 << SHIFT;
/// A sixth of the hue circle, which has 180 steps, in fixed point.
const HUE_SECTOR: u32 = (180 << SHIFT) / 6;

/// Convert packed R G B pixels to packed H S V pixels.
///
/// # Panics
/// Panics if the lengths differ or are not whole pixels.
pub fn rgb_to_hsv(level: Level, rgb: &[u8], hsv: &mut [u8]) {
    assert_eq!(rgb.len(), hsv.len(), "lengths");
    assert!(rgb.len().is_multiple_of(CHANNELS), "whole pixels");
    match level.name() {
        // SAFETY: a level named `Avx2` exists only on a CPU with AVX2; lengths were checked above.
        #[cfg(target_arch = "x86_64")]
        LevelName::Avx2 => unsafe { avx2::rgb_to_hsv(rgb, hsv) },
        // SAFETY: likewise, with AVX-512.
        #[cfg(target_arch = "x86_64")]
        LevelName::Avx512 => unsafe { avx512::rgb_to_hsv(rgb, hsv) },
        _ => scalar::rgb_to_hsv(rgb, hsv),
    }
}
