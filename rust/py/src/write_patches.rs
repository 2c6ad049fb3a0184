//! The fused operator.

use keye_vl_core::{
    self as core, Element, Error, Filter, FrameType, FramesView, Normalization, PatchPlan,
};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::arguments::{Sides, filter, size};
use crate::arrays::Frames;
use crate::calls::{compute, level, threads};
use crate::elements::{Call, run_into};
use crate::errors::to_python;

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
    let types = frame_types_from(py, frame_types, view.len())?;
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
    run_into(py, &call, frames.addresses(), dtype, out)
}

/// Return the types that were given, or mark every frame slow.
///
/// # Errors
/// Raises `TypeError` if `given` is not a sequence of integers, `FrameTypesError` if there is not one for
/// each frame or one is neither 0 nor 1.
fn frame_types_from(
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
    // Checked before memory is allocated: a `range` of any length takes none.
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

/// A call of the fused operator, complete but for its output.
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
