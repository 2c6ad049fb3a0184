//! Sizes: what a frame is resized to, alone and under the token budget of a whole video.
//!
//! The rules are those of `smart_resize` and `fetch_video` in keye-vl-utils 1.5.2, computed in float64
//! as Python computes them.

mod budget;
mod checks;
mod smart_resize;

pub use budget::{FrameSizes, TokenBudget, plan_sizes};
pub use smart_resize::smart_resize;

/// Side of a patch in pixels.
pub const PATCH: usize = 14;
/// Patches along each side of a token.
pub const MERGE: usize = 2;
/// Side of a token in pixels.
pub const FACTOR: usize = PATCH * MERGE;
/// The fewest pixels of a video frame: 48 tokens.
pub const VIDEO_MIN_PIXELS: usize = 48 * FACTOR * FACTOR;
/// The most pixels of a video frame: 768 tokens.
const VIDEO_MAX_PIXELS: usize = 768 * FACTOR * FACTOR;
/// The most pixels of a whole video: 65536 tokens.
const VIDEO_TOTAL_PIXELS: usize = 65536 * FACTOR * FACTOR;
/// The most pixels of a frame that is compared with another: 256 tokens.
pub const SIMILARITY_MAX_PIXELS: usize = 256 * FACTOR * FACTOR;
/// Tokens of a fast frame for each token of a slow one.
const FAST_TOKEN_RATIO: f64 = 0.3;
/// The largest ratio of the longer side to the shorter one.
pub const MAX_ASPECT_RATIO: f64 = 200.0;
