//! Whole operations against the naive definition: any layout, size, level and number of threads.

mod naive;

use half::{bf16, f16};
use keye_vl_core::{
    Comparison, Element, Error, Filter, FrameType, FramesView, Level, Normalization, PatchPlan,
    Size, SlowFastSplitter, Threads, resize_into, slow_fast, write_patches,
};
use naive::Image;
use proptest::prelude::*;

/// Frames in some memory layout, and the same frames as images.
#[derive(Debug)]
struct Frames {
    data: Vec<u8>,
    offset: usize,
    shape: [usize; 3],
    strides: [isize; 4],
}

impl Frames {
    fn view(&self) -> FramesView<'_> {
        FramesView::new(&self.data, self.offset, self.shape, self.strides).unwrap()
    }

    fn images(&self) -> Vec<Image> {
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

/// Random frames, channels last or first, with gaps, upside down, mirrored, at any offset.
fn frames(
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
                data: naive::noise(n * frame + 8, seed),
                offset,
                shape: [n, h, w],
                strides,
            }
        },
    )
}

fn filter() -> impl Strategy<Value = Filter> {
    prop_oneof![
        Just(Filter::Bilinear),
        Just(Filter::Bicubic),
        Just(Filter::PillowBilinear),
        Just(Filter::PillowBicubic),
    ]
}

/// As the naive definition lays it out: frame after frame.
fn naive_patches<T: Element>(
    frames: &Frames,
    types: &[FrameType],
    sizes: [Size; 2],
    filter: Filter,
) -> Vec<T> {
    let images = frames.images().into_iter().zip(types);
    images
        .flat_map(|(image, kind)| {
            let Size { height, width } = sizes[*kind as usize];
            let resized = naive::resize(&image, height, width, filter);
            naive::patches(&resized, 14, 1.0 / 255.0, [0.5; 3], [0.25; 3])
        })
        .map(T::from_f32)
        .collect()
}

fn check_patches<T: Element>(
    frames: &Frames,
    types: &[FrameType],
    sizes: [Size; 2],
    filter: Filter,
) {
    let expected = naive_patches::<T>(frames, types, sizes, filter);
    let plan = PatchPlan::new(types.to_vec(), sizes[0], sizes[1], 14).unwrap();
    let normalization = Normalization::new(1.0 / 255.0, [0.5; 3], [0.25; 3]).unwrap();
    for level in Level::all() {
        for threads in [1, 2, 5] {
            let mut out = vec![T::from_f32(9.0); plan.elements()];
            write_patches(
                &frames.view(),
                &plan,
                filter,
                &normalization,
                &mut out,
                level,
                &Threads::new(threads),
            )
            .unwrap();
            assert!(out == expected, "{level:?}, {threads} threads");
        }
    }
}

/// The type of each frame, as a number, told without knowing those after it.
fn pushed(frames: &Frames, size: Size, comparison: &Comparison, level: Level) -> Vec<u8> {
    let [count, height, width] = frames.shape;
    let mut splitter =
        SlowFastSplitter::new(Size { height, width }, size, comparison, level).unwrap();
    let frame = |i: usize| {
        let offset = frames.offset + i * frames.strides[0] as usize;
        FramesView::new(&frames.data, offset, [1, height, width], frames.strides).unwrap()
    };
    (0..count)
        .map(|i| splitter.push(&frame(i)).unwrap() as u8)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

    #[test]
    fn resize_is_the_definition(
        frames in frames(0..4, 1..80),
        height in 1..90usize,
        width in 1..90usize,
        keep in 0..6usize,
        filter in filter(),
    ) {
        let height = if keep == 0 { frames.shape[1] } else { height };
        let width = if keep == 1 { frames.shape[2] } else { width };
        let expected: Vec<u8> = frames
            .images()
            .iter()
            .flat_map(|image| naive::resize(image, height, width, filter).rgb)
            .collect();
        for level in Level::all() {
            for threads in [1, 3] {
                let mut out = vec![0; expected.len()];
                let size = Size { height, width };
                resize_into(&frames.view(), size, filter, &mut out, level, &Threads::new(threads))
                    .unwrap();
                prop_assert!(out == expected, "{:?}, {} threads", level, threads);
            }
        }
    }

    #[test]
    fn patches_are_the_definition(
        frames in frames(0..5, 1..70),
        types in prop::collection::vec(prop_oneof![Just(FrameType::Slow), Just(FrameType::Fast)], 5),
        slow in (1..4usize, 1..4usize),
        fast in (1..3usize, 1..3usize),
        filter in filter(),
        kind in 0..3,
    ) {
        let types = &types[..frames.shape[0]];
        let sizes = [slow, fast].map(|(h, w)| Size { height: 28 * h, width: 28 * w });
        match kind {
            0 => check_patches::<f32>(&frames, types, sizes, filter),
            1 => check_patches::<bf16>(&frames, types, sizes, filter),
            _ => check_patches::<f16>(&frames, types, sizes, filter),
        }
    }

    #[test]
    fn slow_fast_is_the_definition(
        frames in frames(1..40, 8..40),
        still in prop::collection::vec(any::<bool>(), 40),
        dark in any::<bool>(),
        size in (1..3usize, 1..3usize),
        threshold in prop_oneof![Just(0.9), Just(0.5), Just(0.25), 0.0..1.1f64],
    ) {
        // Frames that repeat the one before, and black ones, are what real videos have.
        let images = frames.images();
        let mut data: Vec<u8> = Vec::new();
        for (i, image) in images.iter().enumerate() {
            match (i, still[i], dark && i % 5 == 3) {
                (_, _, true) => data.extend(vec![0; image.rgb.len()]),
                (1.., true, _) => data.extend_from_within(data.len() - image.rgb.len()..),
                _ => data.extend(&image.rgb),
            }
        }
        let frames = Frames {
            data,
            offset: 0,
            strides: [
                (frames.shape[1] * frames.shape[2] * 3) as isize,
                (frames.shape[2] * 3) as isize,
                3,
                1,
            ],
            shape: frames.shape,
        };
        let (height, width) = (28 * size.0, 28 * size.1);
        let expected = naive::slow_fast(&frames.images(), height, width, threshold);
        let comparison = Comparison { min_frame_similarity: threshold, ..Comparison::default() };
        for level in Level::all() {
            for threads in [1, 2] {
                let threads = Threads::new(threads);
                let size = Size { height, width };
                let types = slow_fast(&frames.view(), size, &comparison, level, &threads).unwrap();
                let types: Vec<u8> = types.into_iter().map(|kind| kind as u8).collect();
                prop_assert_eq!(&types, &expected);
            }
            let pushed = pushed(&frames, Size { height, width }, &comparison, level);
            prop_assert_eq!(&pushed, &expected);
        }
    }
}

