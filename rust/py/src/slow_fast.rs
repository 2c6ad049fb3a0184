//! Slow and fast frames, at once and frame by frame.

use keye_vl_core::{self as core, Comparison, Error};
use numpy::{PyArray1, PyArray4, PyArrayMethods};
use pyo3::prelude::*;

use crate::arguments::size;
use crate::arrays::Frames;
use crate::calls::{compute, level, threads};
use crate::errors::exception;

#[pyfunction]
pub(crate) fn hsv_from_rgb<'py>(
    py: Python<'py>,
    frames: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyArray4<u8>>> {
    let frames = Frames::extract(frames, "frames")?;
    let view = frames.view(py, false)?;
    let level = level(py)?;
    let hsv = compute(py, || core::hsv_from_rgb(&view, level))?;
    PyArray1::from_vec(py, hsv).reshape([view.len(), view.height(), view.width(), 3])
}

#[pyfunction]
#[pyo3(signature = (a, b, *, patch_size, patch_similarity))]
pub(crate) fn frame_similarity(
    py: Python<'_>,
    a: &Bound<'_, PyAny>,
    b: &Bound<'_, PyAny>,
    patch_size: usize,
    patch_similarity: f64,
) -> PyResult<f64> {
    let (a, b) = (Frames::extract(a, "frame1")?, Frames::extract(b, "frame2")?);
    let (a, b) = (a.view(py, true)?, b.view(py, true)?);
    let level = level(py)?;
    compute(py, || {
        core::frame_similarity(&a, &b, patch_size, patch_similarity, level)
    })
}

#[pyfunction]
#[pyo3(signature = (
    frames, height, width, *, patch_size, patch_similarity, min_frame_similarity,
))]
pub(crate) fn slow_fast<'py>(
    py: Python<'py>,
    frames: &Bound<'py, PyAny>,
    height: i64,
    width: i64,
    patch_size: usize,
    patch_similarity: f64,
    min_frame_similarity: f64,
) -> PyResult<Bound<'py, PyArray1<i32>>> {
    let frames = Frames::extract(frames, "frames")?;
    let view = frames.view(py, false)?;
    let comparison = Comparison {
        patch: patch_size,
        patch_similarity,
        min_frame_similarity,
    };
    let (level, threads) = (level(py)?, threads());
    let types = compute(py, || {
        let size = size("frame size for comparison", (height, width))?;
        let types = core::slow_fast(&view, size, &comparison, level, &threads)?;
        let mut numbers = Vec::new();
        let room = numbers.try_reserve_exact(types.len());
        room.map_err(|_| Error::Memory {
            bytes: types.len().saturating_mul(size_of::<i32>()),
        })?;
        numbers.extend(types.into_iter().map(|kind| kind as i32));
        Ok(numbers)
    })?;
    Ok(PyArray1::from_vec(py, types))
}

#[pyclass(module = "keye_vl_rs._core")]
pub(crate) struct SlowFastSplitter(core::SlowFastSplitter);

#[pymethods]
impl SlowFastSplitter {
    #[new]
    #[pyo3(signature = (
        frame_height, frame_width, height, width, *, patch_size, patch_similarity,
        min_frame_similarity,
    ))]
    #[allow(clippy::too_many_arguments, reason = "keyword arguments in Python")]
    fn new(
        py: Python<'_>,
        frame_height: i64,
        frame_width: i64,
        height: i64,
        width: i64,
        patch_size: usize,
        patch_similarity: f64,
        min_frame_similarity: f64,
    ) -> PyResult<Self> {
        let comparison = Comparison {
            patch: patch_size,
            patch_similarity,
            min_frame_similarity,
        };
        let level = level(py)?;
        let splitter = compute(py, || {
            let from = size("frame size", (frame_height, frame_width))?;
            let size = size("frame size for comparison", (height, width))?;
            core::SlowFastSplitter::new(from, size, &comparison, level)
        })?;
        Ok(Self(splitter))
    }

    fn push(slf: &Bound<'_, Self>, frame: &Bound<'_, PyAny>) -> PyResult<i32> {
        let py = slf.py();
        let Ok(mut this) = slf.try_borrow_mut() else {
            let message =
                "the SlowFastSplitter is in use in another thread: push frames one at a time";
            return Err(exception(py, "KeyeVLError", message.into()));
        };
        let frame = Frames::extract(frame, "frame")?;
        let view = frame.view(py, true)?;
        let splitter = &mut this.0;
        Ok(compute(py, || splitter.push(&view))? as i32)
    }
}
