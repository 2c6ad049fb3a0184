//! The functions of `_core`: arguments in, one call of the core without the GIL, result out.

use keye_vl_core::{
    self as core, Comparison, Element, Error, Filter, FrameType, FramesView, Level, Normalization,
    PatchPlan, Result, Size, TokenBudget,
};
use numpy::{PyArray1, PyArray4, PyArrayMethods};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::arrays::Frames;
use crate::calls::{compute, level, threads};
use crate::elements::{Call, run_into};
use crate::errors::{quoted, to_python};

/// Height and width.
pub(crate) type Sides = (i64, i64);

pub(crate) fn size(name: &'static str, (height, width): Sides) -> Result<Size> {
    let side = |value: i64| {
        usize::try_from(value).map_err(|_| Error::Argument {
            name,
            value: format!("{height}x{width} (height x width)"),
            expected: "positive sides",
        })
    };
    Ok(Size {
        height: side(height)?,
        width: side(width)?,
    })
}

pub(crate) fn filter(name: &str) -> Result<Filter> {
    match name {
        "bilinear" => Ok(Filter::Bilinear),
        "bicubic" => Ok(Filter::Bicubic),
        "pillow-bilinear" => Ok(Filter::PillowBilinear),
        "pillow-bicubic" => Ok(Filter::PillowBicubic),
        _ => Err(Error::Argument {
            name: "kernel",
            value: quoted(name),
            expected: "\"bilinear\" or \"bicubic\", or either after \"pillow-\"",
        }),
    }
}

fn sides(size: Size) -> (usize, usize) {
    (size.height, size.width)
}

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

#[pyfunction]
#[pyo3(signature = (height, width, factor, min_pixels, max_pixels, max_ratio = 200.0))]
pub(crate) fn smart_resize(
    py: Python<'_>,
    height: i64,
    width: i64,
    factor: usize,
    min_pixels: f64,
    max_pixels: f64,
    max_ratio: f64,
) -> PyResult<(usize, usize)> {
    size("frame size", (height, width))
        .and_then(|s| {
            core::smart_resize(s.height, s.width, factor, min_pixels, max_pixels, max_ratio)
        })
        .map(sides)
        .map_err(|error| to_python(py, &error))
}

#[pyfunction]
#[pyo3(signature = (
    height, width, slow_frames, fast_frames, *, factor, min_pixels, max_pixels, total_pixels,
    video_min_pixels, fast_token_ratio, max_ratio = 200.0,
))]
#[allow(clippy::too_many_arguments, reason = "keyword arguments in Python")]
pub(crate) fn plan_sizes(
    py: Python<'_>,
    height: i64,
    width: i64,
    slow_frames: usize,
    fast_frames: usize,
    factor: usize,
    min_pixels: f64,
    max_pixels: f64,
    total_pixels: f64,
    video_min_pixels: f64,
    fast_token_ratio: f64,
    max_ratio: f64,
) -> PyResult<((usize, usize), (usize, usize))> {
    let budget = TokenBudget {
        factor,
        min_pixels,
        max_pixels,
        total_pixels,
        video_min_pixels,
        fast_token_ratio,
        max_aspect_ratio: max_ratio,
    };
    size("frame size", (height, width))
        .and_then(|s| core::plan_sizes(s.height, s.width, slow_frames, fast_frames, &budget))
        .map(|planned| (sides(planned.slow), sides(planned.fast)))
        .map_err(|error| to_python(py, &error))
}

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

#[pyfunction]
pub(crate) fn hsv_from_rgb<'py>(
    py: Python<'py>,
    frames: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyArray4<u8>>> {
    let frames = Frames::extract(frames, "frames")?;
    let view = frames.view(py, false)?;
    let level = level(py)?;
    let hsv = compute(py, || core::hsv_from_rgb(&view, level))?;
    PyArray1::from_vec(py, hsv).reshape([view.len(), view.height(), view.width(), 3])
}

#[pyfunction]
#[pyo3(signature = (a, b, *, patch_size, patch_similarity))]
pub(crate) fn frame_similarity(
    py: Python<'_>,
    a: &Bound<'_, PyAny>,
    b: &Bound<'_, PyAny>,
    patch_size: usize,
    patch_similarity: f64,
) -> PyResult<f64> {
    let (a, b) = (Frames::extract(a, "frame1")?, Frames::extract(b, "frame2")?);
    let (a, b) = (a.view(py, true)?, b.view(py, true)?);
    let level = level(py)?;
    compute(py, || {
        core::frame_similarity(&a, &b, patch_size, patch_similarity, level)
    })
}

