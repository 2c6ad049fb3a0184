//! Results in any type of element: NumPy has no bfloat16, so 16-bit types go through as their bits.

use std::ops::Range;

use half::slice::HalfBitsSliceExt;
use keye_vl_core::{Element, bf16, f16};
use pyo3::prelude::*;

use crate::buffers::{expect_apart, output};
use crate::errors::{exception, quoted};

/// A call that is complete but for where its result goes.
pub(crate) trait Call {
    /// Writes the result.
    fn run<T: Element>(&self, py: Python<'_>, out: &mut [T]) -> PyResult<()>;
}

/// Runs `call` into the array `out`, whose elements are what `dtype` names.
///
/// # Errors
/// `dtype` is no such name; `out` is no array for it, or shares a byte with `read`, the addresses that
/// the call reads from its argument `name`; or the call fails.
pub(crate) fn run_into(
    py: Python<'_>,
    call: &impl Call,
    (read, name): (Range<usize>, &str),
    dtype: &str,
    out: &Bound<'_, PyAny>,
) -> PyResult<()> {
    match dtype {
        "float32" => {
            let mut out = output::<f32>(out)?;
            expect_apart(py, read, name, &out)?;
            call.run(py, out.as_slice_mut()?)
        }
        "bfloat16" | "float16" => {
            let mut out = output::<u16>(out)?;
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
                quoted(dtype)
            );
            Err(exception(py, "InvalidArgumentError", message))
        }
    }
}
