//! From resized pixels to normalized patches, in the order in which the model reads them.

mod image_bands;
mod normalization;
mod plan;
mod write_patches;

pub use image_bands::ImageBands;
pub use normalization::Normalization;
pub use plan::PatchPlan;
pub use write_patches::write_patches;
