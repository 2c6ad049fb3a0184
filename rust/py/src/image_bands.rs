//! Patches of images, some rows of patches at a time.

use std::ops::Range;

use keye_vl_core::{self as core, Element, FramesView, Normalization, Size};
use numpy::PyUntypedArray;
use pyo3::prelude::*;

use crate::arguments::{Sides, filter, size};
use crate::arrays::{Frames, PaddedImage};
use crate::calls::{compute, level, load_numpy};
use crate::elements::{Call, run_into};
use crate::errors::to_python;

#[pyclass(module = "keye_vl_rs._core", frozen)]
pub(crate) struct ImageBands {
    bands: core::ImageBands,
    from: Size,
}

#[pymethods]
impl ImageBands {
    #[new]
    #[pyo3(signature = (image_size, size, *, patch_size, kernel))]
    fn new(
        py: Python<'_>,
        image_size: Sides,
        size: Sides,
        patch_size: usize,
        kernel: &str,
    ) -> PyResult<Self> {
        let level = level(py)?;
        compute(py, || {
            let from = self::size("image_size", image_size)?;
            let size = self::size("size", size)?;
            let bands = core::ImageBands::new(from, size, patch_size, filter(kernel)?, level)?;
            Ok(Self { bands, from })
        })
    }

    fn __len__(&self) -> usize {
        self.bands.len()
    }

    fn source_rows(&self, py: Python<'_>, first: usize, end: usize) -> PyResult<(usize, usize)> {
        let rows = self.bands.source_rows(first..end);
        rows.map(|rows| (rows.start, rows.end))
            .map_err(|error| to_python(py, &error))
    }

    #[pyo3(signature = (
        rows, first, end, out, *, dtype = "float32", rescale_factor, image_mean, image_std,
    ))]
    #[allow(clippy::too_many_arguments, reason = "keyword arguments in Python")]
    fn write_patches(
        &self,
        py: Python<'_>,
        rows: &Bound<'_, PyAny>,
        first: usize,
        end: usize,
        out: &Bound<'_, PyAny>,
        dtype: &str,
        rescale_factor: f64,
        image_mean: [f64; 3],
        image_std: [f64; 3],
    ) -> PyResult<()> {
        let normalization = Normalization::new(rescale_factor, image_mean, image_std)
            .map_err(|error| to_python(py, &error))?;
        let (top, bottom) = self.source_rows(py, first, end)?;
        let rows = Rows::extract(rows, [bottom - top, self.from.width])?;
        let view = rows.view(py)?;
        let call = WriteBands {
            image: &self.bands,
            rows: view,
            bands: first..end,
            normalization,
        };
        run_into(py, &call, rows.addresses(), dtype, out)
    }
}

/// Rows of an image: an array, or an image of Pillow.
enum Rows<'py> {
    Array(Frames<'py>),
    Image(PaddedImage<'py>),
}

impl<'py> Rows<'py> {
    fn extract(value: &Bound<'py, PyAny>, size: [usize; 2]) -> PyResult<Self> {
        load_numpy(value.py())?;
        if value.cast::<PyUntypedArray>().is_ok() {
            Frames::extract(value, "rows").map(Self::Array)
        } else {
            PaddedImage::extract(value, size).map(Self::Image)
        }
    }

    fn view(&self, py: Python<'py>) -> PyResult<FramesView<'_>> {
        match self {
            Self::Array(array) => array.view(py, true),
            Self::Image(image) => image.view(py),
        }
    }

    fn addresses(&self) -> (Range<usize>, &str) {
        match self {
            Self::Array(array) => array.addresses(),
            Self::Image(image) => image.addresses(),
        }
    }
}

/// A call of [`ImageBands::write_patches`], complete but for its output.
struct WriteBands<'a> {
    image: &'a core::ImageBands,
    rows: FramesView<'a>,
    bands: Range<usize>,
    normalization: Normalization,
}

impl Call for WriteBands<'_> {
    fn run<T: Element>(&self, py: Python<'_>, out: &mut [T]) -> PyResult<()> {
        compute(py, || {
            self.image
                .write_patches(&self.rows, self.bands.clone(), &self.normalization, out)
        })
    }
}
