//! NumPy arrays as the core's views, without copies. The only module here with `unsafe` code.
#![allow(unsafe_code, reason = "a NumPy array's memory as a slice")]

use std::slice;

use keye_vl_core::FramesView;
use numpy::{
    Element, PyArray1, PyArrayDyn, PyArrayMethods, PyReadonlyArray1, PyReadonlyArrayDyn,
    PyReadwriteArray1, PyUntypedArray, PyUntypedArrayMethods,
};
use pyo3::prelude::*;

use crate::errors::{exception, to_python};

const CHANNELS: usize = 3;

/// A uint8 array, held so that nothing in Rust writes to it meanwhile.
pub(crate) struct Frames<'py> {
    array: PyReadonlyArrayDyn<'py, u8>,
    name: &'static str,
}

impl<'py> Frames<'py> {
    /// # Errors
    /// `value` is not a NumPy array, or not of dtype uint8.
    pub(crate) fn extract(value: &Bound<'py, PyAny>, name: &'static str) -> PyResult<Self> {
        let py = value.py();
        let Ok(untyped) = value.cast::<PyUntypedArray>() else {
            let kind = value.get_type().name()?;
            let message = format!("{name} is of type {kind}: expected a NumPy array of uint8");
            return Err(exception(py, "FramesDtypeError", message));
        };
        let Ok(array) = value.cast::<PyArrayDyn<u8>>() else {
            let dtype = untyped.dtype();
            let message = format!("{name} has dtype {dtype}: expected uint8");
            return Err(exception(py, "FramesDtypeError", message));
        };
        let array = array.try_readonly().map_err(|error| {
            exception(
                py,
                "InvalidArgumentError",
                format!("{name} is being written to: {error}"),
            )
        })?;
        Ok(Self { array, name })
    }

    /// The array as frames: (N, H, W, 3) or (N, 3, H, W); without N where `single`, as one frame. A
    /// shape that could be read as either is channels-first.
    ///
    /// # Errors
    /// It has another shape.
    pub(crate) fn view(&self, py: Python<'py>, single: bool) -> PyResult<FramesView<'_>> {
        let (shape, strides) = (self.array.shape(), self.array.strides());
        let (frames, shape_of_one, strides_of_one) = match (single, shape, strides) {
            (true, _, _) => ((1, 0), shape, strides),
            (false, [count, rest @ ..], [step, inner @ ..]) => ((*count, *step), rest, inner),
            (false, _, _) => ((0, 0), shape, &strides[..0]),
        };
        let (sides, inner) = match (shape_of_one, strides_of_one) {
            (&[CHANNELS, height, width], &[channel, row, pixel]) => {
                ([height, width], [row, pixel, channel])
            }
            (&[height, width, CHANNELS], &[row, pixel, channel]) => {
                ([height, width], [row, pixel, channel])
            }
            _ => {
                let expected = if single {
                    "(H, W, 3) or (3, H, W)"
                } else {
                    "(N, H, W, 3) or (N, 3, H, W)"
                };
                let message = format!("{} has shape {shape:?}: expected {expected}", self.name);
                return Err(exception(py, "FramesShapeError", message));
            }
        };
        let shape = [frames.0, sides[0], sides[1]];
        let strides = [frames.1, inner[0], inner[1], inner[2]];
        let (bytes, offset) = self.bytes();
        FramesView::new(bytes, offset, shape, strides).map_err(|error| to_python(py, &error))
    }

    /// Checks that `out` shares no byte with the frames.
    ///
    /// # Errors
    /// It does. NumPy's arrays say so only where they come from the same array.
    pub(crate) fn expect_apart<T: Element>(
        &self,
        py: Python<'py>,
        out: &PyReadwriteArray1<'py, T>,
    ) -> PyResult<()> {
        let (below, length) = self.extent();
        let frames = self.array.data().addr() - below;
        let out = out.data().addr()..out.data().addr() + out.len() * size_of::<T>();
        if frames < out.end && out.start < frames + length {
            let message = format!("out overlaps {}: expected memory of its own", self.name);
            return Err(exception(py, "InvalidArgumentError", message));
        }
        Ok(())
    }

    /// How many bytes lie before the array's first element, and how many there are from its lowest to
    /// its highest.
    fn extent(&self) -> (usize, usize) {
        if self.array.is_empty() {
            return (0, 0);
        }
        let (mut below, mut above) = (0usize, 0usize);
        for (length, stride) in self.array.shape().iter().zip(self.array.strides()) {
            let reach = (length - 1) * stride.unsigned_abs();
            *(if *stride < 0 { &mut below } else { &mut above }) += reach;
        }
        (below, below + 1 + above)
    }

    /// The bytes between the array's lowest and highest element, and where its first element lies.
    fn bytes(&self) -> (&[u8], usize) {
        let (below, length) = self.extent();
        if length == 0 {
            return (&[], 0);
        }
        // SAFETY: NumPy promises that every element of an array that is not empty lies in one
        // allocation; these are the lowest and the highest of them, and elements are bytes, so
        // `length` bytes from the lowest on are readable and cannot wrap around. `array`
        // keeps the allocation alive, and `expect_apart` keeps `out` away from it. Another Python
        // thread that writes to the frames meanwhile does what no caller of a function that reads an
        // array may do; it would find its own pixels wrong, for bytes only ever index whole tables.
        let bytes =
            unsafe { slice::from_raw_parts(self.array.data().cast_const().sub(below), length) };
        (bytes, below)
    }
}

/// The bytes of a contiguous one-dimensional array, to be read.
///
/// # Errors
/// `value` is something else.
pub(crate) fn input<'py>(
    value: &Bound<'py, PyAny>,
    name: &str,
) -> PyResult<PyReadonlyArray1<'py, u8>> {
    let array = value.cast::<PyArray1<u8>>().ok();
    array
        .and_then(|array| array.try_readonly().ok())
        .filter(|array| array.as_slice().is_ok())
        .ok_or_else(|| {
            let message = format!("{name} is not a contiguous 1-D NumPy array of uint8");
            exception(value.py(), "InvalidArgumentError", message)
        })
}

/// The elements of a contiguous one-dimensional array of `T`, to be written.
///
/// # Errors
/// `out` is something else.
pub(crate) fn output<'py, T: Element>(
    out: &Bound<'py, PyAny>,
) -> PyResult<PyReadwriteArray1<'py, T>> {
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
