//! One row of a frame.

use crate::types::{CHANNELS, PADDED};

/// One row of pixels, in any memory layout.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(super) data: &'a [u8],
    pub(super) start: usize,
    pub(super) width: usize,
    pub(super) pixel_stride: isize,
    pub(super) channel_stride: isize,
}

impl<'a> Row<'a> {
    /// Return the bytes of the row if R G B lie there every `spacing` bytes, which is what kernels read.
    pub(crate) fn spaced(&self, spacing: usize) -> Option<&'a [u8]> {
        (self.pixel_stride == spacing as isize && self.channel_stride == 1).then(|| {
            let length = (self.width - 1) * spacing + CHANNELS;
            &self.data[self.start..self.start + length]
        })
    }

    /// Copy the row as R G B R G B ... to the front of `out`.
    pub(crate) fn pack_into(&self, out: &mut [u8]) {
        let out = &mut out[..self.width * CHANNELS];
        if let Some(packed) = self.spaced(CHANNELS) {
            out.copy_from_slice(packed);
        } else if let Some(padded) = self.spaced(PADDED) {
            for (pixel, padded) in out.chunks_exact_mut(CHANNELS).zip(padded.chunks(PADDED)) {
                pixel.copy_from_slice(&padded[..CHANNELS]);
            }
        } else if self.pixel_stride == 1 {
            let plane = |channel: usize| {
                let start = self.position(0, channel);
                &self.data[start..start + self.width]
            };
            let planes = plane(0).iter().zip(plane(1)).zip(plane(2));
            for (pixel, ((r, g), b)) in out.chunks_exact_mut(CHANNELS).zip(planes) {
                pixel.copy_from_slice(&[*r, *g, *b]);
            }
        } else {
            for (x, pixel) in out.chunks_exact_mut(CHANNELS).enumerate() {
                for (channel, value) in pixel.iter_mut().enumerate() {
                    *value = self.data[self.position(x, channel)];
                }
            }
        }
    }

    /// Return the index in `data` of one value.
    fn position(&self, x: usize, channel: usize) -> usize {
        let step = x as isize * self.pixel_stride + channel as isize * self.channel_stride;
        self.start.wrapping_add_signed(step)
    }
}
