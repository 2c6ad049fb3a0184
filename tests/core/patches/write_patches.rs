//! Patches of whole videos against the naive definition: any layout, size, level and number of threads.

use keye_vl_core::{
    Element, Error, Filter, FrameType, FramesView, Level, Normalization, PatchPlan, Size, Threads,
    bf16, f16, write_patches,
};
use proptest::prelude::*;

use crate::inputs::{Frames, filter, frames};
use crate::naive;

/// Return the patches by the naive definition: frame after frame.
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

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
}
