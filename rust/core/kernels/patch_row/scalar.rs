//! The definition of a patch row: a table look-up per value.

use super::CHANNELS;

pub(super) fn write_patch_row<T: Copy>(
    row: &[u8],
    table: &[[T; 256]; CHANNELS],
    patch: usize,
    y: usize,
    band: &mut [T],
) {
    let plane = patch * patch;
    let patches = row
        .chunks_exact(patch * CHANNELS)
        .zip(band.chunks_exact_mut(plane * CHANNELS));
    for (pixels, planes) in patches {
        for (c, (plane, table)) in planes.chunks_exact_mut(plane).zip(table).enumerate() {
            let out = &mut plane[y * patch..][..patch];
            for (value, pixel) in out.iter_mut().zip(pixels.chunks_exact(CHANNELS)) {
                *value = table[usize::from(pixel[c])];
            }
        }
    }
}
