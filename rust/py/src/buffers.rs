//! One-dimensional NumPy arrays: bytes to read, and buffers for results.

use std::ops::Range;

use numpy::{
    Element, PyArray1, PyArrayMethods, PyReadonlyArray1, PyReadwriteArray1, PyUntypedArrayMethods,
};
use pyo3::prelude::*;

use crate::calls::load_numpy;
use crate::errors::exception;

/// Borrow a contiguous one-dimensional array of bytes for reading.
///
/// # Errors
/// Raises `InvalidArgumentError` if `value` is anything else.
pub(crate) fn borrow_input<'py>(
    value: &Bound<'py, PyAny>,
    name: &str,
) -> PyResult<PyReadonlyArray1<'py, u8>> {
    load_numpy(value.py())?;
    let array = value.cast::<PyArray1<u8>>().ok();
    array
        .and_then(|array| array.try_readonly().ok())
        .filter(|array| array.as_slice().is_ok())
        .ok_or_else(|| {
            let message = format!("{name} is not a contiguous 1-D NumPy array of uint8");
            exception(value.py(), "InvalidArgumentError", message)
        })
}

/// Borrow a contiguous one-dimensional array of `T` for writing.
///
/// # Errors
/// Raises `InvalidArgumentError` if `out` is anything else, read-only, or borrowed.
pub(crate) fn borrow_output<'py, T: Element>(
    out: &Bound<'py, PyAny>,
) -> PyResult<PyReadwriteArray1<'py, T>> {
    load_numpy(out.py())?;
    let wrong = |what: String| {
        let expected = format!(
            "expected a writable contiguous 1-D array of {}",
            T::get_dtype(out.py())
        );
        exception(
            out.py(),
            "InvalidArgumentError",
            format!("out {what}: {expected}"),
        )
    };
    let array = out
        .cast::<PyArray1<T>>()
        .map_err(|_| wrong("has another type".into()))?;
    let array = array
        .try_readwrite()
        .map_err(|error| wrong(format!("is in use ({error})")))?;
    if array.as_slice().is_ok() {
        Ok(array)
    } else {
        Err(wrong("is not contiguous, or not aligned".into()))
    }
}

/// Check that `out` does not overlap the addresses `read`, which belong to the argument `name`. Borrowing
/// finds overlaps only of arrays with the same base.
///
/// # Errors
/// Raises `InvalidArgumentError` if they overlap.
pub(crate) fn expect_apart<'py, T: Element>(
    py: Python<'py>,
    read: Range<usize>,
    name: &str,
    out: &PyReadwriteArray1<'py, T>,
) -> PyResult<()> {
    let out = out.data().addr()..out.data().addr() + out.len() * size_of::<T>();
    if read.start < out.end && out.start < read.end {
        let message = format!("out overlaps {name}: expected memory of its own");
        return Err(exception(py, "InvalidArgumentError", message));
    }
    Ok(())
}
