//! The horizontal pass.

use keye_vl_core::kernels::horizontal::{self, RowWeights};
use keye_vl_core::{Filter, Level, Weights};

use super::LONGEST;
use crate::inputs::{FILTERS, bytes};
use crate::naive;

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
