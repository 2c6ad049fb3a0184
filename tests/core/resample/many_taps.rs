//! Outputs of thousands of source pixels: partial sums wrap, and the results are exact all the same.

use keye_vl_core::{Filter, FramesView, Level, Size, Threads, Weights, resize};

use crate::inputs::{FILTERS, noise};
use crate::naive;

/// Source pixels of five outputs: the middle one has 4,000, 7,000, 14,000 or 40,000 taps of the cubic.
const SIDES: [usize; 4] = [5_000, 8_750, 17_500, 50_000];
/// Pixels across the direction that is resampled: whole registers of every level, and a remainder.
const ACROSS: usize = 31;

fn check(from: [usize; 2], to: [usize; 2], filter: Filter) {
    let [height, width] = from;
    // Random pixels, and white ones, whose sums are the largest.
    for rgb in [noise(height * width * 3, 1), vec![255; height * width * 3]] {
        let frames = FramesView::channels_last(&rgb, [1, height, width]).unwrap();
        let size = Size {
            height: to[0],
            width: to[1],
        };
        let resized = Level::all()
            .map(|level| resize(&frames, size, filter, level, &Threads::new(1)).unwrap())
            .collect::<Vec<_>>();
        let image = naive::Image { height, width, rgb };
        let expected = naive::resize(&image, to[0], to[1], filter).rgb;
        for (level, resized) in Level::all().zip(resized) {
            assert!(resized == expected, "{from:?} {to:?} {filter:?} {level:?}");
        }
    }
}

#[test]
fn columns_of_thousands_of_rows() {
    for filter in FILTERS {
        for side in SIDES {
            check([side, ACROSS], [5, ACROSS], filter);
        }
    }
}

#[test]
fn rows_of_thousands_of_pixels() {
    for filter in FILTERS {
        for side in SIDES {
            check([4, side], [4, 5], filter);
        }
    }
}

#[test]
fn lower_parts_of_the_longer_ones_do_wrap() {
    let weights = Weights::new(17_500, 5, Filter::PillowBicubic).unwrap();
    let lower = weights.of(2).lower.iter().map(|part| i64::from(*part));
    assert!(255 * lower.sum::<i64>() > i64::from(i32::MAX));
}

/// 32-bit sums may wrap on the way because the whole sum of an output fits.
#[test]
fn whole_sums_fit_32_bits() {
    let mut largest = 0;
    for filter in FILTERS {
        // The worst sizes, which the comment on `blend_rows` explains, and the ends of the range.
        for (size_in, size_out) in [
            (5_931_641, 1),
            (3_526_975, 9),
            (1 << 24, 1),
            (70_000, 5),
            (1, 1),
            (1, 64),
            (64, 63),
        ] {
            let weights = Weights::new(size_in, size_out, filter).unwrap();
            let half = 1i64 << (weights.precision() - 1);
            for output in 0..size_out {
                let values = weights.of(output).values().map(i64::from);
                let (positive, negative) = values.fold((0, 0), |(positive, negative), weight| {
                    (positive + weight.max(0), negative + weight.min(0))
                });
                largest = largest.max(255 * positive + half);
                assert!(
                    255 * negative >= i64::from(i32::MIN),
                    "{size_in} {size_out}"
                );
            }
        }
    }
    assert!(
        (1_440_000_000..1_460_000_000).contains(&largest),
        "{largest}"
    );
}
