//! Frames where they lie in the caller's memory: a checked shape and strides over borrowed bytes.

mod row;

use crate::error::{Error, Result};
use crate::types::{CHANNELS, PADDED, Size};
pub(crate) use row::Row;

/// N frames of H x W RGB pixels, uint8, in any memory layout. Nothing is copied.
#[derive(Debug, Clone, Copy)]
pub struct FramesView<'a> {
    data: &'a [u8],
    offset: usize,
    shape: [usize; 3],
    strides: [isize; 4],
}

impl<'a> FramesView<'a> {
    /// View frames of `shape` (N, H, W) whose first byte is `data[offset]`, with byte `strides` of frame,
    /// row, pixel and channel; strides may be zero, negative or overlapping.
    ///
    /// # Errors
    /// Returns [`Error::FramesShape`] if a side is zero, [`Error::FramesBounds`] if some pixel would lie
    /// outside `data`.
    pub fn new(
        data: &'a [u8],
        offset: usize,
        shape: [usize; 3],
        strides: [isize; 4],
    ) -> Result<Self> {
        let [frames, height, width] = shape;
        if height == 0 || width == 0 {
            return Err(Error::FramesShape {
                shape: vec![frames, height, width, CHANNELS],
            });
        }
        let view = Self {
            data,
            offset,
            shape,
            strides,
        };
        let countable = width.checked_mul(CHANNELS).is_some();
        if !countable || frames > 0 && !view.is_inside() {
            return Err(Error::FramesBounds {
                shape,
                strides,
                len: data.len(),
            });
        }
        Ok(view)
    }

    /// View contiguous frames (N, H, W, 3).
    ///
    /// # Errors
    /// As [`FramesView::new`].
    pub fn channels_last(data: &'a [u8], shape: [usize; 3]) -> Result<Self> {
        let [_, height, width] = shape;
        let row = width.saturating_mul(CHANNELS);
        let strides = [row.saturating_mul(height), row, CHANNELS, 1];
        Self::new(data, 0, shape, strides.map(saturate))
    }

    /// View contiguous frames (N, 3, H, W).
    ///
    /// # Errors
    /// As [`FramesView::new`].
    pub fn channels_first(data: &'a [u8], shape: [usize; 3]) -> Result<Self> {
        let [_, height, width] = shape;
        let plane = width.saturating_mul(height);
        let strides = [plane.saturating_mul(CHANNELS), width, 1, plane];
        Self::new(data, 0, shape, strides.map(saturate))
    }

    /// Return the number of frames.
    pub fn len(&self) -> usize {
        self.shape[0]
    }

    /// Return whether there is no frame.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Return the height of a frame in pixels.
    pub fn height(&self) -> usize {
        self.shape[1]
    }

    /// Return the width of a frame in pixels.
    pub fn width(&self) -> usize {
        self.shape[2]
    }

    /// Return the size of a frame.
    pub(crate) fn size(&self) -> Size {
        Size {
            height: self.height(),
            width: self.width(),
        }
    }

    /// Return the bytes from one row to the next.
    pub(crate) fn row_stride(&self) -> isize {
        self.strides[1]
    }

    /// Return the bytes from one pixel to the next as kernels will read them: 4 where rows are RGB with a
    /// byte of padding, else 3, for which rows that are not packed RGB must be copied.
    pub(crate) fn spacing(&self) -> usize {
        if self.strides[2..] == [PADDED as isize, 1] {
            PADDED
        } else {
            CHANNELS
        }
    }

    /// Return whether all bytes of all pixels lie inside `data`.
    fn is_inside(&self) -> bool {
        let [frames, height, width] = self.shape;
        let (mut lowest, mut highest) = (self.offset as i128, self.offset as i128);
        for (length, stride) in [frames, height, width, CHANNELS]
            .into_iter()
            .zip(self.strides)
        {
            // Saturated sums are outside too.
            let reach = (length as i128 - 1).saturating_mul(stride as i128);
            lowest = lowest.saturating_add(reach.min(0));
            highest = highest.saturating_add(reach.max(0));
        }
        lowest >= 0 && highest < self.data.len() as i128
    }

