//! `keye_vl_rs._core`, the Python module: arguments in, one call of the core without the GIL, result out.

mod arguments;
mod arrays;
mod buffers;
mod calls;
mod comparer;
mod elements;
mod environment;
mod errors;
mod image_bands;
mod packets;
mod resize;
mod sizes;
mod slow_fast;
mod write_patches;

use pyo3::prelude::*;

#[pymodule]
mod _core {
    #[pymodule_export]
    use super::comparer::{ComparableFrame, FrameComparer};
    #[pymodule_export]
    use super::environment::{simd_level, simd_levels, thread_count};
    #[pymodule_export]
    use super::image_bands::ImageBands;
    #[pymodule_export]
    use super::packets::{describe_packet, nal_length_size};
    #[pymodule_export]
    use super::resize::resize;
    #[pymodule_export]
    use super::sizes::{plan_sizes, smart_resize};
    #[pymodule_export]
    use super::slow_fast::{SlowFastSplitter, frame_similarity, hsv_from_rgb, slow_fast};
    #[pymodule_export]
    use super::write_patches::write_patches;
    use super::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
