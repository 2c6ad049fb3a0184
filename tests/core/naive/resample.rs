//! Weights and resizing.

use keye_vl_core::Filter;

use super::Image;

/// Evaluate the kernel of a filter.
fn kernel(filter: Filter, x: f64) -> f64 {
    let x = x.abs();
    match filter {
        Filter::Bilinear | Filter::PillowBilinear => f64::max(0.0, 1.0 - x),
        _ if x < 1.0 => (1.5 * x - 2.5) * x * x + 1.0,
        _ if x < 2.0 => (((x - 5.0) * x + 8.0) * x - 4.0) * -0.5,
        _ => 0.0,
    }
}

/// Return (first source position, integer weights) for each output position, and their fraction bits.
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

/// Return the rounded weighted sum.
fn blend(values: impl Iterator<Item = u8>, weights: &[i64], bits: u32) -> u8 {
    let sum: i64 = values
        .zip(weights)
        .map(|(value, weight)| i64::from(value) * weight)
        .sum();
    ((sum + (1 << (bits - 1))) >> bits).clamp(0, 255) as u8
}

/// Resize one image: a horizontal pass, rounded to bytes, then a vertical one.
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
