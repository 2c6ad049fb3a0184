//! Every kernel at every level against a naive definition, at lengths around its registers' width.

mod naive;

use half::{bf16, f16};
use keye_vl_core::kernels::horizontal::RowWeights;
use keye_vl_core::kernels::patch_band::Band;
use keye_vl_core::kernels::{dot, horizontal, hsv, patch_band, vertical};
use keye_vl_core::{Element, Filter, Level, Normalization, Taps, Weights};
use proptest::prelude::*;

/// Twice the widest register's bytes, plus one.
const LONGEST: usize = 2 * 64 + 1;
const FILTERS: [Filter; 4] = [
    Filter::Bilinear,
    Filter::Bicubic,
    Filter::PillowBilinear,
    Filter::PillowBicubic,
];

/// Bytes that look random and are the same on every run.
fn bytes(length: usize, seed: usize) -> Vec<u8> {
    let step = |state: &mut u64| {
        *state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        Some((*state >> 56) as u8)
    };
    let mut state = seed as u64;
    std::iter::from_fn(|| step(&mut state))
        .skip(3)
        .take(length)
        .collect()
}

#[test]
fn a_vector_level_is_tested_where_the_cpu_has_one() {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        assert!(Level::all().count() >= 2);
    }
    assert_eq!(Level::all().next(), Some(Level::SCALAR));
}

#[test]
fn weights_are_those_of_the_definition() {
    for filter in FILTERS {
        for (size_in, size_out) in [
            (1, 1),
            (1, 9),
            (9, 1),
            (640, 224),
            (1920, 1008),
            (33, 32),
            (31, 500),
            (4000, 28),
        ] {
            let weights = Weights::new(size_in, size_out, filter).unwrap();
            let (expected, precision) = naive::weights(size_in, size_out, filter);
            assert_eq!(weights.precision(), precision);
            for (output, (start, row)) in expected.iter().enumerate() {
                assert_eq!(weights.start(output), *start);
                let values = weights.of(output).values().map(i64::from);
                assert!(values.eq(row.iter().copied()));
            }
        }
    }
}

fn check_horizontal(width_in: usize, width_out: usize, filter: Filter, offset: usize) {
    for spacing in [3, 4] {
        check_spaced(width_in, width_out, filter, offset, spacing);
    }
}

fn check_spaced(width_in: usize, width_out: usize, filter: Filter, offset: usize, spacing: usize) {
    let weights = Weights::new(width_in, width_out, filter).unwrap();
    let data = bytes(4 * width_in * spacing + offset, width_in * 1000 + width_out);
    let row_bytes = (width_in - 1) * spacing + 3;
    let rows: Vec<&[u8]> = data[offset..]
        .chunks_exact(width_in * spacing)
        .map(|row| &row[..row_bytes])
        .collect();
    let rows: [&[u8]; 4] = rows.try_into().unwrap();
    let stride = horizontal::row_bytes(width_out) + offset;
    for level in Level::all() {
        let mut out = vec![0; 4 * stride];
        let weights = RowWeights::new(weights.clone(), level, spacing).unwrap();
        horizontal::resample_rows(rows, &weights, &mut out, stride, 0);
        for (row, out) in rows.iter().zip(out.chunks_exact(stride)) {
            let image = naive::Image {
                height: 1,
                width: width_in,
                rgb: row
                    .chunks(spacing)
                    .flat_map(|p| [p[0], p[1], p[2]])
                    .collect(),
            };
            let expected = if width_in == width_out {
                image.rgb
            } else {
                naive::resize(&image, 1, width_out, filter).rgb
            };
            let what = format!("{width_in} -> {width_out} {filter:?} {level:?} {spacing}");
            assert_eq!(out[..width_out * 3], expected, "{what}");
        }
    }
}

#[test]
fn horizontal_at_all_small_widths() {
    for filter in FILTERS {
        for width_in in 1..=LONGEST / 3 {
            for width_out in 1..=LONGEST / 3 {
                if width_in != width_out {
                    check_horizontal(width_in, width_out, filter, width_in % 4);
                }
            }
        }
    }
}

#[test]
fn horizontal_with_many_taps() {
    for filter in FILTERS {
        for taps in [2, 3, 5, 7, 9, 11, 13, 40, 300] {
            for width_out in [1, 5, 28] {
                check_horizontal(taps * width_out, width_out, filter, 1);
            }
        }
    }
}

