//! Resizing.

use keye_vl_core as core;
use numpy::{PyArray1, PyArray4, PyArrayMethods};
use pyo3::prelude::*;

use crate::arguments::{filter, size};
use crate::arrays::Frames;
use crate::calls::{compute, level, threads};
use crate::errors::to_python;

#[pyfunction]
#[pyo3(signature = (frames, height, width, *, kernel = "bilinear"))]
pub(crate) fn resize<'py>(
    py: Python<'py>,
    frames: &Bound<'py, PyAny>,
    height: i64,
    width: i64,
    kernel: &str,
) -> PyResult<Bound<'py, PyArray4<u8>>> {
    let frames = Frames::extract(frames, "frames")?;
    let view = frames.view(py, false)?;
    let (size, filter) = size("size", (height, width))
        .and_then(|size| Ok((size.expect_multiple_of(1, "size")?, filter(kernel)?)))
        .map_err(|error| to_python(py, &error))?;
    let (level, threads) = (level(py)?, threads());
    let resized = compute(py, || core::resize(&view, size, filter, level, &threads))?;
    PyArray1::from_vec(py, resized).reshape([view.len(), size.height, size.width, 3])
}
