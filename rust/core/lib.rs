//! Videos and images into the tensors that Keye-VL models read.
//!
//! Decoded RGB frames go in; normalised 14x14 patches come out, in the order in which the model reads
//! them, equal to the published Python pipeline to the last bit:
//!
//! 1. [`slow_fast`] compares each frame, small and in HSV, with the last slow one: a frame that
//!    changed is slow (a key frame, large), the others are fast (small).
//! 2. [`plan_sizes`] chooses both sizes under a token budget.
//! 3. [`write_patches`] resamples, normalises and cuts every frame straight into the caller's buffer.
//!
//! ```
//! use keye_vl_core::*;
//!
//! let pixels = vec![128u8; 2 * 56 * 84 * 3]; // two frames, 56 x 84
//! let frames = FramesView::channels_last(&pixels, [2, 56, 84])?;
//! let level = Level::available();
//! let threads = Threads::new(1);
//!
//! let size = smart_resize(
//!     56,
//!     84,
//!     FACTOR,
//!     VIDEO_MIN_PIXELS as f64,
//!     SIMILARITY_MAX_PIXELS as f64,
//!     MAX_ASPECT_RATIO,
//! )?;
//! let types = slow_fast(&frames, size, &Comparison::default(), level, &threads)?;
//! assert_eq!(types, [FrameType::Slow, FrameType::Fast]);
//!
//! let sizes = plan_sizes(56, 84, 1, 1, &TokenBudget::default())?;
//! let plan = PatchPlan::new(types, sizes.slow, sizes.fast, PATCH)?;
//! let mut patches = vec![0f32; plan.elements()];
//! let normalization = Normalization::new(1.0 / 255.0, [0.5; 3], [0.5; 3])?;
//! write_patches(&frames, &plan, Filter::Bilinear, &normalization, &mut patches, level, &threads)?;
//! # Ok::<(), Error>(())
//! ```
//!
//! While a video is being decoded, [`SlowFastSplitter`] takes its frames one after the other.
//!
//! An image, whose pixels Pillow may keep in pieces, goes through [`ImageBands`].
//!
//! Everything runs on one lazily made thread pool ([`Threads`]) and at one instruction-set level
//! ([`Level`]); neither changes a byte of any result.

mod error;
mod frames;
mod geometry;
mod hsv;
mod image_bands;
pub mod kernels;
mod memory;
mod normalize;
mod parallel;
mod patchify;
mod pipeline;
mod pool;
mod resize;
mod rows;
mod simd;
mod similarity;
mod slow_fast;
mod weights;

pub use error::{Error, Result};
pub use frames::FramesView;
pub use geometry::{
    FACTOR, FrameSizes, MAX_ASPECT_RATIO, MERGE, PATCH, SIMILARITY_MAX_PIXELS, Size, TokenBudget,
    VIDEO_MIN_PIXELS, plan_sizes, smart_resize,
};
pub use half::{bf16, f16};
pub use hsv::hsv_from_rgb;
pub use image_bands::ImageBands;
pub use normalize::{Element, Normalization};
pub use parallel::{Threads, configured_threads};
pub use patchify::PatchPlan;
pub use pipeline::write_patches;
pub use resize::{resize, resize_into};
pub use simd::{Level, LevelName};
pub use similarity::frame_similarity;
pub use slow_fast::{Comparison, FrameType, SlowFastSplitter, all_slow, slow_fast};
pub use weights::{Filter, Taps, Weights};
