//! Whole frames from RGB to HSV.

use crate::error::{Error, Result};
use crate::frames::{CHANNELS, FramesView};
use crate::kernels::hsv::rgb_to_hsv;
use crate::memory;
use crate::simd::Level;

/// HSV of every frame, as (N, H, W, 3), with hue in 0..=179: what OpenCV's `COLOR_RGB2HSV` gives.
///
/// # Errors
/// The result would not fit in memory.
pub fn hsv_from_rgb(frames: &FramesView<'_>, level: Level) -> Result<Vec<u8>> {
    let row = frames.width() * CHANNELS;
    let bytes = frames
        .len()
        .checked_mul(frames.height())
        .and_then(|rows| rows.checked_mul(row));
    let bytes = bytes.ok_or_else(|| Error::FramesShape {
        shape: vec![frames.len(), frames.height(), frames.width(), CHANNELS],
    })?;
    let (mut rgb, mut hsv) = (memory::filled(0, row)?, memory::filled(0, bytes)?);
    let rows = (0..frames.len()).flat_map(|frame| (0..frames.height()).map(move |y| (frame, y)));
    for ((frame, y), out) in rows.zip(hsv.chunks_exact_mut(row)) {
        frames.row(frame, y).pack_into(&mut rgb);
        rgb_to_hsv(level, &rgb, out);
    }
    Ok(hsv)
}
