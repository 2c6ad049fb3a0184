//! The vertical pass.

use keye_vl_core::kernels::vertical;
use keye_vl_core::{Filter, Level, Taps, Weights};

use super::LONGEST;
use crate::inputs::bytes;

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
#[should_panic(expected = "is outside")]
fn vertical_refuses_a_row_outside_its_buffer() {
    let taps = Taps {
        upper: &[1, 1],
        lower: &[],
        precision: 8,
    };
    vertical::blend_rows(Level::available(), &[0; 64], &[0, 33], taps, &mut [0; 32]);
}
