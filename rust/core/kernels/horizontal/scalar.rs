//! The definition of the horizontal pass.

use super::{CHANNELS, PADDED, ROWS, RowWeights};
use crate::types::{LOWER_BITS, Weights};

/// Resample the outputs from `first_output` on.
pub(super) fn resample_rows(
    source: [&[u8]; ROWS],
    rows: &RowWeights,
    first_output: usize,
    out: &mut [u8],
    stride: usize,
) {
    // Let the compiler hoist what does not change from pixel to pixel.
    let resample = match (rows.spacing, rows.weights.is_split()) {
        (CHANNELS, false) => resample_row::<CHANNELS, false>,
        (CHANNELS, true) => resample_row::<CHANNELS, true>,
        (_, false) => resample_row::<PADDED, false>,
        (_, true) => resample_row::<PADDED, true>,
    };
    for (row, out) in source.into_iter().zip(out.chunks_exact_mut(stride)) {
        resample(row, rows, first_output, out);
    }
}

fn resample_row<const SPACING: usize, const SPLIT: bool>(
    row: &[u8],
    rows: &RowWeights,
    first_output: usize,
    out: &mut [u8],
) {
    let weights: &Weights = &rows.weights;
    let half = 1i32 << (weights.precision() - 1);
    let pixels = out.chunks_exact_mut(CHANNELS).take(weights.len());
    for (x, pixel) in pixels.enumerate().skip(first_output) {
        let taps = weights.of(x);
        let window = &row[weights.start(x) * SPACING..];
        let mut sums = if SPLIT {
            let upper = add_pixels::<SPACING>([0; CHANNELS], window, taps.upper);
            let sums = upper.map(|sum| (sum << LOWER_BITS).wrapping_add(half));
            add_pixels::<SPACING>(sums, window, taps.lower)
        } else {
            add_pixels::<SPACING>([half; CHANNELS], window, taps.upper)
        };
        for (value, sum) in pixel.iter_mut().zip(&mut sums) {
            *value = (*sum >> weights.precision()).clamp(0, 255) as u8;
        }
    }
}

/// Add each pixel times its weight. The last pixel may lack its padding.
#[inline(always)]
fn add_pixels<const SPACING: usize>(
    mut sums: [i32; CHANNELS],
    window: &[u8],
    weights: &[i16],
) -> [i32; CHANNELS] {
    let mut add = |pixel: &[u8], weight: i16| {
        for (sum, value) in sums.iter_mut().zip(&pixel[..CHANNELS]) {
            *sum = sum.wrapping_add(i32::from(*value) * i32::from(weight));
        }
    };
    if let [weights @ .., last] = weights {
        let (before, after) = window.split_at(weights.len() * SPACING);
        for (pixel, weight) in before.chunks_exact(SPACING).zip(weights) {
            add(pixel, *weight);
        }
        add(after, *last);
    }
    sums
}
