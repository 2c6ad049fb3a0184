//! HSV, similarity, slow and fast frames.

use keye_vl_core::Filter;

use super::{Image, resize};

/// Convert one pixel as OpenCV's `COLOR_RGB2HSV` does.
pub(crate) fn hsv([r, g, b]: [u8; 3]) -> [u8; 3] {
    let (r, g, b) = (i64::from(r), i64::from(g), i64::from(b));
    let v = r.max(g).max(b);
    let chroma = v - r.min(g).min(b);
    let table = |numerator: f64, n: i64| {
        if n == 0 {
            0
        } else {
            (numerator / n as f64).round_ties_even() as i64
        }
    };
    let s = (chroma * table(1044480.0, v) + 2048) >> 12;
    let around = match v {
        _ if v == r => g - b,
        _ if v == g => b - r + 2 * chroma,
        _ => r - g + 4 * chroma,
    };
    let h = (around * table(122880.0, chroma) + 2048) >> 12;
    [if h < 0 { h + 180 } else { h } as u8, s as u8, v as u8]
}

/// Return 0 (slow) or 1 (fast) for each image.
pub(crate) fn slow_fast(images: &[Image], height: usize, width: usize, threshold: f64) -> Vec<u8> {
    let hsv: Vec<Image> = images
        .iter()
        .map(|image| {
            let small = resize(image, height, width, Filter::Bilinear);
            let pixels = small.rgb.chunks_exact(3);
            let rgb = pixels.flat_map(|p| hsv([p[0], p[1], p[2]])).collect();
            Image { rgb, ..small }
        })
        .collect();
    let mut key = 0;
    (0..hsv.len())
        .map(|i| {
            let slow = i == 0 || share(&hsv[key], &hsv[i]) < threshold;
            if slow {
                key = i;
            }
            u8::from(!slow)
        })
        .collect()
}

/// Return the share of patches with a cosine over 0.7.
fn share(a: &Image, b: &Image) -> f64 {
    let (mut similar, mut counted) = (0, 0);
    for top in (0..a.height).step_by(28) {
        for left in (0..a.width).step_by(28) {
            let (mut dot, mut aa, mut bb) = (0u64, 0u64, 0u64);
            for i in 0..28 * 28 * 3 {
                let (y, x, c) = (top + i / 84, left + i / 3 % 28, i % 3);
                let (p, q) = (u64::from(a.at(y, x, c)), u64::from(b.at(y, x, c)));
                dot += p * q;
                aa += p * p;
                bb += q * q;
            }
            if aa > 0 || bb > 0 {
                counted += 1;
                let norm = (aa as f64).sqrt() * (bb as f64).sqrt();
                similar += u32::from(dot as f64 > 0.7 * norm.max(1e-30));
            }
        }
    }
    f64::from(similar as f32 / counted as f32)
}
