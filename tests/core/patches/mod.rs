//! The fused operator, and images in parts.

mod image_bands;
mod write_patches;
