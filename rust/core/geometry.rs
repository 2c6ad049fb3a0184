//! Sizes: what a frame is resized to, alone and under the token budget of a whole video.
//!
//! The rules are those of `smart_resize` and `fetch_video` in keye-vl-utils 1.5.2, computed in float64
//! as Python computes them.

use crate::error::{Error, Result};

/// Side of a patch in pixels.
pub const PATCH: usize = 14;
/// Patches on each side of what becomes one token.
pub const MERGE: usize = 2;
/// Side of a token in pixels.
pub const FACTOR: usize = PATCH * MERGE;
/// The fewest pixels that a video frame is given: 48 tokens.
pub const VIDEO_MIN_PIXELS: usize = 48 * FACTOR * FACTOR;
/// The most pixels that a video frame is given: 768 tokens.
const VIDEO_MAX_PIXELS: usize = 768 * FACTOR * FACTOR;
/// The most pixels that a whole video is given: 65536 tokens.
const VIDEO_TOTAL_PIXELS: usize = 65536 * FACTOR * FACTOR;
/// The most pixels at which two frames are compared: 256 tokens.
pub const SIMILARITY_MAX_PIXELS: usize = 256 * FACTOR * FACTOR;
/// Tokens of a fast frame for each token of a slow one.
const FAST_TOKEN_RATIO: f64 = 0.3;
/// The longest side over the shortest, at most.
pub const MAX_ASPECT_RATIO: f64 = 200.0;
/// Whole numbers up to here are exact in float64, in which sizes are computed.
const MAX_EXACT: f64 = (1u64 << 53) as f64;

/// Height and width in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Height in pixels.
    pub height: usize,
    /// Width in pixels.
    pub width: usize,
}

impl Size {
    /// Height times width.
    pub fn pixels(self) -> usize {
        self.height * self.width
    }

    /// This size, if both sides are positive multiples of `multiple` and its pixels can be counted.
    ///
    /// # Errors
    /// They are not; the error calls the size `name`.
    pub fn expect_multiple_of(self, multiple: usize, name: &'static str) -> Result<Self> {
        let Size { height, width } = self;
        let fits = |side: usize| side > 0 && side.is_multiple_of(multiple);
        if multiple == 0 {
            let expected = "at least 1";
            return Err(Error::Argument {
                name: "patch_size",
                value: "0".into(),
                expected,
            });
        }
        if fits(height) && fits(width) && height.checked_mul(width).is_some() {
            Ok(self)
        } else {
            Err(Error::Size {
                name,
                height,
                width,
                multiple,
            })
        }
    }
}

/// The size in multiples of `factor`, with `min_pixels <= height * width <= max_pixels` and nearly the
/// aspect ratio of the frame. Halves are rounded to even; neither side falls below `factor`.
///
/// # Errors
/// A side or `factor` is zero, a limit is no number, or the aspect ratio is over `max_aspect_ratio`.
pub fn smart_resize(
    height: usize,
    width: usize,
    factor: usize,
    min_pixels: f64,
    max_pixels: f64,
    max_aspect_ratio: f64,
) -> Result<Size> {
    if height == 0 || width == 0 {
        return Err(Error::Size {
            name: "frame size",
            height,
            width,
            multiple: 1,
        });
    }
    expect_factor(factor)?;
    expect_exact("min_pixels", min_pixels, 0.0)?;
    if max_aspect_ratio.is_nan() || max_aspect_ratio < 1.0 {
        let value = max_aspect_ratio.to_string();
        return Err(Error::Argument {
            name: "max_ratio",
            value,
            expected: "at least 1",
        });
    }
    if max_pixels != f64::INFINITY {
        expect_exact("max_pixels", max_pixels, f64::MIN_POSITIVE)?;
    }
    let (h, w, step) = (height as f64, width as f64, factor as f64);
    let ratio = h.max(w) / h.min(w);
    if ratio > max_aspect_ratio {
        return Err(Error::AspectRatio {
            height,
            width,
            ratio,
            limit: max_aspect_ratio,
        });
    }
    let round = |side: f64| step.max((side / step).round_ties_even() * step);
    let (mut new_h, mut new_w) = (round(h), round(w));
    if new_h * new_w > max_pixels {
        let shrink = (h * w / max_pixels).sqrt();
        (new_h, new_w) = (
            (h / shrink / step).floor() * step,
            (w / shrink / step).floor() * step,
        );
    } else if new_h * new_w < min_pixels {
        let grow = (min_pixels / (h * w)).sqrt();
        (new_h, new_w) = (
            (h * grow / step).ceil() * step,
            (w * grow / step).ceil() * step,
        );
    }
    let (new_h, new_w) = (new_h.max(step), new_w.max(step));
    expect_exact("height * width", new_h * new_w, f64::MIN_POSITIVE)?;
    Ok(Size {
        height: new_h as usize,
        width: new_w as usize,
    })
}

