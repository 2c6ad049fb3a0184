//! The comparison of any two frames, patch by patch.

use keye_vl_core as core;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::arguments::size;
use crate::arrays::Frames;
use crate::calls::{compute, level};

#[pyclass(module = "keye_vl_rs._core", frozen)]
pub(crate) struct ComparableFrame(core::ComparableFrame);

#[pyclass(module = "keye_vl_rs._core", frozen)]
pub(crate) struct FrameComparer(core::FrameComparer);

#[pymethods]
impl FrameComparer {
    #[new]
    #[pyo3(signature = (
        frame_height, frame_width, height, width, *, patch_size, patch_similarity,
    ))]
    fn new(
        py: Python<'_>,
        frame_height: i64,
        frame_width: i64,
        height: i64,
        width: i64,
        patch_size: usize,
        patch_similarity: f64,
    ) -> PyResult<Self> {
        let level = level(py)?;
        let comparer = compute(py, || {
            let from = size("frame size", (frame_height, frame_width))?;
            let size = size("frame size for comparison", (height, width))?;
            core::FrameComparer::new(from, size, patch_size, patch_similarity, level)
        })?;
        Ok(Self(comparer))
    }

    fn prepare(&self, py: Python<'_>, frame: &Bound<'_, PyAny>) -> PyResult<ComparableFrame> {
        let frame = Frames::extract(frame, "frame")?;
        let view = frame.view(py, true)?;
        Ok(ComparableFrame(compute(py, || self.0.prepare(&view))?))
    }

    fn compare<'py>(
        &self,
        py: Python<'py>,
        earlier: &Bound<'py, ComparableFrame>,
        later: &Bound<'py, ComparableFrame>,
    ) -> PyResult<(f64, Bound<'py, PyBytes>)> {
        let (earlier, later) = (&earlier.get().0, &later.get().0);
        let changes = compute(py, || self.0.compare(earlier, later))?;
        let bytes = PyBytes::new_with(py, changes.patches.len(), |out| {
            for (byte, change) in out.iter_mut().zip(&changes.patches) {
                *byte = *change as u8;
            }
            Ok(())
        })?;
        Ok((changes.similarity, bytes))
    }
}
