//! Inputs made from a fuzzer's bytes, and the check that all levels agree.

use arbitrary::{Arbitrary, Unstructured};
use keye_vl_core::{Filter, FramesView, Level};

/// The longest side of frames, in and out: enough for every vector path and its remainders.
pub const MOST: u16 = 200;

/// Frames in any layout that a caller may pass; their bytes repeat when they run out.
#[derive(Debug, Arbitrary)]
pub struct Frames {
    frames: u8,
    height: u16,
    width: u16,
    layout: Layout,
    bytes: Vec<u8>,
}

#[derive(Debug, Arbitrary)]
enum Layout {
    ChannelsLast,
    ChannelsFirst,
    /// Four bytes a pixel.
    Padded,
    /// Rows from the last to the first, columns from the right.
    Turned,
    /// Arbitrary numbers, most of which must be refused.
    Any {
        offset: u16,
        strides: [i16; 4],
    },
}

impl Frames {
    /// Return (frames, height, width), none of them large.
    pub fn shape(&self) -> [usize; 3] {
        let side = |number: u16| usize::from(number % MOST) + 1;
        [
            usize::from(self.frames % 4) + 1,
            side(self.height),
            side(self.width),
        ]
    }

    /// Return the memory for [`Frames::view`]. It ends with the last byte of the last pixel, so that any read
    /// behind that is a read past the allocation.
    pub fn memory(&self) -> Box<[u8]> {
        let pixels: usize = self.shape().iter().product();
        let length = match self.layout {
            Layout::Padded => pixels * 4 - 1,
            Layout::Any { .. } => pixels * 4,
            _ => pixels * 3,
        };
        repeated(&self.bytes, length)
    }

    /// View the frames; None if the layout reaches outside the memory.
    pub fn view<'a>(&self, memory: &'a [u8]) -> Option<FramesView<'a>> {
        let (offset, strides) = self.layout();
        FramesView::new(memory, offset, self.shape(), strides).ok()
    }

    /// Copy the frames from the memory of [`Frames::view`] to packed RGB.
    pub fn packed(&self, memory: &[u8]) -> Vec<u8> {
        let [frames, height, width] = self.shape();
        let (offset, strides) = self.layout();
        let mut packed = Vec::with_capacity(frames * height * width * 3);
        for frame in 0..frames {
            for y in 0..height {
                for x in 0..width {
                    for channel in 0..3 {
                        let place = [frame, y, x, channel];
                        let steps = place
                            .iter()
                            .zip(strides)
                            .map(|(n, step)| *n as isize * step);
                        packed.push(memory[(offset as isize + steps.sum::<isize>()) as usize]);
                    }
                }
            }
        }
        packed
    }

    fn layout(&self) -> (usize, [isize; 4]) {
        let [_, height, width] = self.shape();
        let [h, w] = [height, width].map(|side| side as isize);
        match self.layout {
            Layout::ChannelsLast => (0, [h * w * 3, w * 3, 3, 1]),
            Layout::ChannelsFirst => (0, [h * w * 3, w, 1, h * w]),
            Layout::Padded => (0, [h * w * 4, w * 4, 4, 1]),
            Layout::Turned => ((h * w * 3 - 3) as usize, [h * w * 3, -w * 3, -3, 1]),
            Layout::Any { offset, strides } => (usize::from(offset), strides.map(isize::from)),
        }
    }
}

/// Repeat a pattern up to a length in bytes, in an allocation of exactly that length.
pub fn repeated(pattern: &[u8], length: usize) -> Box<[u8]> {
    let pattern = if pattern.is_empty() { &[7] } else { pattern };
    pattern.iter().copied().cycle().take(length).collect()
}

/// Parse the input of a target as libFuzzer's macro does; None if there are too few bytes.
pub fn parsed<'a, T: Arbitrary<'a>>(input: &'a [u8]) -> Option<T> {
    if input.len() < T::size_hint(0).0 {
        return None;
    }
    T::arbitrary_take_rest(Unstructured::new(input)).ok()
}

/// Every filter.
#[derive(Debug, Clone, Copy, Arbitrary)]
pub enum AnyFilter {
    Bilinear,
    Bicubic,
    PillowBilinear,
    PillowBicubic,
}

impl From<AnyFilter> for Filter {
    fn from(filter: AnyFilter) -> Filter {
        match filter {
            AnyFilter::Bilinear => Filter::Bilinear,
            AnyFilter::Bicubic => Filter::Bicubic,
            AnyFilter::PillowBilinear => Filter::PillowBilinear,
            AnyFilter::PillowBicubic => Filter::PillowBicubic,
        }
    }
}

/// Run a computation at every level of this CPU, and panic if results differ.
pub fn same_at_every_level<T: PartialEq + std::fmt::Debug>(mut compute: impl FnMut(Level) -> T) {
    let expected = compute(Level::SCALAR);
    for level in Level::all() {
        assert_eq!(compute(level), expected, "{level:?}");
    }
}
