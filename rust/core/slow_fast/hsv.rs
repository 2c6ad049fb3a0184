//! HSV of whole frames.

use crate::error::{Error, Result};
use crate::frames::FramesView;
use crate::kernels::hsv::rgb_to_hsv;
use crate::memory;
use crate::simd::Level;
use crate::types::CHANNELS;

/// Convert every frame to HSV, (N, H, W, 3) with hue in 0..=179, as OpenCV's `COLOR_RGB2HSV` does.
///
/// # Errors
/// Returns [`Error::FramesShape`] if the size of the result overflows, [`Error::Memory`] if it does not
/// fit in memory.
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
