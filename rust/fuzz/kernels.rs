//! Every kernel: the same bytes at every level, at any length and alignment.

use crate::input::{AnyFilter, parsed, repeated, same_at_every_level};
use arbitrary::Arbitrary;
use keye_vl_core::kernels::horizontal::{self, RowWeights};
use keye_vl_core::kernels::patch_band::{self, Band};
use keye_vl_core::kernels::{dot, hsv, vertical};
use keye_vl_core::{Element, Normalization, Weights, bf16, f16};

#[derive(Debug, Arbitrary)]
struct Input {
    call: Call,
    /// Bytes to skip, so that the input of a kernel begins at any alignment.
    skipped: u8,
    pattern: Vec<u8>,
}

#[derive(Debug, Arbitrary)]
enum Call {
    Dot {
        length: u16,
    },
    Hsv {
        pixels: u16,
    },
    Horizontal {
        from: u16,
        to: u16,
        filter: AnyFilter,
        padded: bool,
        gap: u8,
    },
    Vertical {
        from: u16,
        to: u16,
        filter: AnyFilter,
        output: u16,
        length: u16,
    },
    PatchBand {
        patches: u8,
        patch: u8,
        gap: u8,
        element: Type,
        streamed: bool,
        by_table: bool,
        scale: f32,
        mean: [f32; 3],
        std: [f32; 3],
    },
}

#[derive(Debug, Arbitrary)]
enum Type {
    Float32,
    Float16,
    Bfloat16,
}

impl Input {
    /// Return bytes to read, and how many of them to skip to get the alignment that the input asks for.
    fn bytes(&self, length: usize) -> (Box<[u8]>, usize) {
        let skipped = usize::from(self.skipped % 65);
        (repeated(&self.pattern, skipped + length), skipped)
    }
}

/// Check one call in one element type.
fn patches<T: Element + Default>(
    band: Band<'_>,
    patch: usize,
    patches: usize,
    normalization: &Normalization,
    (streamed, by_table): (bool, bool),
    bits: fn(T) -> u32,
) {
    let values = normalization.values::<T>();
    let values = if by_table { values.by_table() } else { values };
    same_at_every_level(|level| {
        let mut out = vec![T::default(); patches * patch * patch * 3].into_boxed_slice();
        patch_band::write_patches(level, band, &values, streamed, &mut out);
        out.iter().map(|value| bits(*value)).collect::<Vec<_>>()
    });
}

/// Run one input.
pub fn run(input: &[u8]) {
    let Some(input) = parsed::<Input>(input) else {
        return;
    };
    match input.call {
        Call::Dot { length } => {
            let (a, skipped) = input.bytes(length.into());
            let b: Box<[u8]> = a[skipped..].iter().rev().copied().collect();
            same_at_every_level(|level| dot::dot(level, &a[skipped..], &b));
        }
        Call::Hsv { pixels } => {
            let (rgb, skipped) = input.bytes(usize::from(pixels % 1000) * 3);
            same_at_every_level(|level| {
                let mut out = vec![0; rgb.len() - skipped].into_boxed_slice();
                hsv::rgb_to_hsv(level, &rgb[skipped..], &mut out);
                out
            });
        }
        Call::Horizontal {
            from,
            to,
            filter,
            padded,
            gap,
        } => {
            let (from, to) = (usize::from(from % 3000) + 1, usize::from(to % 600) + 1);
            let spacing = if padded { 4 } else { 3 };
            let weights = Weights::new(from, to, filter.into()).expect("sizes are in range");
            let row = (from - 1) * spacing + 3;
            let (bytes, skipped) = input.bytes(row * horizontal::ROWS);
            let rows = std::array::from_fn(|y| &bytes[skipped + y * row..][..row]);
            let stride = horizontal::row_bytes(to) + usize::from(gap);
            same_at_every_level(|level| {
                let weights =
                    RowWeights::new(weights.clone(), level, spacing).expect("it is small");
                let mut out = vec![0; stride * horizontal::ROWS].into_boxed_slice();
                horizontal::resample_rows(rows, &weights, &mut out, stride, row as isize);
                out.chunks(stride)
                    .map(|row| row[..to * 3].to_vec())
                    .collect::<Vec<_>>()
            });
        }
        Call::Vertical {
            from,
            to,
            filter,
            output,
            length,
        } => {
            let (from, to) = (usize::from(from % 500) + 1, usize::from(to % 500) + 1);
            let weights = Weights::new(from, to, filter.into()).expect("sizes are in range");
            let output = usize::from(output) % to;
            let length = usize::from(length % 400);
            let (rows, skipped) = input.bytes(length * from);
            let first = weights.start(output);
            let offsets: Vec<usize> = (first..first + weights.count(output))
                .map(|y| skipped + y * length)
                .collect();
            same_at_every_level(|level| {
                let mut out = vec![0; length].into_boxed_slice();
                vertical::blend_rows(level, &rows, &offsets, weights.of(output), &mut out);
                out
            });
        }
        Call::PatchBand {
            patches: count,
            patch,
            gap,
            ref element,
            streamed,
            by_table,
            scale,
            mean,
            std,
        } => {
            // Mostly the size that vector code is written for.
            let patch = if patch < 200 {
                14
            } else {
                usize::from(patch - 199)
            };
            let count = usize::from(count % 40);
            let stride = count * patch * 3 + usize::from(gap);
            let (bytes, skipped) = input.bytes(stride * patch);
            let band = Band::new(&bytes[skipped..], stride, count * patch, patch);
            let numbers = |values: [f32; 3]| values.map(f64::from);
            let Ok(normalization) = Normalization::new(scale.into(), numbers(mean), numbers(std))
            else {
                return;
            };
            let flags = (streamed, by_table);
            match element {
                Type::Float32 => {
                    patches::<f32>(band, patch, count, &normalization, flags, f32::to_bits)
                }
                Type::Float16 => patches::<f16>(band, patch, count, &normalization, flags, |x| {
                    x.to_bits().into()
                }),
                Type::Bfloat16 => patches::<bf16>(band, patch, count, &normalization, flags, |x| {
                    x.to_bits().into()
                }),
            }
        }
    }
}
