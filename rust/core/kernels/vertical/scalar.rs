//! The definition of the vertical pass, in blocks that the compiler keeps in registers.

use crate::types::{LOWER_BITS, Taps};

const BLOCK: usize = 32;

/// Compute `out` from position `first` on.
pub(super) fn blend_rows(
    rows: &[u8],
    offsets: &[usize],
    taps: Taps<'_>,
    first: usize,
    out: &mut [u8],
) {
    let half = 1i32 << (taps.precision - 1);
    let mut at = first;
    for block in out[first..].chunks_mut(BLOCK) {
        let mut sums;
        if taps.lower.is_empty() {
            sums = [half; BLOCK];
            add_rows(&mut sums, rows, offsets, taps.upper, at, block.len());
        } else {
            sums = [0; BLOCK];
            add_rows(&mut sums, rows, offsets, taps.upper, at, block.len());
            sums = sums.map(|sum| (sum << LOWER_BITS).wrapping_add(half));
            add_rows(&mut sums, rows, offsets, taps.lower, at, block.len());
        }
        for (value, sum) in block.iter_mut().zip(sums) {
            *value = (sum >> taps.precision).clamp(0, 255) as u8;
        }
        at += block.len();
    }
}

/// Add each row, from `at` on, times its weight.
#[inline(always)]
fn add_rows(
    sums: &mut [i32; BLOCK],
    rows: &[u8],
    offsets: &[usize],
    weights: &[i16],
    at: usize,
    length: usize,
) {
    for (offset, weight) in offsets.iter().zip(weights) {
        let row = &rows[offset + at..][..length];
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum = sum.wrapping_add(i32::from(*value) * i32::from(*weight));
        }
    }
}
