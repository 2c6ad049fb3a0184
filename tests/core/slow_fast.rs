//! Slow/fast splitting, at once and frame by frame, against the naive definition.

use keye_vl_core::{
    Comparison, Error, FrameComparer, FrameType, FramesView, Level, PatchChange, Size,
    SlowFastSplitter, Threads, slow_fast,
};
use proptest::prelude::*;

use crate::inputs::{Frames, frames};
use crate::naive;

/// Return the type of each frame, as a number, decided before the next one is known.
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
fn the_share_is_rounded_to_float32() {
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
fn impossible_comparisons_are_refused() {
    let data = vec![0u8; 2 * 28 * 28 * 3];
    let frames = FramesView::channels_last(&data, [2, 28, 28]).unwrap();
    let (level, threads) = (Level::available(), Threads::new(2));
    let size = Size {
        height: 28,
        width: 28,
    };
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..Default::default() })]

    #[test]
    fn comparing_with_the_last_slow_frame_is_the_splitters_decision(
        frames in frames(2..8, 8..40),
        size in (1..4usize, 1..4usize),
        threshold in prop_oneof![Just(0.9), Just(0.5), 0.0..1.1f64],
    ) {
        let [count, height, width] = frames.shape;
        let (from, size) = (Size { height, width }, Size { height: 28 * size.0, width: 28 * size.1 });
        let comparison = Comparison { min_frame_similarity: threshold, ..Comparison::default() };
        let Comparison { patch, patch_similarity, .. } = comparison;
        for level in Level::all() {
            let comparer = FrameComparer::new(from, size, patch, patch_similarity, level).unwrap();
            let prepared: Vec<_> = (0..count).map(|i| {
                let offset = frames.offset + i * frames.strides[0] as usize;
                let view = FramesView::new(&frames.data, offset, [1, height, width], frames.strides);
                comparer.prepare(&view.unwrap()).unwrap()
            }).collect();
            let (mut last, mut types) = (0, vec![0]);
            for i in 1..count {
                let changes = comparer.compare(&prepared[last], &prepared[i]).unwrap();
                let of = |kind| changes.patches.iter().filter(|one| **one == kind).count();
                let (unchanged, changed) = (of(PatchChange::Unchanged), of(PatchChange::Changed));
                prop_assert_eq!(changes.patches.len(), size.pixels() / (patch * patch));
                let share = f64::from(unchanged as f32 / (unchanged + changed) as f32);
                prop_assert_eq!(changes.similarity.to_bits(), share.to_bits());
                let slow = changes.similarity < threshold;
                types.push(u8::from(!slow));
                if slow {
                    last = i;
                }
            }
            prop_assert_eq!(&types, &pushed(&frames, size, &comparison, level));
        }
    }
}

#[test]
fn a_comparer_refuses_frames_of_another_and_of_other_sizes() {
    let size = |height, width| Size { height, width };
    let new = |to| FrameComparer::new(size(28, 28), to, 28, 0.7, Level::available());
    let (one, other) = (new(size(28, 28)).unwrap(), new(size(28, 56)).unwrap());
    let data = vec![9u8; 29 * 28 * 3];
    let view =
        |height| FramesView::channels_last(&data[..height * 28 * 3], [1, height, 28]).unwrap();
    let (frame, foreign) = (
        one.prepare(&view(28)).unwrap(),
        other.prepare(&view(28)).unwrap(),
    );
    assert_eq!(
        one.compare(&frame, &frame).unwrap().patches,
        [PatchChange::Unchanged]
    );
    assert!(one.compare(&frame, &foreign).is_err());
    assert!(one.compare(&foreign, &frame).is_err());
    assert!(one.prepare(&view(29)).is_err());
    assert!(new(size(27, 28)).is_err());
    let nan = FrameComparer::new(size(28, 28), size(28, 28), 28, f64::NAN, Level::available());
    assert!(nan.is_err());
}
