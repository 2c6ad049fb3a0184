//! NumPy arrays and Pillow images as views of the core, without copies. The only module here with `unsafe`
//! code.
#![allow(unsafe_code, reason = "slices of memory that Python objects own")]

use std::ffi::{CStr, c_char, c_void};
use std::ops::Range;
use std::slice;

use keye_vl_core::FramesView;
use numpy::{
    PyArrayDyn, PyArrayMethods, PyReadonlyArrayDyn, PyUntypedArray, PyUntypedArrayMethods,
};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::calls::load_numpy;
use crate::errors::{exception, shorten, to_python};

const CHANNELS: usize = 3;
/// Bytes of a pixel in an RGB image of Pillow: R, G, B and one that is unused.
const PADDED: usize = 4;

/// A uint8 array, borrowed so that no other call from Rust writes to it.
pub(crate) struct Frames<'py> {
    array: PyReadonlyArrayDyn<'py, u8>,
    name: &'static str,
}

impl<'py> Frames<'py> {
    /// Borrow the array `value`, which is the argument `name`.
    ///
    /// # Errors
    /// Raises `FramesDtypeError` if it is not a NumPy array of uint8, `InvalidArgumentError` if it is being
    /// written to.
    pub(crate) fn extract(value: &Bound<'py, PyAny>, name: &'static str) -> PyResult<Self> {
        let py = value.py();
        load_numpy(py)?;
        let Ok(untyped) = value.cast::<PyUntypedArray>() else {
            let kind = shorten(value.get_type().name()?.as_any())?;
            let message = format!("{name} is of type {kind}: expected a NumPy array of uint8");
            return Err(exception(py, "FramesDtypeError", message));
        };
        let Ok(array) = value.cast::<PyArrayDyn<u8>>() else {
            let dtype = shorten(untyped.dtype().as_any())?;
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

    /// View the array as frames (N, H, W, 3) or (N, 3, H, W), or, if `single`, as one frame without N. A
    /// shape that fits both is channels-first.
    ///
    /// # Errors
    /// Raises `FramesShapeError` if it has another shape.
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

    /// Return the addresses that the frames occupy, and the name of their argument.
    pub(crate) fn addresses(&self) -> (Range<usize>, &str) {
        let (below, length) = self.extent();
        let start = self.array.data().addr() - below;
        (start..start + length, self.name)
    }

    /// Return how many bytes of the array lie below its first element, and how many it spans from the
    /// lowest to the highest element.
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

    /// Return the bytes from the lowest to the highest element, and the index of the first element.
    fn bytes(&self) -> (&[u8], usize) {
        let (below, length) = self.extent();
        if length == 0 {
            return (&[], 0);
        }
        // SAFETY: NumPy guarantees that all elements of an array that is not empty lie in one allocation.
        // These are the lowest and the highest of them, and elements are bytes, so `length` bytes from the
        // lowest on are readable and do not wrap around. `array` keeps the allocation alive, and
        // `expect_apart` makes sure that `out` is elsewhere. A Python thread that writes to the frames
        // meanwhile breaks the contract of every function that reads an array; it gets wrong pixels and
        // nothing worse, because bytes only ever index whole tables.
        let bytes =
            unsafe { slice::from_raw_parts(self.array.data().cast_const().sub(below), length) };
        (bytes, below)
    }
}

/// The function that releases a structure; None after it was called, or after the structure was moved.
type Release<T> = Option<unsafe extern "C" fn(*mut T)>;

/// The type of an array, in the C data interface of Apache Arrow.
#[repr(C)]
struct ArrowSchema {
    format: *const c_char,
    _name: *const c_char,
    _metadata: *const c_char,
    _flags: i64,
    n_children: i64,
    children: *const *const ArrowSchema,
    dictionary: *const ArrowSchema,
    release: Release<ArrowSchema>,
    _private_data: *const c_void,
}

/// The memory of an array, in the same interface.
#[repr(C)]
struct ArrowArray {
    length: i64,
    null_count: i64,
    offset: i64,
    n_buffers: i64,
    n_children: i64,
    buffers: *const *const c_void,
    children: *const *const ArrowArray,
    dictionary: *const ArrowArray,
    release: Release<ArrowArray>,
    _private_data: *const c_void,
}

/// Why an array is refused.
enum Refused {
    Released,
    NotPixels,
}

/// An image of Pillow in mode RGB, held so that its memory stays alive.
pub(crate) struct PaddedImage<'py> {
    _array: Bound<'py, PyCapsule>,
    bytes: *const u8,
    length: usize,
    size: [usize; 2],
}

impl<'py> PaddedImage<'py> {
    /// Borrow the pixels of an image of `size` (height, width). `exported` is what its `__arrow_c_array__()`
    /// returned.
    ///
    /// # Errors
    /// Raises `FramesShapeError` if the image has another mode or size, or was released, `TypeError` if
    /// `exported` is anything else.
    pub(crate) fn extract(exported: &Bound<'py, PyAny>, size: [usize; 2]) -> PyResult<Self> {
        let (schema, array) =
            exported.extract::<(Bound<'py, PyCapsule>, Bound<'py, PyCapsule>)>()?;
        let schema = schema.pointer_checked(Some(c"arrow_schema"))?;
        let pointer = array.pointer_checked(Some(c"arrow_array"))?;
        let (schema, pointer) = (schema.cast::<ArrowSchema>(), pointer.cast::<ArrowArray>());
        let found = if schema.is_aligned() && pointer.is_aligned() {
            // SAFETY: capsules of these names hold these structures, which live as long as the capsules.
            // Until they are released, their pointers are valid for as many children and buffers as they
            // say.
            unsafe { pixels_of(schema.as_ref(), pointer.as_ref()) }
        } else {
            Err(Refused::NotPixels)
        };
        let length = size[0].saturating_mul(size[1]).saturating_mul(PADDED);
        let message = match found {
            Ok((bytes, held)) if held == length => {
                return Ok(Self {
                    _array: array,
                    bytes,
                    length,
                    size,
                });
            }
            Err(Refused::Released) => {
                "rows are an Arrow array that was released or moved: expected a \
                                       new one from __arrow_c_array__()"
                    .to_owned()
            }
            Ok(_) | Err(Refused::NotPixels) => format!(
                "rows are not an RGB image of {}x{} (height x width)",
                size[0], size[1]
            ),
        };
        Err(exception(exported.py(), "FramesShapeError", message))
    }

