//! HSV, similarity and slow/fast: the same results at every level, at once and frame by frame.

use crate::input::{Frames, parsed, same_at_every_level};
use keye_vl_core::{
    Comparison, FrameComparer, FramesView, Size, SlowFastSplitter, Threads, frame_similarity,
    hsv_from_rgb, slow_fast,
};

/// Run one input.
pub fn run(input: &[u8]) {
    let Some(input) = parsed::<(Frames, u8, [u8; 2], f32, f32)>(input) else {
        return;
    };
    let (frames, patch, sides, patch_similarity, min_frame_similarity) = input;
    let memory = frames.memory();
    let Some(view) = frames.view(&memory) else {
        return;
    };
    let patch = usize::from(patch % 40);
    let size = Size {
        height: usize::from(sides[0] % 5) * patch,
        width: usize::from(sides[1] % 5) * patch,
    };
    let comparison = Comparison {
        patch,
        patch_similarity: patch_similarity.into(),
        min_frame_similarity: min_frame_similarity.into(),
    };
    let [_, height, width] = frames.shape();
    let packed = frames.packed(&memory);
    let from = Size { height, width };
    let hsv = hsv_from_rgb(&view, keye_vl_core::Level::SCALAR).expect("frames are there");
    let last = FramesView::channels_last(&hsv, frames.shape()).expect("as large as the frames");
    same_at_every_level(|level| {
        let types = slow_fast(&view, size, &comparison, level, &Threads::new(1))
            .map_err(|error| error.to_string());
        if let Ok(types) = &types {
            let mut splitter = SlowFastSplitter::new(from, size, &comparison, level)
                .expect("slow_fast takes these sizes");
            for (pixels, expected) in packed.chunks_exact(height * width * 3).zip(types) {
                let one = FramesView::channels_last(pixels, [1, height, width]).expect("one frame");
                assert_eq!(
                    splitter.push(&one).expect("a frame of this size"),
                    *expected
                );
            }
        }
        let mut changes = None;
        if types.is_ok() {
            let comparer =
                FrameComparer::new(from, size, patch, comparison.patch_similarity, level)
                    .expect("slow_fast takes these sizes");
            let mut prepared = packed.chunks_exact(height * width * 3).map(|pixels| {
                let one = FramesView::channels_last(pixels, [1, height, width]).expect("one frame");
                comparer.prepare(&one).expect("a frame of this size")
            });
            if let (Some(first), Some(last)) = (prepared.next(), prepared.last()) {
                let found = comparer.compare(&first, &last).expect("frames of its own");
                changes = Some((found.similarity.to_bits(), found.patches));
            }
        }
        let similarity = frame_similarity(&view, &last, patch, patch_similarity.into(), level)
            .map(f64::to_bits)
            .map_err(|error| error.to_string());
        (
            hsv_from_rgb(&view, level).expect("frames are there"),
            types,
            changes,
            similarity,
        )
    });
}
