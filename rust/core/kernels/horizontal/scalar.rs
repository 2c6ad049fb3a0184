//! The definition of the horizontal pass.

use super::{CHANNELS, ROWS};
use crate::weights::Weights;

/// Resamples the outputs from `first_output` on.
pub(super) fn resample_rows(
    source: [&[u8]; ROWS],
    weights: &Weights,
    first_output: usize,
    out: &mut [u8],
    stride: usize,
) {
    for (row, out) in source.into_iter().zip(out.chunks_exact_mut(stride)) {
        let pixels = out.chunks_exact_mut(CHANNELS).take(weights.len());
        for (x, pixel) in pixels.enumerate().skip(first_output) {
            pixel.copy_from_slice(&resample_pixel(row, weights, x));
        }
    }
}

fn resample_pixel(row: &[u8], weights: &Weights, x: usize) -> [u8; CHANNELS] {
    let count = weights.count(x);
    let pixels = row[weights.start(x) * CHANNELS..][..count * CHANNELS].chunks_exact(CHANNELS);
    let mut sums = [1i32 << (weights.precision() - 1); CHANNELS];
    for (pixel, weight) in pixels.zip(weights.row(x)) {
        for (sum, value) in sums.iter_mut().zip(pixel) {
            *sum += i32::from(*value) * i32::from(*weight);
        }
    }
    sums.map(|sum| (sum >> weights.precision()).clamp(0, 255) as u8)
}
