//! Patches of one image.

use super::Image;

/// Normalize one image and cut it into patches, (patches, 3, patch, patch).
pub(crate) fn patches(
    image: &Image,
    patch: usize,
    scale: f64,
    mean: [f64; 3],
    std: [f64; 3],
) -> Vec<f32> {
    let mut out = Vec::new();
    for top in (0..image.height).step_by(patch) {
        for left in (0..image.width).step_by(patch) {
            for c in 0..3 {
                for i in 0..patch * patch {
                    let value = image.at(top + i / patch, left + i % patch, c);
                    let unit = (f64::from(value) * scale) as f32;
                    out.push((unit - mean[c] as f32) / std[c] as f32);
                }
            }
        }
    }
    out
}
