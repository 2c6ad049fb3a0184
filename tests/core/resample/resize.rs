//! Resizing against the naive definition: any layout, size, level and number of threads.

use keye_vl_core::{Level, Size, Threads, resize_into};
use proptest::prelude::*;

use crate::inputs::{filter, frames};
use crate::naive;

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
}