#[test]
fn vertical_at_all_small_lengths_and_numbers_of_rows() {
    for length in 0..=LONGEST {
        for taps in 1..=9 {
            let size_in = taps * 3;
            let filter = [Filter::Bicubic, Filter::PillowBicubic][length % 2];
            let weights = Weights::new(size_in, 5, filter).unwrap();
            let output = taps % 5;
            let count = weights.count(output);
            let rows = bytes(size_in * (length + 5) + 40, length * 10 + taps);
            // Rows lie anywhere, not in order, and may overlap.
            let offsets: Vec<usize> = (0..count)
                .map(|k| (k * 7 % size_in) * (length + 3) + k % 4)
                .collect();
            let row: Vec<i64> = weights.of(output).values().map(i64::from).collect();
            for level in Level::all() {
                let mut out = vec![0; length];
                vertical::blend_rows(level, &rows, &offsets, weights.of(output), &mut out);
                for (i, value) in out.iter().enumerate() {
                    let sum: i64 = offsets
                        .iter()
                        .zip(&row)
                        .map(|(offset, weight)| i64::from(rows[offset + i]) * weight)
                        .sum();
                    let half = 1i64 << (weights.precision() - 1);
                    let expected = ((sum + half) >> weights.precision()).clamp(0, 255);
                    assert_eq!(i64::from(*value), expected, "{level:?} {length} {taps} {i}");
                }
            }
        }
    }
}

#[test]
fn hsv_of_all_colours() {
    let mut rgb = Vec::with_capacity(3 << 24);
    for colour in 0..1u32 << 24 {
        rgb.extend_from_slice(&colour.to_le_bytes()[..3]);
    }
    let pixels = rgb.chunks_exact(3);
    let expected: Vec<u8> = pixels
        .flat_map(|p| naive::hsv([p[0], p[1], p[2]]))
        .collect();
    for level in Level::all() {
        let mut converted = vec![0; rgb.len()];
        hsv::rgb_to_hsv(level, &rgb, &mut converted);
        assert!(converted == expected, "{level:?}");
    }
}

#[test]
fn hsv_at_all_small_lengths() {
    for pixels in 0..=LONGEST {
        let rgb = bytes(pixels * 3 + 1, pixels);
        let expected: Vec<u8> = rgb[1..]
            .chunks_exact(3)
            .flat_map(|p| naive::hsv([p[0], p[1], p[2]]))
            .collect();
        for level in Level::all() {
            let mut converted = vec![0; pixels * 3];
            hsv::rgb_to_hsv(level, &rgb[1..], &mut converted);
            assert_eq!(converted, expected, "{level:?} {pixels}");
        }
    }
}

#[test]
fn dot_at_all_small_lengths_and_at_the_largest_sums() {
    let check = |a: &[u8], b: &[u8]| {
        let product = |a: &[u8], b: &[u8]| -> u64 {
            a.iter()
                .zip(b)
                .map(|(a, b)| u64::from(*a) * u64::from(*b))
                .sum()
        };
        for level in Level::all() {
            let what = format!("{level:?} {}", a.len());
            assert_eq!(dot::dot(level, a, b), product(a, b), "{what}");
            assert_eq!(dot::dot(level, b, b), product(b, b), "{what}");
        }
    };
    for length in 0..=LONGEST {
        check(&bytes(length + 1, 1)[1..], &bytes(length + 3, 2)[3..]);
    }
    for length in [28 * 28 * 3, 16384, 16385, 100_000] {
        check(&vec![255; length], &vec![255; length]);
    }
}

/// The bits of a value: as numbers 0 and -0 are equal.
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
                // Outputs begin anywhere in a cache line, and nothing beside them may change.
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

/// All 256 values of three channels in the rows of a band: 19 patches of 14 pixels hold them.
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
#[should_panic(expected = "source row length")]
fn horizontal_refuses_a_row_of_another_length() {
    let weights = Weights::new(10, 5, Filter::Bilinear).unwrap();
    let weights = RowWeights::new(weights, Level::available(), 3).unwrap();
    horizontal::resample_rows([&[0; 29]; 4], &weights, &mut [0; 64], 16, 0);
}

#[test]
#[should_panic(expected = "too short")]
fn horizontal_refuses_an_output_without_room() {
    let weights = Weights::new(10, 5, Filter::Bilinear).unwrap();
    let weights = RowWeights::new(weights, Level::available(), 3).unwrap();
    horizontal::resample_rows([&[0; 30]; 4], &weights, &mut [0; 60], 15, 0);
}

#[test]
#[should_panic(expected = "is outside")]
fn vertical_refuses_a_row_outside_its_buffer() {
    let taps = Taps {
        upper: &[1, 1],
        lower: &[],
        precision: 8,
    };
    vertical::blend_rows(Level::available(), &[0; 64], &[0, 33], taps, &mut [0; 32]);
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
