//! Computes weights as torch's antialiased uint8 `interpolate` and Pillow's `resize` compute them: the
//! two agree up to the rounding.

use super::Filter;
use crate::error::{Error, Result};
use crate::memory;
use crate::types::{LOWER_BITS, Weights};

/// Most fraction bits of torch's weights, which have fewer where the largest would not fit an i16.
const MAX_PRECISION: u32 = 22;
/// Fraction bits of Pillow's weights.
const PILLOW_PRECISION: u32 = 22;
/// The longest side, in or out, at which positions and weights are exact enough to trust.
const MAX_SIDE: usize = 1 << 24;

impl Weights {
    /// Compute the weights that resample `size_in` pixels to `size_out`, both in 1..=2**24.
    ///
    /// The kernel widens when shrinking (antialias). Weights are computed and normalized in float64,
    /// then rounded, halves away from zero: torch's to i16 with the most fraction bits at which the
    /// largest weight of all fits, Pillow's with 22 fraction bits, split in two.
    ///
    /// # Errors
    /// Returns [`Error::Argument`] if a size is out of range, [`Error::Memory`] if the weights do not
    /// fit in memory.
    pub fn new(size_in: usize, size_out: usize, filter: Filter) -> Result<Self> {
        for size in [size_in, size_out] {
            if !(1..=MAX_SIDE).contains(&size) {
                return Err(Error::Argument {
                    name: "height or width",
                    value: size.to_string(),
                    expected: "1 to 16777216 pixels",
                });
            }
        }
        let scale = size_in as f64 / size_out as f64;
        let stretch = scale.max(1.0);
        let support = filter.radius() * stretch;
        let mut starts = memory::with_capacity(size_out)?;
        let mut counts = memory::with_capacity(size_out)?;
        for output in 0..size_out {
            let centre = scale * (output as f64 + 0.5);
            // `as` truncates toward zero, and negative numbers to zero, as torch and Pillow do.
            let start = (centre - support + 0.5) as usize;
            let end = ((centre + support + 0.5) as usize).min(size_in);
            starts.push(start);
            counts.push(end - start);
        }
        let mut exact: Vec<f64> = memory::with_capacity(counts.iter().sum())?;
        let mut largest = 0.0f64;
        for (output, (start, count)) in starts.iter().zip(&counts).enumerate() {
            let centre = scale * (output as f64 + 0.5);
            let first = exact.len();
            exact.extend((*start..start + count).map(|source| {
                let distance = source as f64 - centre + 0.5;
                filter.at(distance * (1.0 / stretch))
            }));
            let row = &mut exact[first..];
            let total: f64 = row.iter().sum();
            if total != 0.0 {
                row.iter_mut().for_each(|weight| *weight /= total);
            }
            largest = row.iter().fold(largest, |most, weight| most.max(*weight));
        }
        let precision = if filter.is_pillow() {
            PILLOW_PRECISION
        } else {
            precision_for(largest)
        };
        let taps = counts
            .iter()
            .max()
            .map_or(0, |most| most.next_multiple_of(2));
        let places = size_out.saturating_mul(taps);
        let mut values = memory::filled(0i16, places)?;
        let mut lower = memory::filled(0i16, if filter.is_pillow() { places } else { 0 })?;
        let mut exact = exact.into_iter();
        for (output, count) in counts.iter().enumerate() {
            let first = output * taps;
            for (place, weight) in (first..).zip(exact.by_ref().take(*count)) {
                let scaled = weight * f64::from(1u32 << precision);
                let fixed = (scaled + 0.5f64.copysign(weight)) as i32;
                // Both parts fit: torch's weights do as a whole, and Pillow's are below 2**24.
                if filter.is_pillow() {
                    values[place] = (fixed >> LOWER_BITS) as i16;
                    lower[place] = (fixed & ((1 << LOWER_BITS) - 1)) as i16;
                } else {
                    values[place] = fixed as i16;
                }
            }
        }
        Ok(Self::from_parts(
            (starts, counts),
            (values, lower),
            taps,
            precision,
            size_in,
        ))
    }
}

/// Return the most fraction bits at which `largest` fits an i16.
fn precision_for(largest: f64) -> u32 {
    let fits = |bits: u32| 0.5 + largest * f64::from(1u32 << bits) < 32768.0;
    (0..MAX_PRECISION)
        .find(|bits| !fits(bits + 1))
        .unwrap_or(MAX_PRECISION)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_of_an_output_sum_to_one_within_rounding() {
        use Filter::{Bicubic, Bilinear, PillowBicubic, PillowBilinear};
        for filter in [Bilinear, Bicubic, PillowBilinear, PillowBicubic] {
            for (size_in, size_out) in [(1, 1), (1, 7), (7, 1), (640, 224), (33, 32), (5, 500)] {
                let weights = Weights::new(size_in, size_out, filter).unwrap();
                let one = 1i64 << weights.precision();
                for output in 0..size_out {
                    let row = weights.of(output);
                    let sum: i64 = row.values().map(i64::from).sum();
                    let count = weights.count(output);
                    assert!((sum - one).abs() <= count as i64, "{size_in}->{size_out}");
                    assert!(weights.start(output) + count <= size_in);
                    let place = output * weights.taps() + count..(output + 1) * weights.taps();
                    assert!(weights.values()[place.clone()].iter().all(|w| *w == 0));
                    assert!(!weights.is_split() || weights.lower()[place].iter().all(|w| *w == 0));
                }
                assert!(weights.starts().is_sorted());
            }
        }
    }

    #[test]
    fn a_side_of_zero_or_beyond_the_limit_is_refused() {
        for (size_in, size_out) in [(0, 5), (5, 0), (MAX_SIDE + 1, 5), (5, MAX_SIDE + 1)] {
            assert!(Weights::new(size_in, size_out, Filter::Bilinear).is_err());
        }
    }
}