    /// Return one row of one frame.
    ///
    /// # Panics
    /// Panics if there is no such frame or row.
    pub(crate) fn row(&self, frame: usize, y: usize) -> Row<'a> {
        assert!(
            frame < self.len() && y < self.height(),
            "row {y} of frame {frame} is outside"
        );
        let start = self.offset.wrapping_add_signed(
            (frame as isize)
                .wrapping_mul(self.strides[0])
                .wrapping_add((y as isize).wrapping_mul(self.strides[1])),
        );
        Row {
            data: self.data,
            start,
            width: self.width(),
            pixel_stride: self.strides[2],
            channel_stride: self.strides[3],
        }
    }
}

/// Turn a length into a stride. `new` refuses one that saturates: no buffer is so large.
fn saturate(length: usize) -> isize {
    isize::try_from(length).unwrap_or(isize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed_row(frames: &FramesView<'_>, frame: usize, y: usize) -> Vec<u8> {
        let mut out = vec![0; frames.width() * CHANNELS];
        frames.row(frame, y).pack_into(&mut out);
        out
    }

    #[test]
    fn every_layout_gives_the_same_rows() {
        let (n, h, w) = (2, 3, 5);
        let value = |i: usize, y: usize, x: usize, c: usize| (i * 97 + y * 31 + x * 7 + c) as u8;
        let layout = |strides: [isize; 4], offset: usize, len: usize| {
            let mut data = vec![0u8; len];
            for i in 0..n {
                for y in 0..h {
                    for x in 0..w {
                        for c in 0..CHANNELS {
                            let at = [i, y, x, c].into_iter().zip(strides);
                            let step: isize = at.map(|(i, s)| i as isize * s).sum();
                            data[offset.wrapping_add_signed(step)] = value(i, y, x, c);
                        }
                    }
                }
            }
            (data, offset, strides)
        };
        let layouts = [
            layout([45, 15, 3, 1], 0, 90),   // channels last
            layout([45, 5, 1, 15], 0, 90),   // channels first
            layout([60, 20, 4, 1], 7, 130),  // RGB within RGBA, offset
            layout([45, -15, 3, 1], 30, 90), // upside down
            layout([45, 15, -3, 1], 12, 90), // mirrored
            layout([90, 30, 6, 2], 0, 180),  // every second byte
        ];
        for (data, offset, strides) in &layouts {
            let frames = FramesView::new(data, *offset, [n, h, w], *strides).unwrap();
            for i in 0..n {
                for y in 0..h {
                    let expected: Vec<u8> = (0..w * CHANNELS)
                        .map(|b| value(i, y, b / CHANNELS, b % CHANNELS))
                        .collect();
                    assert_eq!(packed_row(&frames, i, y), expected, "{strides:?}");
                }
            }
        }
    }

    #[test]
    fn a_view_that_would_reach_outside_is_refused() {
        let data = [0u8; 90];
        let refused = [
            (0, [2, 3, 5], [46, 15, 3, 1]),
            (1, [2, 3, 5], [45, 15, 3, 1]),
            (0, [2, 3, 5], [45, -15, 3, 1]),
            (0, [3, 3, 5], [45, 15, 3, 1]),
            (0, [2, usize::MAX, 5], [45, 15, 3, 1]),
            (usize::MAX, [1, 1, 1], [0, 0, 0, 0]),
            (0, [usize::MAX, 1, 1], [isize::MAX, 0, 0, 0]),
            (0, [1, 1, usize::MAX / 2], [0, 0, 0, 0]),
        ];
        for (offset, shape, strides) in refused {
            let view = FramesView::new(&data, offset, shape, strides);
            assert!(
                matches!(view, Err(Error::FramesBounds { .. })),
                "{shape:?} {strides:?}"
            );
        }
        let empty_side = FramesView::channels_last(&data, [2, 0, 5]);
        assert!(matches!(empty_side, Err(Error::FramesShape { .. })));
        assert!(FramesView::channels_last(&data, [usize::MAX, usize::MAX, usize::MAX]).is_err());
        assert!(
            FramesView::channels_last(&[], [0, 3, 5])
                .unwrap()
                .is_empty()
        );
    }
}
