//! Images in parts against the naive definition: any cut, spacing, level and filter.

use std::ops::Range;

use keye_vl_core::{Error, Filter, FramesView, ImageBands, Level, Normalization, Size};
use proptest::prelude::*;

use crate::inputs::noise;
use crate::naive;

const PATCH: usize = 14;
const MEAN: [f64; 3] = [0.5; 3];
const STD: [f64; 3] = [0.25; 3];

/// View some rows of an image with a pixel every `spacing` bytes.
fn shown(data: &[u8], width: usize, spacing: usize, rows: Range<usize>) -> FramesView<'_> {
    let row = width * spacing;
    let part = &data[rows.start * row..rows.end * row];
    let strides = [0, row as isize, spacing as isize, 1];
    FramesView::new(part, 0, [1, rows.len(), width], strides).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..Default::default() })]

    #[test]
    fn bands_are_the_definition(
        (height, width) in (1..150usize, 1..150usize),
        (rows, columns) in (1..4usize, 1..4usize),
        spacing in 3..5usize,
        step in 1..4usize,
        keep in 0..6usize,
        filter in prop_oneof![
            Just(Filter::Bilinear), Just(Filter::PillowBilinear), Just(Filter::PillowBicubic)
        ],
        seed in any::<u64>(),
    ) {
        let size = Size { height: 28 * rows, width: 28 * columns };
        let height = if keep == 0 { size.height } else { height };
        let width = if keep == 1 { size.width } else { width };
        let data = noise(height * width * spacing, seed);
        let rgb = data.chunks(spacing).flat_map(|p| [p[0], p[1], p[2]]).collect();
        let image = naive::Image { height, width, rgb };
        let resized = naive::resize(&image, size.height, size.width, filter);
        let expected = naive::patches(&resized, PATCH, 1.0 / 255.0, MEAN, STD);
        let normalization = Normalization::new(1.0 / 255.0, MEAN, STD).unwrap();
        for level in Level::all() {
            let bands =
                ImageBands::new(Size { height, width }, size, PATCH, filter, level).unwrap();
            let elements = expected.len() / bands.len();
            let mut out = vec![9f32; expected.len()];
            for first in (0..bands.len()).step_by(step) {
                let end = bands.len().min(first + step);
                let source = bands.source_rows(first..end).unwrap();
                let view = shown(&data, width, spacing, source);
                let out = &mut out[first * elements..end * elements];
                bands.write_patches(&view, first..end, &normalization, out).unwrap();
            }
            prop_assert!(out == expected, "{level:?}");
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let (from, size) = (
        Size {
            height: 90,
            width: 60,
        },
        Size {
            height: 56,
            width: 28,
        },
    );
    let level = Level::available();
    let make =
        |from, size, patch| ImageBands::new(from, size, patch, Filter::PillowBilinear, level);
    assert!(matches!(make(from, size, 0), Err(Error::Argument { .. })));
    assert!(matches!(make(from, from, PATCH), Err(Error::Size { .. })));
    let none = Size {
        height: 0,
        width: 60,
    };
    assert!(make(none, size, PATCH).is_err());

    let bands = make(from, size, PATCH).unwrap();
    assert_eq!((bands.len(), bands.is_empty()), (4, false));
    for wrong in [0..0, 3..5, 4..4, 5..6] {
        assert!(bands.source_rows(wrong).is_err());
    }
    let normalization = Normalization::new(1.0, [0.0; 3], [1.0; 3]).unwrap();
    let data = [0; 90 * 60 * 3];
    let write = |rows: Range<usize>, width, room: usize| {
        let view = shown(&data, width, 3, rows);
        bands.write_patches(&view, 0..2, &normalization, &mut vec![0f32; room])
    };
    let room = 2 * PATCH * 28 * 3;
    let rows = bands.source_rows(0..2).unwrap();
    assert!(write(rows.clone(), 60, room).is_ok());
    assert!(matches!(
        write(0..rows.end - 1, 60, room),
        Err(Error::FrameShape { .. })
    ));
    assert!(matches!(
        write(rows.clone(), 59, room),
        Err(Error::FrameShape { .. })
    ));
    assert!(matches!(
        write(rows, 60, room - 1),
        Err(Error::OutputLength { .. })
    ));
}
