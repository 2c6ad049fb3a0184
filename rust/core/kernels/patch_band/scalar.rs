//! The definition: one table look-up per value.

use super::Band;
use crate::types::CHANNELS;

pub(super) fn write_patches<T: Copy>(
    pixels: Band<'_>,
    table: &[[T; 256]; CHANNELS],
    out: &mut [T],
) {
    let patch = pixels.height;
    let plane = patch * patch;
    for y in 0..patch {
        let row = pixels.row(y).chunks_exact(patch * CHANNELS);
        for (pixels, planes) in row.zip(out.chunks_exact_mut(plane * CHANNELS)) {
            for (c, (plane, table)) in planes.chunks_exact_mut(plane).zip(table).enumerate() {
                let out = &mut plane[y * patch..][..patch];
                for (value, pixel) in out.iter_mut().zip(pixels.chunks_exact(CHANNELS)) {
                    *value = table[usize::from(pixel[c])];
                }
            }
        }
    }
}
