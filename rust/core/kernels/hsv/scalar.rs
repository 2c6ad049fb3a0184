//! The definition of HSV, with OpenCV's two tables of quotients.

use super::{CHANNELS, FULL_SATURATION, HUE_SECTOR, SHIFT};

/// Compute `numerator / n` for every n, rounded to nearest, ties to even; 0 for n = 0.
const fn quotients(numerator: u32) -> [i32; 256] {
    let mut table = [0; 256];
    let mut n = 1;
    while n < 256 {
        let (quotient, rest) = (numerator / n, numerator % n);
        let up = 2 * rest > n || 2 * rest == n && quotient % 2 == 1;
        table[n as usize] = (quotient + up as u32) as i32;
        n += 1;
    }
    table
}

static SATURATION: [i32; 256] = quotients(FULL_SATURATION);
static HUE: [i32; 256] = quotients(HUE_SECTOR);

pub(super) fn rgb_to_hsv(rgb: &[u8], hsv: &mut [u8]) {
    for (rgb, hsv) in rgb
        .chunks_exact(CHANNELS)
        .zip(hsv.chunks_exact_mut(CHANNELS))
    {
        hsv.copy_from_slice(&convert([rgb[0], rgb[1], rgb[2]]));
    }
}

fn convert(rgb: [u8; CHANNELS]) -> [u8; CHANNELS] {
    let [r, g, b] = rgb.map(i32::from);
    let value = r.max(g).max(b);
    let chroma = value - r.min(g).min(b);
    let around = if value == r {
        g - b
    } else if value == g {
        b - r + 2 * chroma
    } else {
        r - g + 4 * chroma
    };
    let round = |fixed: i32| (fixed + (1 << (SHIFT - 1))) >> SHIFT;
    let saturation = round(chroma * SATURATION[value as usize]);
    let hue = round(around * HUE[chroma as usize]);
    [
        if hue < 0 { hue + 180 } else { hue } as u8,
        saturation as u8,
        value as u8,
    ]
}
