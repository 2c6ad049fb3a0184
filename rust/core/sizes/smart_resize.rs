//! The size of one frame.

use super::checks::{expect_exact, expect_factor};
use crate::error::{Error, Result};
use crate::types::Size;

/// Return the size in multiples of `factor`, with `min_pixels <= height * width <= max_pixels`, and
/// nearly the aspect ratio of the frame. Halves are rounded to even; neither side is less than
/// `factor`.
///
/// This is `smart_resize` of keye-vl-utils 1.5.2.
///
/// # Errors
/// Returns [`Error::Size`] if a side is zero, [`Error::Argument`] if `factor` is zero or a limit is not a
/// number in range, [`Error::AspectRatio`] if the aspect ratio is over `max_aspect_ratio`.
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
    }
}