    /// Return the addresses that the image occupies, and the name of its argument.
    pub(crate) fn addresses(&self) -> (Range<usize>, &str) {
        let start = self.bytes.addr();
        (start..start + self.length, "rows")
    }

    /// View the image as one frame.
    ///
    /// # Errors
    /// Raises `FramesShapeError` if it has no pixels.
    pub(crate) fn view(&self, py: Python<'py>) -> PyResult<FramesView<'_>> {
        // SAFETY: the array had not been released, has `length` bytes there, and stays alive with `_array`,
        // unless another consumer moves it out of the capsule, which the interface allows one consumer to
        // do. Nothing writes to them: Pillow exports images for reading.
        let bytes = unsafe { slice::from_raw_parts(self.bytes, self.length) };
        let [height, width] = self.size;
        let row = (width * PADDED) as isize;
        let strides = [row * height as isize, row, PADDED as isize, 1];
        FramesView::new(bytes, 0, [1, height, width], strides)
            .map_err(|error| to_python(py, &error))
    }
}

/// Return where an array of four-byte pixels begins, and how many bytes it has.
///
/// # Safety
/// Both structures describe the same array, and are valid unless they say that they were released.
unsafe fn pixels_of(
    schema: &ArrowSchema,
    array: &ArrowArray,
) -> Result<(*const u8, usize), Refused> {
    // Checked first: what a released structure points to no longer exists.
    if schema.release.is_none() || array.release.is_none() {
        return Err(Refused::Released);
    }
    let one_child = schema.n_children == 1 && array.n_children == 1;
    if !one_child || schema.children.is_null() || array.children.is_null() {
        return Err(Refused::NotPixels);
    }
    // SAFETY: there is one child of each, as was just checked, and children are valid.
    let children = unsafe { ((*schema.children).as_ref(), (*array.children).as_ref()) };
    let (Some(value_schema), Some(values)) = children else {
        return Err(Refused::NotPixels);
    };
    if value_schema.release.is_none() || values.release.is_none() {
        return Err(Refused::Released);
    }
    if schema.format.is_null() || value_schema.format.is_null() {
        return Err(Refused::NotPixels);
    }
    // SAFETY: formats that are not null are strings that end in a zero.
    let formats = unsafe {
        (
            CStr::from_ptr(schema.format),
            CStr::from_ptr(value_schema.format),
        )
    };
    let is_plain = formats == (c"+w:4", c"C")
        && (schema.dictionary.is_null() && value_schema.dictionary.is_null())
        && (array.dictionary.is_null() && values.dictionary.is_null())
        && (value_schema.n_children, values.n_children) == (0, 0)
        && (array.offset, values.offset) == (0, 0)
        && (array.n_buffers, values.n_buffers) == (1, 2)
        && (array.null_count <= 0 && values.null_count <= 0)
        && array.length.checked_mul(PADDED as i64) == Some(values.length);
    if !is_plain || array.buffers.is_null() || values.buffers.is_null() {
        return Err(Refused::NotPixels);
    }
    // SAFETY: there are that many buffers, as was just checked: the validity of pixels, the validity of
    // values, and the values.
    let (missing_pixels, missing_values, bytes) =
        unsafe { (*array.buffers, *values.buffers, *values.buffers.add(1)) };
    let none_missing = missing_pixels.is_null() && missing_values.is_null();
    match isize::try_from(values.length).map(usize::try_from) {
        Ok(Ok(length)) if none_missing && !bytes.is_null() => Ok((bytes.cast(), length)),
        _ => Err(Refused::NotPixels),
    }
}
