//! `keye_vl_rs._core`: the core as a Python module.

mod arrays;
mod buffers;
mod calls;
mod elements;
mod errors;
mod functions;
mod image_bands;
mod packets;
mod splitter;

use pyo3::prelude::*;

#[pymodule]
mod _core {
    #[pymodule_export]
    use super::functions::{
        frame_similarity, hsv_from_rgb, plan_sizes, resize, simd_level, simd_levels, slow_fast,
        smart_resize, thread_count, write_patches,
    };
    #[pymodule_export]
    use super::image_bands::ImageBands;
    #[pymodule_export]
    use super::packets::{describe_packet, nal_length_size};
    #[pymodule_export]
    use super::splitter::SlowFastSplitter;
    use super::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
