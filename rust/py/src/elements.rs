//! Outputs of any element type. NumPy has no bfloat16, so 16-bit types are passed as their bits.

use std::ops::Range;

use half::slice::HalfBitsSliceExt;
use keye_vl_core::{Element, bf16, f16};
use pyo3::prelude::*;

use crate::buffers::{borrow_output, expect_apart};
use crate::errors::{exception, quote};

/// A call that is complete but for its output.
pub(crate) trait Call {
    /// Write the result to `out`.
    fn run<T: Element>(&self, py: Python<'_>, out: &mut [T]) -> PyResult<()>;
}

/// Run `call` with the array `out` as its output, whose elements are of type `dtype`.
///
/// # Errors
/// Raises `InvalidArgumentError` if `dtype` is not a known name, if `out` is not an array for it, or if it
/// overlaps the addresses `read` of the argument `name`; and what the call raises.
pub(crate) fn run_into(
    py: Python<'_>,
    call: &impl Call,
    (read, name): (Range<usize>, &str),
    dtype: &str,
    out: &Bound<'_, PyAny>,
) -> PyResult<()> {
    match dtype {
        "float32" => {
            let mut out = borrow_output::<f32>(out)?;
            expect_apart(py, read, name, &out)?;
            call.run(py, out.as_slice_mut()?)
        }
        "bfloat16" | "float16" => {
            let mut out = borrow_output::<u16>(out)?;
            expect_apart(py, read, name, &out)?;
            let bits = out.as_slice_mut()?;
            if dtype == "float16" {
                call.run(py, bits.reinterpret_cast_mut::<f16>())
            } else {
                call.run(py, bits.reinterpret_cast_mut::<bf16>())
            }
        }
        _ => {
            let message = format!(
                "dtype is {}: expected \"float32\", \"bfloat16\" or \"float16\"",
                quote(dtype)
            );
            Err(exception(py, "InvalidArgumentError", message))
        }
    }
}
