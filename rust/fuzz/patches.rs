//! The fused operator, and images in parts: the same bits at every level, in every element type.

use crate::input::{AnyFilter, Frames, parsed, same_at_every_level};
use arbitrary::Arbitrary;
use keye_vl_core::{
    Element, FrameType, FramesView, ImageBands, Level, Normalization, PatchPlan, Size, Threads,
    bf16, f16, write_patches,
};

#[derive(Debug, Arbitrary)]
struct Input {
    frames: Frames,
    types: u8,
    sides: [u8; 4],
    patch: u8,
    filter: AnyFilter,
    scale: f32,
    mean: [f32; 3],
    std: [f32; 3],
    split: u8,
}

/// Write patches and return their bits.
fn written<T: Element + Default + Copy>(
    frames: &FramesView<'_>,
    plan: &PatchPlan,
    input: &Input,
    normalization: &Normalization,
    level: Level,
    bits: fn(T) -> u32,
) -> Vec<u32> {
    let mut out = vec![T::default(); plan.elements()];
    let threads = Threads::new(1);
    write_patches(
        frames,
        plan,
        input.filter.into(),
        normalization,
        &mut out,
        level,
        &threads,
    )
    .expect("the plan is one for these frames");
    out.into_iter().map(bits).collect()
}

/// Run one input.
pub fn run(input: &[u8]) {
    let Some(input) = parsed::<Input>(input) else {
        return;
    };
    let memory = input.frames.memory();
    let Some(view) = input.frames.view(&memory) else {
        return;
    };
    let patch = usize::from(input.patch % 20);
    let side = |number: u8| usize::from(number % 5) * 2 * patch.max(1);
    let size = |height: u8, width: u8| Size {
        height: side(height),
        width: side(width),
    };
    let [a, b, c, d] = input.sides;
    let types = (0..view.len())
        .map(|frame| match input.types >> frame & 1 {
            0 => FrameType::Slow,
            _ => FrameType::Fast,
        })
        .collect();
    let numbers = |values: [f32; 3]| values.map(f64::from);
    let Ok(normalization) =
        Normalization::new(input.scale.into(), numbers(input.mean), numbers(input.std))
    else {
        return;
    };
    let Ok(plan) = PatchPlan::new(types, size(a, b), size(c, d), patch) else {
        return;
    };
    if plan.elements() > 1 << 20 || [a, b, c, d].iter().any(|side| side % 5 == 0) {
        return;
    }
    same_at_every_level(|level| {
        let f = written::<f32>(&view, &plan, &input, &normalization, level, f32::to_bits);
        let h = written::<f16>(&view, &plan, &input, &normalization, level, |x| {
            x.to_bits().into()
        });
        let b = written::<bf16>(&view, &plan, &input, &normalization, level, |x| {
            x.to_bits().into()
        });
        (f, h, b)
    });

    // The first frame as an image, in two parts.
    let target = size(a, b);
    let [_, height, width] = input.frames.shape();
    let packed = input.frames.packed(&memory);
    let from = Size { height, width };
    same_at_every_level(|level| {
        let bands = ImageBands::new(from, target, patch, input.filter.into(), level).ok()?;
        let cut = usize::from(input.split) % (bands.len() + 1);
        let mut out = vec![0f32; target.height * target.width * 3];
        let (first, second) = out.split_at_mut(cut * patch * target.width * 3);
        for (part, out) in [(0..cut, first), (cut..bands.len(), second)] {
            if part.is_empty() {
                continue;
            }
            let rows = bands.source_rows(part.clone()).expect("bands of the image");
            let shown = &packed[rows.start * width * 3..rows.end * width * 3];
            let shown = FramesView::channels_last(shown, [1, rows.len(), width])
                .expect("rows lie one after the other");
            bands
                .write_patches(&shown, part, &normalization, out)
                .expect("these are the rows of these bands");
        }
        Some(out.into_iter().map(f32::to_bits).collect::<Vec<_>>())
    });
}
