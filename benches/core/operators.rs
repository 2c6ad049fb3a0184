//! Time whole operators at every level on eight 720p frames, in frames per second.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use half::bf16;
use keye_vl_core::{
    Comparison, Element, Filter, FrameType, FramesView, Level, Normalization, PatchPlan, Size,
    Threads, resize_into, slow_fast, write_patches,
};

mod support;
use support::bytes;

const FRAMES: usize = 8;
const HEIGHT: usize = 720;
const WIDTH: usize = 1280;

fn patches<T: Element>(c: &mut Criterion, name: &str) {
    let mut group = c.benchmark_group("write_patches");
    let data = bytes(FRAMES * HEIGHT * WIDTH * 3);
    let frames = FramesView::channels_last(&data, [FRAMES, HEIGHT, WIDTH]).unwrap();
    let types: Vec<FrameType> = (0..FRAMES)
        .map(|i| {
            if i % 2 == 0 {
                FrameType::Slow
            } else {
                FrameType::Fast
            }
        })
        .collect();
    let (slow, fast) = (
        Size {
            height: 560,
            width: 1008,
        },
        Size {
            height: 308,
            width: 532,
        },
    );
    let plan = PatchPlan::new(types, slow, fast, 14).unwrap();
    let normalization = Normalization::new(1.0 / 255.0, [0.5; 3], [0.5; 3]).unwrap();
    let mut out = vec![T::from_f32(0.0); plan.elements()];
    group.throughput(Throughput::Elements(FRAMES as u64));
    for level in Level::all() {
        for threads in [1, 2] {
            let threads = Threads::new(threads);
            let case = format!("{}/{} threads", level.name().as_str(), threads.count());
            group.bench_function(BenchmarkId::new(name, case), |b| {
                b.iter(|| {
                    let filter = Filter::Bilinear;
                    write_patches(
                        &frames,
                        &plan,
                        filter,
                        &normalization,
                        &mut out,
                        level,
                        &threads,
                    )
                });
            });
        }
    }
}

fn write(c: &mut Criterion) {
    patches::<f32>(c, "float32");
    patches::<bf16>(c, "bfloat16");
}

fn compare(c: &mut Criterion) {
    let mut group = c.benchmark_group("slow_fast");
    let data = bytes(FRAMES * HEIGHT * WIDTH * 3);
    let frames = FramesView::channels_last(&data, [FRAMES, HEIGHT, WIDTH]).unwrap();
    let size = Size {
        height: 336,
        width: 588,
    };
    group.throughput(Throughput::Elements(FRAMES as u64));
    for level in Level::all() {
        group.bench_function(BenchmarkId::new("1 thread", level.name().as_str()), |b| {
            b.iter(|| {
                slow_fast(
                    &frames,
                    size,
                    &Comparison::default(),
                    level,
                    &Threads::new(1),
                )
            });
        });
    }
}

/// Time this crate and fast_image_resize on one thread; both round to bytes between the passes.
fn resize(c: &mut Criterion) {
    let mut group = c.benchmark_group("resize");
    let data = bytes(HEIGHT * WIDTH * 3);
    let frames = FramesView::channels_last(&data, [1, HEIGHT, WIDTH]).unwrap();
    group.throughput(Throughput::Elements(1));
    for (name, height, width) in [("slow", 560, 1008), ("fast", 308, 532)] {
        let mut out = vec![0; height * width * 3];
        for level in Level::all() {
            let size = Size { height, width };
            group.bench_function(BenchmarkId::new(name, level.name().as_str()), |b| {
                b.iter(|| {
                    let filter = Filter::Bilinear;
                    resize_into(&frames, size, filter, &mut out, level, &Threads::new(1))
                });
            });
        }
        let source = ImageRef::new(WIDTH as u32, HEIGHT as u32, &data, PixelType::U8x3).unwrap();
        let mut target = Image::new(width as u32, height as u32, PixelType::U8x3);
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
        let mut resizer = Resizer::new();
        group.bench_function(BenchmarkId::new(name, "fast_image_resize"), |b| {
            b.iter(|| resizer.resize(&source, &mut target, &options));
        });
    }
}

criterion_group!(benches, write, compare, resize);
criterion_main!(benches);
