//! Sizes of frames.

use keye_vl_core::{self as core, Size, TokenBudget};
use pyo3::prelude::*;

use crate::arguments::size;
use crate::errors::to_python;

#[pyfunction]
#[pyo3(signature = (height, width, factor, min_pixels, max_pixels, max_ratio = 200.0))]
pub(crate) fn smart_resize(
    py: Python<'_>,
    height: i64,
    width: i64,
    factor: usize,
    min_pixels: f64,
    max_pixels: f64,
    max_ratio: f64,
) -> PyResult<(usize, usize)> {
    size("frame size", (height, width))
        .and_then(|s| {
            core::smart_resize(s.height, s.width, factor, min_pixels, max_pixels, max_ratio)
        })
        .map(sides)
        .map_err(|error| to_python(py, &error))
}

#[pyfunction]
#[pyo3(signature = (
    height, width, slow_frames, fast_frames, *, factor, min_pixels, max_pixels, total_pixels,
    video_min_pixels, fast_token_ratio, max_ratio = 200.0,
))]
#[allow(clippy::too_many_arguments, reason = "keyword arguments in Python")]
pub(crate) fn plan_sizes(
    py: Python<'_>,
    height: i64,
    width: i64,
    slow_frames: usize,
    fast_frames: usize,
    factor: usize,
    min_pixels: f64,
    max_pixels: f64,
    total_pixels: f64,
    video_min_pixels: f64,
    fast_token_ratio: f64,
    max_ratio: f64,
) -> PyResult<((usize, usize), (usize, usize))> {
    let budget = TokenBudget {
        factor,
        min_pixels,
        max_pixels,
        total_pixels,
        video_min_pixels,
        fast_token_ratio,
        max_aspect_ratio: max_ratio,
    };
    size("frame size", (height, width))
        .and_then(|s| core::plan_sizes(s.height, s.width, slow_frames, fast_frames, &budget))
        .map(|planned| (sides(planned.slow), sides(planned.fast)))
        .map_err(|error| to_python(py, &error))
}

/// Convert to what Python gets.
fn sides(size: Size) -> (usize, usize) {
    (size.height, size.width)
}
