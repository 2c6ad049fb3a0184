//! The shortest statement of every result, to compare the crate with. Slow on purpose; it shares no code
//! with the crate.

mod patches;
mod resample;
mod slow_fast;

pub(crate) use patches::patches;
pub(crate) use resample::{resize, weights};
pub(crate) use slow_fast::{hsv, slow_fast};

/// A frame or an image: packed RGB, or HSV.
pub(crate) struct Image {
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) rgb: Vec<u8>,
}

impl Image {
    pub(crate) fn at(&self, y: usize, x: usize, c: usize) -> u8 {
        self.rgb[(y * self.width + x) * 3 + c]
    }
}
