//! Inputs: bytes, filters, and frames in any memory layout.

use keye_vl_core::{Filter, FramesView};
use proptest::prelude::*;

use crate::naive::Image;

/// Every filter.
pub(crate) const FILTERS: [Filter; 4] = [
    Filter::Bilinear,
    Filter::Bicubic,
    Filter::PillowBilinear,
    Filter::PillowBicubic,
];

/// Return bytes that look random and are the same on every run.
pub(crate) fn bytes(length: usize, seed: usize) -> Vec<u8> {
    let step = |state: &mut u64| {
        *state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        Some((*state >> 56) as u8)
    };
    let mut state = seed as u64;
    std::iter::from_fn(|| step(&mut state))
        .skip(3)
        .take(length)
        .collect()
}

/// Return bytes that look random and are the same on every run, with many extremes, at which sums are
/// clamped.
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

/// Frames in any memory layout, which can also be had as images.
#[derive(Debug)]
pub(crate) struct Frames {
    pub(crate) data: Vec<u8>,
    pub(crate) offset: usize,
    pub(crate) shape: [usize; 3],
    pub(crate) strides: [isize; 4],
}

impl Frames {
    pub(crate) fn view(&self) -> FramesView<'_> {
        FramesView::new(&self.data, self.offset, self.shape, self.strides).unwrap()
    }

    pub(crate) fn images(&self) -> Vec<Image> {
        let [frames, height, width] = self.shape;
        let value = |i: usize, y: usize, x: usize, c: usize| {
            let at = [i, y, x, c].into_iter().zip(self.strides);
            let step: isize = at.map(|(i, stride)| i as isize * stride).sum();
            self.data[self.offset.wrapping_add_signed(step)]
        };
        (0..frames)
            .map(|i| {
                let pixels = (0..height * width)
                    .flat_map(|p| [0, 1, 2].map(|c| value(i, p / width, p % width, c)));
                Image {
                    height,
                    width,
                    rgb: pixels.collect(),
                }
            })
            .collect()
    }
}

/// Random frames: channels last or first, with gaps, upside down, mirrored, at any offset.
pub(crate) fn frames(
    count: std::ops::Range<usize>,
    side: std::ops::Range<usize>,
) -> impl Strategy<Value = Frames> {
    let layout = (
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        0..5usize,
        0..3usize,
    );
    (count, side.clone(), side, layout, any::<u64>()).prop_map(
        |(n, h, w, (planar, upside_down, mirrored, gap, offset), seed)| {
            let (pixel, row, plane) = if planar {
                (1, w + gap, (w + gap) * h)
            } else {
                (3 + gap % 2, w * (3 + gap % 2) + gap, 1)
            };
            let frame = if planar { plane * 3 } else { row * h } + gap;
            let mut strides = [frame as isize, row as isize, pixel as isize, plane as isize];
            let mut offset = offset;
            if upside_down {
                offset += row * (h - 1);
                strides[1] = -strides[1];
            }
            if mirrored {
                offset += pixel * (w - 1);
                strides[2] = -strides[2];
            }
            Frames {
                data: noise(n * frame + 8, seed),
                offset,
                shape: [n, h, w],
                strides,
            }
        },
    )
}

/// Any filter.
pub(crate) fn filter() -> impl Strategy<Value = Filter> {
    prop::sample::select(&FILTERS[..])
}
