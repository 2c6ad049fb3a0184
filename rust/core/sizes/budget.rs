//! The sizes of all frames of a video, under its token budget.

use super::checks::{expect_exact, expect_factor};
use super::{
    FACTOR, FAST_TOKEN_RATIO, MAX_ASPECT_RATIO, VIDEO_MAX_PIXELS, VIDEO_MIN_PIXELS,
    VIDEO_TOTAL_PIXELS, smart_resize,
};
use crate::error::Result;
use crate::types::Size;

/// The token budget of a video, and how slow and fast frames share it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TokenBudget {
    /// Side of a token in pixels.
    pub factor: usize,
    /// The fewest pixels of a frame; raised to `video_min_pixels` where it is lower.
    pub min_pixels: f64,
    /// The most pixels of a slow frame.
    pub max_pixels: f64,
    /// The most pixels of the whole video.
    pub total_pixels: f64,
    /// Lower bound of `min_pixels`, and of the most pixels of a fast frame.
    pub video_min_pixels: f64,
    /// Tokens of a fast frame for each token of a slow one.
    pub fast_token_ratio: f64,
    /// The largest ratio of the longer side to the shorter one.
    pub max_aspect_ratio: f64,
}

impl Default for TokenBudget {
    /// Return the constants of keye-vl-utils 1.5.2.
    fn default() -> Self {
        Self {
            factor: FACTOR,
            min_pixels: VIDEO_MIN_PIXELS as f64,
            max_pixels: VIDEO_MAX_PIXELS as f64,
            total_pixels: VIDEO_TOTAL_PIXELS as f64,
            video_min_pixels: VIDEO_MIN_PIXELS as f64,
            fast_token_ratio: FAST_TOKEN_RATIO,
            max_aspect_ratio: MAX_ASPECT_RATIO,
        }
    }
}

/// The sizes of a video's frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameSizes {
    /// Of slow frames (key frames).
    pub slow: Size,
    /// Of fast frames.
    pub fast: Size,
}

/// Find the largest slow size, and the fast size that follows from it, at which the whole video fits
/// the budget.
///
/// This is the search of `fetch_video` in keye-vl-utils 1.5.2.
///
/// # Errors
/// As [`smart_resize`]; or [`Error::Argument`](crate::Error::Argument) if a number of the budget is not
/// positive or over 2**53.
pub fn plan_sizes(
    height: usize,
    width: usize,
    slow_frames: usize,
    fast_frames: usize,
    budget: &TokenBudget,
) -> Result<FrameSizes> {
    expect_factor(budget.factor)?;
    expect_exact("min_pixels", budget.min_pixels, 0.0)?;
    for (name, value) in [
        ("max_pixels", budget.max_pixels),
        ("video_total_pixels", budget.total_pixels),
        ("video_min_pixels", budget.video_min_pixels),
        ("fast_token_ratio", budget.fast_token_ratio),
    ] {
        expect_exact(name, value, f64::MIN_POSITIVE)?;
    }
    let side = budget.factor as f64;
    let min_pixels = budget.min_pixels.trunc().max(budget.video_min_pixels);
    let min_tokens = (min_pixels / side / side).trunc();
    // Pixels of the whole video if each slow frame has `tokens` tokens.
    let total_pixels = |tokens: f64| {
        let fast_tokens = (budget.fast_token_ratio * tokens).trunc().max(min_tokens);
        slow_frames as f64 * tokens * side * side + fast_frames as f64 * fast_tokens * side * side
    };
    let (mut low, mut high) = (min_pixels / side / side, budget.max_pixels / side / side);
    while low < high {
        let middle = ((low + high).trunc() / 2.0).floor();
        if middle >= high {
            // The numbers are so large that their mean was rounded up: there is none between them.
            break;
        }
        if total_pixels(middle) > budget.total_pixels {
            high = middle;
        } else {
            low = middle + 1.0;
        }
    }
    let fit = |max_pixels| {
        smart_resize(
            height,
            width,
            budget.factor,
            min_pixels,
            max_pixels,
            budget.max_aspect_ratio,
        )
    };
    let slow = fit(low * side * side)?;
    let slow_tokens = slow.pixels() as f64 / side / side;
    let fast_max = ((slow_tokens * budget.fast_token_ratio).trunc() * side * side)
        .max(budget.video_min_pixels);
    let fast = fit(fast_max)?;
    Ok(FrameSizes { slow, fast })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sizes::checks::MAX_EXACT;

    #[test]
    fn impossible_budgets_are_refused() {
        for total_pixels in [f64::NAN, 0.0, -1.0, f64::INFINITY, 1e300] {
            let budget = TokenBudget {
                total_pixels,
                ..TokenBudget::default()
            };
            let error = plan_sizes(720, 1280, 2, 3, &budget)
                .unwrap_err()
                .to_string();
            assert!(error.starts_with("video_total_pixels is "), "{error}");
        }
    }

    #[test]
    fn the_search_ends_for_the_largest_numbers() {
        let budget = TokenBudget {
            factor: 1,
            min_pixels: 4.0,
            max_pixels: MAX_EXACT,
            total_pixels: MAX_EXACT - 1.0,
            video_min_pixels: 1.0,
            ..TokenBudget::default()
        };
        assert!(plan_sizes(720, 1280, 1, 0, &budget).is_ok());
    }

    #[test]
    fn a_budget_too_small_for_the_video_gives_the_smallest_frames() {
        let budget = TokenBudget {
            total_pixels: 1.0,
            ..TokenBudget::default()
        };
        let sizes = plan_sizes(720, 1280, 500, 865, &budget).unwrap();
        assert_eq!(sizes.slow, sizes.fast);
        assert!(sizes.slow.pixels() <= VIDEO_MIN_PIXELS);
    }
}
