//! NumPy arrays and Pillow's images as the core's views, without copies. The only module here with
//! `unsafe` code.
#![allow(unsafe_code, reason = "memory that Python objects hold as a slice")]

use std::ffi::{CStr, c_char, c_void};
use std::ops::Range;
use std::slice;

use keye_vl_core::FramesView;
use numpy::{
    Element, PyArray1, PyArrayDyn, PyArrayMethods, PyReadonlyArray1, PyReadonlyArrayDyn,
    PyReadwriteArray1, PyUntypedArray, PyUntypedArrayMethods,
};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::errors::{exception, to_python};

const CHANNELS: usize = 3;
/// Bytes of a pixel in an image of Pillow's: R, G, B and one that is not used.
const PADDED: usize = 4;

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

    /// The addresses of the frames, and the name of the argument that they are.
    pub(crate) fn reads(&self) -> (Range<usize>, &str) {
        let (below, length) = self.extent();
        let start = self.array.data().addr() - below;
        (start..start + length, self.name)
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

/// Checks that `out` shares no byte with the addresses that are read.
///
/// # Errors
/// It does. NumPy's arrays say so only where they come from the same array.
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

/// The C data interface of Apache Arrow, as far as it is looked at: what an array is made of.
#[repr(C)]
struct ArrowSchema {
    format: *const c_char,
    _name: *const c_char,
    _metadata: *const c_char,
    _flags: i64,
    n_children: i64,
    children: *const *const ArrowSchema,
}

/// And where it lies.
#[repr(C)]
struct ArrowArray {
    length: i64,
    _null_count: i64,
    offset: i64,
    n_buffers: i64,
    n_children: i64,
    buffers: *const *const c_void,
    children: *const *const ArrowArray,
}

/// An image of Pillow's in mode RGB, held so that its memory stays.
pub(crate) struct PaddedImage<'py> {
    _array: Bound<'py, PyCapsule>,
    bytes: *const u8,
    length: usize,
    size: [usize; 2],
}

impl<'py> PaddedImage<'py> {
    /// The pixels, (height, width) of them, where they lie: `shown` is what the image's
    /// `__arrow_c_array__()` returns.
    ///
    /// # Errors
    /// `shown` is something else, or not four bytes a pixel: the image has another mode or size.
    pub(crate) fn extract(shown: &Bound<'py, PyAny>, size: [usize; 2]) -> PyResult<Self> {
        let (schema, array) = shown.extract::<(Bound<'py, PyCapsule>, Bound<'py, PyCapsule>)>()?;
        let schema = schema.pointer_checked(Some(c"arrow_schema"))?;
        let pointer = array.pointer_checked(Some(c"arrow_array"))?;
        // SAFETY: capsules of these names hold these structures, which live as long as they do, and
        // whose pointers are valid for as many children and buffers as they say.
        let found = unsafe {
            let (schema, array) = (
                schema.cast::<ArrowSchema>().as_ref(),
                pointer.cast::<ArrowArray>().as_ref(),
            );
            pixels_of(schema, array)
        };
        let length = size[0].saturating_mul(size[1]).saturating_mul(PADDED);
        match found {
            Some((bytes, held)) if held == length && !bytes.is_null() => Ok(Self {
                _array: array,
                bytes,
                length,
                size,
            }),
            _ => {
                let message = format!(
                    "rows are not an RGB image of {}x{} (height x width)",
                    size[0], size[1]
                );
                Err(exception(shown.py(), "FramesShapeError", message))
            }
        }
    }

    /// The addresses of the image, and the name of the argument that it is.
    pub(crate) fn reads(&self) -> (Range<usize>, &str) {
        let start = self.bytes.addr();
        (start..start + self.length, "rows")
    }

    /// The image as one frame.
    ///
    /// # Errors
    /// It has no pixels.
    pub(crate) fn view(&self, py: Python<'py>) -> PyResult<FramesView<'_>> {
        // SAFETY: the array, which is not released while `_array` lives, has `length` bytes there, and
        // they are not written to: an image of Pillow's is exported to be read.
        let bytes = unsafe { slice::from_raw_parts(self.bytes, self.length) };
        let [height, width] = self.size;
        let row = (width * PADDED) as isize;
        let strides = [row * height as isize, row, PADDED as isize, 1];
        FramesView::new(bytes, 0, [1, height, width], strides)
            .map_err(|error| to_python(py, &error))
    }
}

/// Where an array of pixels, each four bytes, begins, and how many bytes it has; None for another array.
///
/// # Safety
/// Both structures are valid, and describe the same array.
unsafe fn pixels_of(schema: &ArrowSchema, array: &ArrowArray) -> Option<(*const u8, usize)> {
    if schema.n_children != 1 || array.n_children != 1 || array.offset != 0 {
        return None;
    }
    // SAFETY: there is one child of each, as was just seen.
    let (value_schema, values) = unsafe { (&**schema.children, &**array.children) };
    // SAFETY: formats are strings that end in a zero.
    let formats = unsafe {
        (
            CStr::from_ptr(schema.format),
            CStr::from_ptr(value_schema.format),
        )
    };
    let four_bytes = formats == (c"+w:4", c"C");
    let counts = array.length.checked_mul(PADDED as i64) == Some(values.length);
    if !four_bytes || !counts || values.n_buffers != 2 || values.offset != 0 {
        return None;
    }
    // SAFETY: there are two buffers, as was just seen: which values are missing, and the values.
    let bytes = unsafe { *values.buffers.add(1) };
    Some((bytes.cast(), usize::try_from(values.length).ok()?))
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
