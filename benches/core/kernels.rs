//! Time every kernel at every level on rows of a 720p frame, in bytes read or written per second.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use half::bf16;
use keye_vl_core::kernels::horizontal::{ROWS, RowWeights, resample_rows, row_bytes};
use keye_vl_core::kernels::patch_band::{Band, write_patches};
use keye_vl_core::kernels::{dot, hsv, vertical};
use keye_vl_core::{Element, Filter, Level, Normalization, Taps, Weights};

mod support;
use support::bytes;

/// Width of a 720p frame.
const WIDTH: usize = 1280;
/// Widths of its slow and its fast size.
const RESIZED: [(&str, usize); 2] = [("slow", 1008), ("fast", 532)];

fn id(name: &str, level: Level) -> BenchmarkId {
    BenchmarkId::new(name, level.name().as_str())
}

fn horizontal(c: &mut Criterion) {
    let mut group = c.benchmark_group("horizontal");
    let source = bytes(ROWS * WIDTH * 3);
    let mut rows = source.chunks_exact(WIDTH * 3);
    let rows: [&[u8]; ROWS] = std::array::from_fn(|_| rows.next().unwrap_or_default());
    group.throughput(Throughput::Bytes(source.len() as u64));
    for (name, width) in RESIZED {
        for level in Level::all() {
            let weights = Weights::new(WIDTH, width, Filter::Bilinear).unwrap();
            let weights = RowWeights::new(weights, level, 3).unwrap();
            let stride = row_bytes(width);
            let mut out = vec![0; ROWS * stride];
            group.bench_function(id(name, level), |b| {
                b.iter(|| resample_rows(black_box(rows), &weights, &mut out, stride, 0));
            });
        }
    }
}

fn vertical(c: &mut Criterion) {
    let mut group = c.benchmark_group("vertical");
    for (name, taps) in [("slow", 4), ("fast", 6)] {
        let length = 3 * 1008;
        let rows = bytes(taps * length);
        let offsets: Vec<usize> = (0..taps).map(|k| k * length).collect();
        let weights = vec![(1 << 14) / taps as i16; taps];
        let mut out = vec![0; length];
        group.throughput(Throughput::Bytes(rows.len() as u64));
        for level in Level::all() {
            group.bench_function(id(name, level), |b| {
                b.iter(|| {
                    let taps = Taps {
                        upper: &weights,
                        lower: &[],
                        precision: 14,
                    };
                    vertical::blend_rows(level, black_box(&rows), &offsets, taps, &mut out);
                });
            });
        }
    }
}

fn patches<T: Element>(c: &mut Criterion, name: &str) {
    let mut group = c.benchmark_group("patch_band");
    let (width, patch) = (1008, 14);
    let pixels = bytes(width * 3 * patch);
    let values = Normalization::new(1.0 / 255.0, [0.5; 3], [0.5; 3])
        .unwrap()
        .values::<T>();
    let mut out = vec![T::from_f32(0.0); pixels.len()];
    group.throughput(Throughput::Bytes(size_of_val(out.as_slice()) as u64));
    for level in Level::all() {
        group.bench_function(id(name, level), |b| {
            b.iter(|| {
                let band = Band::new(black_box(&pixels), width * 3, width, patch);
                write_patches(level, band, &values, false, &mut out);
            });
        });
    }
}

fn patch_band(c: &mut Criterion) {
    patches::<f32>(c, "float32");
    patches::<bf16>(c, "bfloat16");
}

fn similarity(c: &mut Criterion) {
    let mut group = c.benchmark_group("similarity");
    let patch = bytes(28 * 28 * 3);
    let mut out = vec![0; patch.len()];
    group.throughput(Throughput::Bytes(patch.len() as u64));
    for level in Level::all() {
        group.bench_function(id("hsv", level), |b| {
            b.iter(|| hsv::rgb_to_hsv(level, black_box(&patch), &mut out));
        });
        group.bench_function(id("dot", level), |b| {
            b.iter(|| dot::dot(level, black_box(&patch), black_box(&patch)));
        });
    }
}

criterion_group!(benches, horizontal, vertical, patch_band, similarity);
criterion_main!(benches);
