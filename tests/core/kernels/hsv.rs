//! RGB to HSV.

use keye_vl_core::Level;
use keye_vl_core::kernels::hsv;

use super::LONGEST;
use crate::inputs::bytes;
use crate::naive;

#[test]
fn hsv_of_all_colours() {
    let mut rgb = Vec::with_capacity(3 << 24);
    for colour in 0..1u32 << 24 {
        rgb.extend_from_slice(&colour.to_le_bytes()[..3]);
    }
    let pixels = rgb.chunks_exact(3);
    let expected: Vec<u8> = pixels
        .flat_map(|p| naive::hsv([p[0], p[1], p[2]]))
        .collect();
    for level in Level::all() {
        let mut converted = vec![0; rgb.len()];
        hsv::rgb_to_hsv(level, &rgb, &mut converted);
        assert!(converted == expected, "{level:?}");
    }
}

#[test]
fn hsv_at_all_small_lengths() {
    for pixels in 0..=LONGEST {
        let rgb = bytes(pixels * 3 + 1, pixels);
        let expected: Vec<u8> = rgb[1..]
            .chunks_exact(3)
            .flat_map(|p| naive::hsv([p[0], p[1], p[2]]))
            .collect();
        for level in Level::all() {
            let mut converted = vec![0; pixels * 3];
            hsv::rgb_to_hsv(level, &rgb[1..], &mut converted);
            assert_eq!(converted, expected, "{level:?} {pixels}");
        }
    }
}
