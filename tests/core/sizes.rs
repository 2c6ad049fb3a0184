//! Sizes against a direct statement of the search in keye-vl-utils 1.5.2.

use keye_vl_core::{FACTOR, MAX_ASPECT_RATIO, Size, TokenBudget, plan_sizes, smart_resize};
use proptest::prelude::*;

/// Compute `smart_resize` of keye-vl-utils 1.5.2, step by step.
fn naive_smart_resize(height: usize, width: usize, low: f64, high: f64) -> (u64, u64) {
    let (h, w) = (height as f64, width as f64);
    let to = |side: f64, round: fn(f64) -> f64| round(side / 28.0) * 28.0;
    let mut bars = (
        to(h, f64::round_ties_even).max(28.0),
        to(w, f64::round_ties_even).max(28.0),
    );
    if bars.0 * bars.1 > high {
        let beta = (h * w / high).sqrt();
        bars = (to(h / beta, f64::floor), to(w / beta, f64::floor));
    } else if bars.0 * bars.1 < low {
        let beta = (low / (h * w)).sqrt();
        bars = (to(h * beta, f64::ceil), to(w * beta, f64::ceil));
    }
    (bars.0.max(28.0) as u64, bars.1.max(28.0) as u64)
}

/// Return the pixels of a video whose slow frames have `tokens` tokens each.
fn cost(slow: u64, fast: u64, tokens: u64, min_tokens: u64) -> f64 {
    let fast_tokens = ((0.3 * tokens as f64) as u64).max(min_tokens);
    (slow * tokens * 784 + fast * fast_tokens * 784) as f64
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_size_is_the_definition(
        height in 1..5000usize,
        width in 1..5000usize,
        low in 1..500_000u32,
        more in 0..2_000_000u32,
    ) {
        let (low, high) = (f64::from(low), f64::from(low) + f64::from(more));
        let size = smart_resize(height, width, FACTOR, low, high, MAX_ASPECT_RATIO);
        if height.max(width) > 200 * height.min(width) {
            prop_assert!(size.is_err());
        } else {
            let size = size.unwrap();
            let expected = naive_smart_resize(height, width, low, high);
            prop_assert_eq!((size.height as u64, size.width as u64), expected);
        }
    }

    #[test]
    fn a_plan_spends_the_budget_as_far_as_it_goes(
        height in 64..2200usize,
        width in 64..3900usize,
        slow in 1..800u64,
        fast in 0..1400u64,
        total_tokens in 1000..100_000u64,
    ) {
        let total = (total_tokens * 784) as f64;
        let budget = TokenBudget { total_pixels: total, ..TokenBudget::default() };
        let sizes = plan_sizes(height, width, slow as usize, fast as usize, &budget).unwrap();
        // The search ends at the first number of tokens that is over the budget, or 768.
        let tokens = (48..768).find(|tokens| cost(slow, fast, *tokens, 48) > total).unwrap_or(768);
        let expected = naive_smart_resize(height, width, 48.0 * 784.0, (tokens * 784) as f64);
        prop_assert_eq!((sizes.slow.height as u64, sizes.slow.width as u64), expected);
        let fast_tokens = (sizes.slow.pixels() as f64 / 28.0 / 28.0 * 0.3).trunc().max(48.0);
        let expected = naive_smart_resize(height, width, 48.0 * 784.0, fast_tokens * 784.0);
        prop_assert_eq!((sizes.fast.height as u64, sizes.fast.width as u64), expected);
    }
}

#[test]
fn sizes_of_known_videos() {
    let size = |height, width| Size { height, width };
    for (height, width, slow, fast, slow_size, fast_size) in [
        (360, 640, 2, 19, size(364, 644), size(196, 336)),
        (720, 1280, 49, 71, size(560, 1008), size(308, 532)),
        (272, 640, 21, 59, size(280, 644), size(140, 336)),
    ] {
        let sizes = plan_sizes(height, width, slow, fast, &TokenBudget::default()).unwrap();
        assert_eq!(
            (sizes.slow, sizes.fast),
            (slow_size, fast_size),
            "{height}x{width}"
        );
    }
}
