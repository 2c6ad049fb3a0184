//! Turn videos and images into the tensors that Keye-VL models read.
//!
//! The input is decoded RGB frames. The output is normalized 14x14 patches in the order in which the model
//! reads them, equal to the last bit to those of the Python pipeline: keye-vl-utils 1.5.2 and the processor
//! of transformers pull request 41040. Three steps lead there:
//!
//! 1. [`slow_fast`] compares each frame, resized and in HSV, with the last slow one. A frame that differs
//!    is slow (a key frame, shown large); the others are fast (shown small).
//! 2. [`plan_sizes`] chooses both sizes under a token budget.
//! 3. [`write_patches`] resamples, normalizes and cuts every frame straight into the caller's buffer.
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
//! [`SlowFastSplitter`] decides frame by frame, while a video is being decoded; [`FrameComparer`] says how
//! any two frames differ, patch by patch. [`ImageBands`] writes the
//! patches of images, whose rows Pillow may keep in several pieces.
//!
//! Work runs on one thread pool, started by the first call that needs it ([`Threads`]), at one
//! instruction-set level ([`Level`]). Neither changes a byte of any result.
//!
//! Modules are listed below in the order in which they may import each other: `error`, `memory`, `simd`,
//! `types`, `kernels`, `sizes`, `frames`, `threads`, `resample`, `slow_fast`, `patches`.

mod error;
mod frames;
pub mod kernels;
mod memory;
mod patches;
mod resample;
mod simd;
mod sizes;
mod slow_fast;
mod threads;
mod types;

pub use error::{Error, Result};
pub use frames::FramesView;
pub use half::{bf16, f16};
pub use patches::{ImageBands, Normalization, PatchPlan, write_patches};
pub use resample::{Filter, resize, resize_into};
pub use simd::{Level, LevelName};
pub use sizes::{
    FACTOR, FrameSizes, MAX_ASPECT_RATIO, MERGE, PATCH, SIMILARITY_MAX_PIXELS, TokenBudget,
    VIDEO_MIN_PIXELS, plan_sizes, smart_resize,
};
pub use slow_fast::{
    ComparableFrame, Comparison, FrameChanges, FrameComparer, FrameType, PatchChange,
    SlowFastSplitter, all_slow, frame_similarity, hsv_from_rgb, slow_fast,
};
pub use threads::{Threads, configured_threads};
pub use types::{Element, Size, Taps, Weights};

/// The page of the manual, whose code runs as documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../../docs/rust.md")]
struct Manual;
