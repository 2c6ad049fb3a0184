//! Slow or fast, for frames that come one after the other.

use keye_vl_core::{self as core, Comparison};
use pyo3::prelude::*;

use crate::arrays::Frames;
use crate::calls::{compute, level};
use crate::errors::exception;
use crate::functions::size;

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
            let message = "the SlowFastSplitter is at work in another thread: push frames in order";
            return Err(exception(py, "KeyeVLError", message.into()));
        };
        let frame = Frames::extract(frame, "frame")?;
        let view = frame.view(py, true)?;
        let splitter = &mut this.0;
        Ok(compute(py, || splitter.push(&view))? as i32)
    }
}
