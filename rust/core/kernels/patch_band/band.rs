//! The pixels that patches are cut from.

use crate::types::CHANNELS;

/// A band of packed RGB pixels: `height` rows of `width` pixels, the first bytes of each `stride`.
#[derive(Debug, Clone, Copy)]
pub struct Band<'a> {
    bytes: &'a [u8],
    stride: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

impl<'a> Band<'a> {
    /// View `height` rows of `width` pixels.
    ///
    /// # Panics
    /// Panics if a row of `width` pixels does not fit `stride`, or `height` rows do not fit `bytes`.
    pub fn new(bytes: &'a [u8], stride: usize, width: usize, height: usize) -> Self {
        let row = width.checked_mul(CHANNELS);
        let fits = row.is_some_and(|row| row <= stride);
        assert!(fits, "width {width} does not fit stride {stride}");
        let fits = height
            .checked_mul(stride)
            .is_some_and(|needed| needed <= bytes.len());
        assert!(
            fits,
            "{height} rows of {stride} bytes do not fit {} bytes",
            bytes.len()
        );
        Self {
            bytes,
            stride,
            width,
            height,
        }
    }

    /// Return the bytes of row `y`.
    pub(super) fn row(&self, y: usize) -> &'a [u8] {
        &self.bytes[y * self.stride..][..self.width * CHANNELS]
    }
}