#[test]
fn the_published_share_is_rounded_to_float32() {
    // 18 of 20 patches unchanged: 0.9 in float32 is below the threshold 0.9 in float64.
    let (height, width) = (4 * 28, 5 * 28);
    let mut frames = vec![200u8; 2 * height * width * 3];
    let second = &mut frames[height * width * 3..];
    for y in 0..28 {
        for x in 0..56 {
            second[(y * width + x) * 3..][..3].copy_from_slice(&[1, 0, 0]);
        }
    }
    let view = FramesView::channels_last(&frames, [2, height, width]).unwrap();
    let size = Size { height, width };
    let types = slow_fast(
        &view,
        size,
        &Comparison::default(),
        Level::available(),
        &Threads::new(1),
    );
    assert_eq!(types, Ok(vec![FrameType::Slow, FrameType::Slow]));
}

#[test]
fn wrong_arguments_are_refused_before_anything_is_written() {
    let data = vec![0u8; 2 * 28 * 28 * 3];
    let frames = FramesView::channels_last(&data, [2, 28, 28]).unwrap();
    let (level, threads) = (Level::available(), Threads::new(2));
    let normalization = Normalization::new(1.0, [0.0; 3], [1.0; 3]).unwrap();
    let size = Size {
        height: 28,
        width: 28,
    };
    let run = |types: &[FrameType], elements: usize| {
        let plan = PatchPlan::new(types.to_vec(), size, size, 14).unwrap();
        let mut out = vec![-1f32; elements];
        let result = write_patches(
            &frames,
            &plan,
            Filter::Bilinear,
            &normalization,
            &mut out,
            level,
            &threads,
        );
        assert!(result.is_ok() || out.iter().all(|value| *value == -1.0));
        result
    };
    let one = 28 * 28 * 3;
    assert_eq!(run(&[FrameType::Slow, FrameType::Fast], 2 * one), Ok(()));
    assert_eq!(
        run(&[FrameType::Slow], one),
        Err(Error::FrameTypesLength {
            types: 1,
            frames: 2
        })
    );
    assert_eq!(
        run(&[FrameType::Slow; 2], 2 * one - 1),
        Err(Error::OutputLength {
            len: 2 * one - 1,
            expected: 2 * one
        })
    );
    for (height, width) in [(0, 28), (28, 27), (14, 28), (usize::MAX / 28 * 28, 28 * 28)] {
        let plan = PatchPlan::new(vec![FrameType::Fast], size, Size { height, width }, 14);
        assert!(
            matches!(
                plan,
                Err(Error::Size {
                    name: "fast_size",
                    ..
                })
            ),
            "{height} {width}"
        );
    }
    let small = Size {
        height: 28,
        width: 29,
    };
    assert!(slow_fast(&frames, small, &Comparison::default(), level, &threads).is_err());
    let comparison = Comparison {
        min_frame_similarity: f64::NAN,
        ..Comparison::default()
    };
    assert!(slow_fast(&frames, size, &comparison, level, &threads).is_err());
    assert!(SlowFastSplitter::new(size, size, &comparison, level).is_err());
}

#[test]
fn a_splitter_refuses_other_frames_and_goes_on() {
    let size = Size {
        height: 28,
        width: 28,
    };
    let level = Level::available();
    let new = |from, size| SlowFastSplitter::new(from, size, &Comparison::default(), level);
    let mut splitter = new(size, size).unwrap();
    let (bright, dark) = (vec![200; 2 * 28 * 29 * 3], vec![0; 28 * 28 * 3]);
    let view = |data, shape| FramesView::channels_last(data, shape).unwrap();
    assert_eq!(
        splitter.push(&view(&dark, [1, 28, 28])),
        Ok(FrameType::Slow)
    );
    for shape in [[1, 28, 29], [1, 29, 28], [2, 28, 28], [0, 28, 28]] {
        assert_eq!(
            splitter.push(&view(&bright[..shape.iter().product::<usize>() * 3], shape)),
            Err(Error::FrameShape {
                shape,
                expected: [1, 28, 28]
            })
        );
    }
    assert_eq!(
        splitter.push(&view(&dark, [1, 28, 28])),
        Ok(FrameType::Fast)
    );
    let refused = [(0, 28), (28, 0), (28, 29), (14, 28)];
    for (height, width) in refused {
        assert!(new(size, Size { height, width }).is_err());
    }
    assert!(new(Size { height: 0, ..size }, size).is_err());
}