/// What a video may cost, and how it is shared out between slow and fast frames.
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
    /// The least that `min_pixels`, and the most pixels of a fast frame, can be.
    pub video_min_pixels: f64,
    /// Tokens of a fast frame for each token of a slow one.
    pub fast_token_ratio: f64,
    /// The longest side over the shortest, at most.
    pub max_aspect_ratio: f64,
}

impl Default for TokenBudget {
    /// The constants of keye-vl-utils 1.5.2.
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

/// The largest slow size, and the fast size that goes with it, at which the whole video fits the budget.
///
/// # Errors
/// As [`smart_resize`]; or a number of the budget is not positive and finite.
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
    // Pixels of the whole video when slow frames have `tokens` tokens; fast ones follow from that.
    let total_pixels = |tokens: f64| {
        let fast_tokens = (budget.fast_token_ratio * tokens).trunc().max(min_tokens);
        slow_frames as f64 * tokens * side * side + fast_frames as f64 * fast_tokens * side * side
    };
    let (mut low, mut high) = (min_pixels / side / side, budget.max_pixels / side / side);
    while low < high {
        let middle = ((low + high).trunc() / 2.0).floor();
        if middle >= high {
            // Numbers so large that their mean is rounded up: no closer bound can be told.
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

fn expect_factor(factor: usize) -> Result<()> {
    if (1..=1 << 20).contains(&factor) {
        Ok(())
    } else {
        Err(Error::Argument {
            name: "factor",
            value: factor.to_string(),
            expected: "a number of pixels from 1 to 1048576",
        })
    }
}

/// Checks `lowest <= value <= 2**53`; NaN is refused.
fn expect_exact(name: &'static str, value: f64, lowest: f64) -> Result<()> {
    if (lowest..=MAX_EXACT).contains(&value) {
        Ok(())
    } else {
        let expected = if lowest > 0.0 {
            "a positive number up to 2**53"
        } else {
            "a number from 0 to 2**53"
        };
        Err(Error::Argument {
            name,
            value: value.to_string(),
            expected,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_rounded_to_even() {
        let size = |height, width| smart_resize(height, width, 28, 1.0, 1e9, 200.0).unwrap();
        assert_eq!(
            size(42, 70),
            Size {
                height: 56,
                width: 56
            }
        );
        assert_eq!(
            size(98, 126),
            Size {
                height: 112,
                width: 112
            }
        );
    }

    #[test]
    fn impossible_numbers_are_refused() {
        for (height, width, factor, low, high) in [
            (0, 28, 28, 1.0, 1e6),
            (28, 28, 0, 1.0, 1e6),
            (28, 28, 28, f64::NAN, 1e6),
            (28, 28, 28, -1.0, 1e6),
            (28, 28, 28, 1.0, f64::NAN),
            (28, 28, 28, 1.0, 0.0),
            (28, 28, 28, 1e300, 1e301),
            (1, 201, 28, 1.0, 1e6),
            (usize::MAX, usize::MAX, 28, 1.0, f64::INFINITY),
        ] {
            let size = smart_resize(height, width, factor, low, high, 200.0);
            assert!(
                size.is_err(),
                "{height} {width} {factor} {low} {high}: {size:?}"
            );
        }
        assert!(smart_resize(1, 200, 28, 1.0, f64::INFINITY, 200.0).is_ok());
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
