//! Resizing frames in any layout: the same bytes, or the same error, at every level.

use crate::input::{AnyFilter, Frames, MOST, parsed, same_at_every_level};
use keye_vl_core::{Size, Threads, resize};

/// Run one input.
pub fn run(input: &[u8]) {
    let Some(input) = parsed::<(Frames, u16, u16, AnyFilter)>(input) else {
        return;
    };
    let (frames, height, width, filter) = input;
    let memory = frames.memory();
    let Some(view) = frames.view(&memory) else {
        return;
    };
    let size = Size {
        height: usize::from(height % MOST),
        width: usize::from(width % MOST),
    };
    same_at_every_level(|level| {
        resize(&view, size, filter.into(), level, &Threads::new(1)).map_err(|e| e.to_string())
    });
}
