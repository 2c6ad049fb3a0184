//! Normalization as float32 arithmetic, used only where it reproduces all 768 entries of the table.

use crate::types::CHANNELS;

/// The constants of the formula:
///
/// ```text
/// unit   = fma(byte, scale_high, byte * scale_low)      one rounding: scale_high + scale_low = scale
/// rest   = unit - mean
/// guess  = rest * inverse
/// result = fma(fma(-guess, std, rest), inverse, guess)  the division, corrected once
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Formula {
    pub(super) scale_high: f32,
    pub(super) scale_low: f32,
    pub(super) mean: [f32; CHANNELS],
    pub(super) std: [f32; CHANNELS],
    pub(super) inverse: [f32; CHANNELS],
}

impl Formula {
    /// Return the formula for these constants if it gives every entry of `table`, bit for bit.
    pub(crate) fn reproducing(
        table: &[[f32; 256]; CHANNELS],
        scale: f64,
        mean: [f32; CHANNELS],
        std: [f32; CHANNELS],
    ) -> Option<Self> {
        let scale_high = scale as f32;
        let scale_low = (scale - f64::from(scale_high)) as f32;
        let formula = Self {
            scale_high,
            scale_low,
            mean,
            std,
            inverse: std.map(f32::recip),
        };
        let same = table.iter().enumerate().all(|(channel, values)| {
            (0..=255)
                .zip(values)
                .all(|(byte, value)| formula.value(channel, byte).to_bits() == value.to_bits())
        });
        same.then_some(formula)
    }

    /// Compute for one byte what vector code computes for many.
    fn value(&self, channel: usize, byte: u8) -> f32 {
        let byte = f32::from(byte);
        let unit = byte.mul_add(self.scale_high, byte * self.scale_low);
        let rest = unit - self.mean[channel];
        let guess = rest * self.inverse[channel];
        (-guess)
            .mul_add(self.std[channel], rest)
            .mul_add(self.inverse[channel], guess)
    }
}
