//! Sizes from any numbers: an error, or a size that keeps every guarantee.

use crate::input::parsed;
use arbitrary::Arbitrary;
use keye_vl_core::{TokenBudget, plan_sizes, smart_resize};

#[derive(Debug, Arbitrary)]
struct Input {
    height: usize,
    width: usize,
    factor: usize,
    limits: [f64; 4],
    ratio: f64,
    frames: [usize; 2],
    fast_token_ratio: f64,
    /// Whether numbers are brought into the range of real videos.
    plausible: bool,
}

/// Run one input.
pub fn run(input: &[u8]) {
    let Some(input) = parsed::<Input>(input) else {
        return;
    };
    let fit = |number: usize, most: usize| {
        if input.plausible {
            number % most
        } else {
            number
        }
    };
    let (height, width) = (fit(input.height, 9000), fit(input.width, 9000));
    let factor = fit(input.factor, 60);
    let [low, high, total, video_low] = input.limits.map(|limit| {
        if input.plausible {
            limit.abs() % 1e8
        } else {
            limit
        }
    });
    if let Ok(size) = smart_resize(height, width, factor, low, high, input.ratio) {
        assert!(size.height > 0 && size.width > 0);
        assert_eq!((size.height % factor, size.width % factor), (0, 0));
    }
    let budget = TokenBudget {
        factor,
        min_pixels: low,
        max_pixels: high,
        total_pixels: total,
        video_min_pixels: video_low,
        fast_token_ratio: input.fast_token_ratio,
        max_aspect_ratio: input.ratio,
    };
    let [slow, fast] = input.frames.map(|frames| fit(frames, 5000));
    if let Ok(sizes) = plan_sizes(height, width, slow, fast, &budget) {
        for size in [sizes.slow, sizes.fast] {
            assert!(size.height > 0 && size.width > 0);
            assert_eq!((size.height % factor, size.width % factor), (0, 0));
        }
    }
}