#[pyfunction]
#[pyo3(signature = (
    frames, height, width, *, patch_size, patch_similarity, min_frame_similarity,
))]
pub(crate) fn slow_fast<'py>(
    py: Python<'py>,
    frames: &Bound<'py, PyAny>,
    height: i64,
    width: i64,
    patch_size: usize,
    patch_similarity: f64,
    min_frame_similarity: f64,
) -> PyResult<Bound<'py, PyArray1<i32>>> {
    let frames = Frames::extract(frames, "frames")?;
    let view = frames.view(py, false)?;
    let comparison = Comparison {
        patch: patch_size,
        patch_similarity,
        min_frame_similarity,
    };
    let (level, threads) = (level(py)?, threads());
    let types = compute(py, || {
        let size = size("frame size for comparison", (height, width))?;
        let types = core::slow_fast(&view, size, &comparison, level, &threads)?;
        let mut numbers = Vec::new();
        let room = numbers.try_reserve_exact(types.len());
        room.map_err(|_| Error::Memory {
            bytes: types.len().saturating_mul(size_of::<i32>()),
        })?;
        numbers.extend(types.into_iter().map(|kind| kind as i32));
        Ok(numbers)
    })?;
    Ok(PyArray1::from_vec(py, types))
}

#[pyfunction]
#[pyo3(signature = (
    frames, frame_types, slow_size, fast_size, out, *, dtype = "float32", kernel = "bilinear",
    patch_size, rescale_factor, image_mean, image_std,
))]
#[allow(clippy::too_many_arguments, reason = "keyword arguments in Python")]
pub(crate) fn write_patches(
    py: Python<'_>,
    frames: &Bound<'_, PyAny>,
    frame_types: Option<&Bound<'_, PyAny>>,
    slow_size: Sides,
    fast_size: Sides,
    out: &Bound<'_, PyAny>,
    dtype: &str,
    kernel: &str,
    patch_size: usize,
    rescale_factor: f64,
    image_mean: [f64; 3],
    image_std: [f64; 3],
) -> PyResult<()> {
    let frames = Frames::extract(frames, "frames")?;
    let view = frames.view(py, false)?;
    let types = frame_types_of(py, frame_types, view.len())?;
    let call = || {
        let (slow, fast) = (size("slow_size", slow_size)?, size("fast_size", fast_size)?);
        Ok(WritePatches {
            frames: view,
            plan: PatchPlan::new(types, slow, fast, patch_size)?,
            filter: filter(kernel)?,
            normalization: Normalization::new(rescale_factor, image_mean, image_std)?,
        })
    };
    let call = call().map_err(|error| to_python(py, &error))?;
    run_into(py, &call, frames.reads(), dtype, out)
}

/// The types as given, or all slow.
///
/// # Errors
/// `given` is no sequence of integers, they are not one for each frame, or one of them is no type.
fn frame_types_of(
    py: Python<'_>,
    given: Option<&Bound<'_, PyAny>>,
    frames: usize,
) -> PyResult<Vec<FrameType>> {
    let refused = |error: Error| to_python(py, &error);
    let Some(given) = given else {
        return core::all_slow(frames).map_err(refused);
    };
    if given.is_instance_of::<PyString>() {
        return Err(PyTypeError::new_err(
            "frame_types is a str: expected integers",
        ));
    }
    // Before there is room for them: a range of any length takes no memory.
    let types = given.len()?;
    if types != frames {
        return Err(refused(Error::FrameTypesLength { types, frames }));
    }
    let mut found = core::all_slow(frames).map_err(refused)?;
    let mut count = 0;
    for value in given.try_iter()? {
        let value = value?.extract()?;
        if let Some(kind) = found.get_mut(count) {
            *kind = FrameType::from_number(count, value).map_err(refused)?;
        }
        count += 1;
    }
    if count != frames {
        let types = count;
        return Err(refused(Error::FrameTypesLength { types, frames }));
    }
    Ok(found)
}

/// A call of the fused operator, all but where to.
struct WritePatches<'a> {
    frames: FramesView<'a>,
    plan: PatchPlan,
    filter: Filter,
    normalization: Normalization,
}

impl Call for WritePatches<'_> {
    fn run<T: Element>(&self, py: Python<'_>, out: &mut [T]) -> PyResult<()> {
        let Self {
            frames,
            plan,
            filter,
            normalization,
        } = self;
        let (level, threads) = (level(py)?, threads());
        compute(py, || {
            core::write_patches(frames, plan, *filter, normalization, out, level, &threads)
        })
    }
}
