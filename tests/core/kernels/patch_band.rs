//! A band's patches.

use keye_vl_core::kernels::patch_band::{self, Band};
use keye_vl_core::{Element, Level, Normalization, bf16, f16};
use proptest::prelude::*;

use crate::inputs::bytes;

/// Values whose bits are compared, because 0 and -0 are equal numbers.
trait Bits: Element {
    fn bits(self) -> u32;
}

impl Bits for f32 {
    fn bits(self) -> u32 {
        self.to_bits()
    }
}

impl Bits for bf16 {
    fn bits(self) -> u32 {
        self.to_bits().into()
    }
}

impl Bits for f16 {
    fn bits(self) -> u32 {
        self.to_bits().into()
    }
}

fn check_bands<T: Bits>(normalization: &Normalization, patch: usize) {
    let values = normalization.values::<T>();
    for patches in 0..=9 {
        let (width, gap) = (patches * patch, patches % 3);
        let stride = width * 3 + gap;
        let pixels = bytes(patch * stride, patches + patch);
        let mut expected = Vec::new();
        for left in (0..width).step_by(patch) {
            for c in 0..3 {
                for i in 0..patch * patch {
                    let at = i / patch * stride + (left + i % patch) * 3 + c;
                    expected.push(T::from_f32(normalization.value(c, pixels[at])));
                }
            }
        }
        for level in Level::all() {
            for values in [values.clone(), values.clone().by_table()] {
                // An output may begin anywhere in a cache line; nothing beside it may change.
                for (offset, streamed) in [(0, false), (0, true), (1, true), (7, true), (3, false)]
                {
                    let filled = T::from_f32(-77.0);
                    let mut out = vec![filled; offset + expected.len() + 40];
                    let band = Band::new(&pixels, stride, width, patch);
                    let target = &mut out[offset..offset + expected.len()];
                    patch_band::write_patches(level, band, &values, streamed, target);
                    let what = format!("{level:?} {patches} patches, {offset} {streamed}");
                    let written = &out[offset..][..expected.len()];
                    let same = written
                        .iter()
                        .zip(&expected)
                        .all(|(a, b)| a.bits() == b.bits());
                    assert!(same, "{what}");
                    assert!(out[..offset].iter().all(|value| *value == filled), "{what}");
                    let behind = &out[offset + expected.len()..];
                    assert!(behind.iter().all(|value| *value == filled), "{what}");
                }
            }
        }
    }
}

#[test]
fn zeros_keep_their_sign() {
    for scale in [0.0, 1e-12] {
        let normalization = Normalization::new(scale, [0.0; 3], [1.0, -1.0, 1.0]).unwrap();
        check_bands::<f32>(&normalization, 14);
        check_bands::<bf16>(&normalization, 14);
        check_bands::<f16>(&normalization, 14);
    }
}

#[test]
fn patches_of_a_band_land_in_their_places_and_nowhere_else() {
    let clip = (
        [0.48145466, 0.4578275, 0.40821073],
        [0.26862954, 0.26130258, 0.27577711],
    );
    for (mean, std) in [([0.5; 3], [0.5; 3]), clip, ([0.0; 3], [1.0; 3])] {
        let normalization = Normalization::new(1.0 / 255.0, mean, std).unwrap();
        for patch in [14, 16, 3, 1] {
            check_bands::<f32>(&normalization, patch);
            check_bands::<bf16>(&normalization, patch);
            check_bands::<f16>(&normalization, patch);
        }
    }
}

/// Return what all 256 bytes of three channels become: 19 patches of 14 pixels hold them.
fn all_values(normalization: &Normalization, level: Level) -> Vec<f32> {
    let row = (0..19 * 14).flat_map(|value| [value as u8; 3]);
    let pixels: Vec<u8> = (0..14).flat_map(|_| row.clone()).collect();
    let mut out = vec![0f32; pixels.len()];
    let band = Band::new(&pixels, 19 * 42, 19 * 14, 14);
    patch_band::write_patches(level, band, &normalization.values(), false, &mut out);
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_normalization_is_the_same_at_every_level(
        scale in prop_oneof![Just(1.0 / 255.0), Just(1.0), 1e-6..10.0f64],
        mean in prop::array::uniform3(-3.0..3.0f64),
        std in prop::array::uniform3(prop_oneof![0.001..4.0f64, -4.0..-0.001f64]),
    ) {
        let normalization = Normalization::new(scale, mean, std).unwrap();
        for c in 0..3 {
            for byte in 0..=255u8 {
                let unit = (f64::from(byte) * scale) as f32;
                let expected = (unit - mean[c] as f32) / std[c] as f32;
                prop_assert_eq!(normalization.value(c, byte).to_bits(), expected.to_bits());
            }
        }
        let expected: Vec<u32> =
            all_values(&normalization, Level::SCALAR).into_iter().map(f32::to_bits).collect();
        for level in Level::all() {
            let values = all_values(&normalization, level).into_iter().map(f32::to_bits);
            prop_assert!(values.eq(expected.iter().copied()));
        }
    }
}

#[test]
#[should_panic(expected = "length of out")]
fn patches_refuse_an_output_of_another_length() {
    let values = Normalization::new(1.0, [0.0; 3], [1.0; 3])
        .unwrap()
        .values::<f32>();
    let band = Band::new(&[0; 14 * 42], 42, 14, 14);
    patch_band::write_patches(Level::available(), band, &values, false, &mut [0.0; 587]);
}

#[test]
#[should_panic(expected = "do not fit")]
fn a_band_refuses_more_rows_than_there_are() {
    let _ = Band::new(&[0; 14 * 42 - 1], 42, 14, 14);
}
