//! The instruction sets and threads that calls use.

use keye_vl_core::Level;
use pyo3::prelude::*;

use crate::calls::{level, threads};

#[pyfunction]
pub(crate) fn simd_level(py: Python<'_>) -> PyResult<&'static str> {
    Ok(level(py)?.name().as_str())
}

#[pyfunction]
pub(crate) fn simd_levels() -> Vec<&'static str> {
    Level::all().map(|level| level.name().as_str()).collect()
}

#[pyfunction]
pub(crate) fn thread_count() -> usize {
    threads().count()
}
