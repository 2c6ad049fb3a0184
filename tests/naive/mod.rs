//! The shortest statement of every result, to compare the crate against. Slow on purpose; nothing
//! here shares code with the crate.

#![allow(dead_code, reason = "each test file uses its own part")]

use keye_vl_core::Filter;

/// Bytes that look random and are the same on every run, with many extremes: where clamping happens.
pub(crate) fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let next = |i: usize| {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(i as u64);
        match state >> 61 {
            0 => 0,
            1 => 255,
            _ => (state >> 40) as u8,
        }
    };
    (0..length).map(next).collect()
}

pub(crate) struct Image {
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) rgb: Vec<u8>,
}

impl Image {
    pub(crate) fn at(&self, y: usize, x: usize, c: usize) -> u8 {
        self.rgb[(y * self.width + x) * 3 + c]
    }
}

fn kernel(filter: Filter, x: f64) -> f64 {
    let x = x.abs();
    match filter {
        Filter::Bilinear | Filter::PillowBilinear => f64::max(0.0, 1.0 - x),
        _ if x < 1.0 => (1.5 * x - 2.5) * x * x + 1.0,
        _ if x < 2.0 => (((x - 5.0) * x + 8.0) * x - 4.0) * -0.5,
        _ => 0.0,
    }
}

/// For each output position its (first source position, integer weights), and their precision.
pub(crate) fn weights(
    size_in: usize,
    size_out: usize,
    filter: Filter,
) -> (Vec<(usize, Vec<i64>)>, u32) {
    let radius = match filter {
        Filter::Bilinear | Filter::PillowBilinear => 1.0,
        Filter::Bicubic | Filter::PillowBicubic => 2.0,
    };
    let pillow = matches!(filter, Filter::PillowBilinear | Filter::PillowBicubic);
    let scale = size_in as f64 / size_out as f64;
    let stretch = if scale > 1.0 { scale } else { 1.0 };
    let rows: Vec<(usize, Vec<f64>)> = (0..size_out)
        .map(|i| {
            let centre = scale * (i as f64 + 0.5);
            let first = ((centre - radius * stretch + 0.5) as i64).max(0);
            let end = ((centre + radius * stretch + 0.5) as i64).min(size_in as i64);
            let row: Vec<f64> = (first..end)
                .map(|j| kernel(filter, (j as f64 - centre + 0.5) * (1.0 / stretch)))
                .collect();
            let total: f64 = row.iter().sum();
            (first as usize, row.iter().map(|w| w / total).collect())
        })
        .collect();
    let largest = rows
        .iter()
        .flat_map(|(_, row)| row)
        .fold(0.0, |a: f64, b| a.max(*b));
    let mut bits = if pillow { 22 } else { 0 };
    while bits < 22 && ((0.5 + largest * 2f64.powi(bits + 1)) as i64) < 1 << 15 {
        bits += 1;
    }
    let fixed = |w: &f64| (w * 2f64.powi(bits) + if *w < 0.0 { -0.5 } else { 0.5 }) as i64;
    let rows = rows
        .iter()
        .map(|(first, row)| (*first, row.iter().map(fixed).collect()));
    (rows.collect(), bits as u32)
}

fn blend(values: impl Iterator<Item = u8>, weights: &[i64], bits: u32) -> u8 {
    let sum: i64 = values
        .zip(weights)
        .map(|(value, weight)| i64::from(value) * weight)
        .sum();
    ((sum + (1 << (bits - 1))) >> bits).clamp(0, 255) as u8
}

pub(crate) fn resize(image: &Image, height: usize, width: usize, filter: Filter) -> Image {
    let mut wide = Vec::new();
    if width == image.width {
        wide.clone_from(&image.rgb);
    } else {
        let (weights, bits) = weights(image.width, width, filter);
        for y in 0..image.height {
            for (first, row) in &weights {
                for c in 0..3 {
                    let values = (0..row.len()).map(|j| image.at(y, first + j, c));
                    wide.push(blend(values, row, bits));
                }
            }
        }
    }
    let wide = Image {
        height: image.height,
        width,
        rgb: wide,
    };
    if height == image.height {
        return wide;
    }
    let (weights, bits) = weights(image.height, height, filter);
    let mut rgb = Vec::new();
    for (first, row) in &weights {
        for x in 0..width {
            for c in 0..3 {
                rgb.push(blend(
                    (0..row.len()).map(|j| wide.at(first + j, x, c)),
                    row,
                    bits,
                ));
            }
        }
    }
    Image { height, width, rgb }
}

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

/// 0 slow, 1 fast.
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
