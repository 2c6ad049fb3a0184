//! Resampling weights in fixed point: the recipes of torch's antialiased uint8 `interpolate` and of
//! Pillow's `resize`, which agree up to the rounding of the weights.

use crate::error::{Error, Result};
use crate::memory;

/// Fraction bits at most; with fewer where the largest weight would not fit an i16.
const MAX_PRECISION: u32 = 22;
/// Fraction bits that Pillow always has, and how many of them are kept in the lower parts.
const PILLOW_PRECISION: u32 = 22;
/// How far the upper parts of weights are shifted left of the lower ones.
pub(crate) const LOWER_BITS: u32 = 11;
/// The longest side, in or out, for which positions and weights are exact enough to trust.
pub(crate) const MAX_SIDE: usize = 1 << 24;

/// The kernel that weighs source pixels around an output pixel, and whose rounding weights have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Filter {
    /// Triangle of radius 1, as torch rounds: what the published pipeline uses for videos.
    Bilinear,
    /// Keys' cubic with a = -0.5, radius 2, as torch rounds.
    Bicubic,
    /// The triangle as Pillow rounds: what the published pipeline uses for images.
    PillowBilinear,
    /// The cubic as Pillow rounds.
    PillowBicubic,
}

impl Filter {
    fn radius(self) -> f64 {
        match self {
            Filter::Bilinear | Filter::PillowBilinear => 1.0,
            Filter::Bicubic | Filter::PillowBicubic => 2.0,
        }
    }

    fn is_pillow(self) -> bool {
        matches!(self, Filter::PillowBilinear | Filter::PillowBicubic)
    }

    fn at(self, x: f64) -> f64 {
        const A: f64 = -0.5;
        let x = x.abs();
        match self {
            Filter::Bilinear | Filter::PillowBilinear => (1.0 - x).max(0.0),
            _ if x < 1.0 => ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0,
            _ if x < 2.0 => (((x - 5.0) * x + 8.0) * x - 4.0) * A,
            _ => 0.0,
        }
    }
}

/// For each output position, where its source pixels start and what each of them weighs.
///
/// Weights are computed and normalised in float64, then rounded half away from zero: by torch's recipe
/// to i16 with the most fraction bits at which the largest weight of the whole set still fits, by
/// Pillow's with 22 fraction bits, which takes two numbers a weight ([`Taps`]). Every output has room
/// for [`Weights::taps`] weights, an even number; those past its own count are zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weights {
    starts: Vec<usize>,
    counts: Vec<usize>,
    values: Vec<i16>,
    /// As long as `values`, or empty.
    lower: Vec<i16>,
    taps: usize,
    precision: u32,
    size_in: usize,
}

/// What the source pixels of one output weigh.
///
/// A weight is `upper`, or, where `lower` is not empty, `upper * 2**11 + lower`.
#[derive(Debug, Clone, Copy)]
pub struct Taps<'a> {
    /// The weights, or their upper parts.
    pub upper: &'a [i16],
    /// Lower parts, of 11 bits; or nothing.
    pub lower: &'a [i16],
    /// Fraction bits of every weight.
    pub precision: u32,
}

impl Weights {
    /// Weights that take `size_in` pixels to `size_out`, both in 1..=2**24. The kernel widens when
    /// shrinking (antialias).
    ///
    /// # Errors
    /// A size is out of range, or the weights do not fit in memory.
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
            // `as` truncates toward zero and stops at zero, as the recipe wants.
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
                // Both parts fit: by torch's recipe whole weights do, and Pillow's are below 2**24.
                if filter.is_pillow() {
                    values[place] = (fixed >> LOWER_BITS) as i16;
                    lower[place] = (fixed & ((1 << LOWER_BITS) - 1)) as i16;
                } else {
                    values[place] = fixed as i16;
                }
            }
        }
        Ok(Self {
            starts,
            counts,
            values,
            lower,
            taps,
            precision,
            size_in,
        })
    }

    /// How many outputs.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether there is no output. There is always one.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// How many source pixels there are.
    pub fn size_in(&self) -> usize {
        self.size_in
    }

    /// Weights stored for each output: even, and at least the largest count.
    pub fn taps(&self) -> usize {
        self.taps
    }

    /// Fraction bits of every weight.
    pub fn precision(&self) -> u32 {
        self.precision
    }

    /// First source pixel of an output. It never decreases from one output to the next.
    pub fn start(&self, output: usize) -> usize {
        self.starts[output]
    }

    /// How many source pixels an output has.
    pub fn count(&self, output: usize) -> usize {
        self.counts[output]
    }

    /// The weights of an output, as many as it has source pixels.
    pub fn of(&self, output: usize) -> Taps<'_> {
        let first = output * self.taps;
        let some = first..first + self.counts[output];
        Taps {
            upper: &self.values[some.clone()],
            lower: if self.is_split() {
                &self.lower[some]
            } else {
                &[]
            },
            precision: self.precision,
        }
    }

    /// Whether weights have lower parts.
    pub fn is_split(&self) -> bool {
        !self.lower.is_empty()
    }

    /// All first source pixels.
    pub fn starts(&self) -> &[usize] {
        &self.starts
    }

    /// All weights or their upper parts, [`Weights::taps`] for each output; zeros past its count.
    pub fn values(&self) -> &[i16] {
        &self.values
    }

    /// All lower parts, laid out alike; empty where weights have none.
    pub fn lower(&self) -> &[i16] {
        &self.lower
    }
}

impl<'a> Taps<'a> {
    /// The weights as one number each.
    pub fn values(self) -> impl Iterator<Item = i32> + 'a {
        let shift = if self.lower.is_empty() { 0 } else { LOWER_BITS };
        let lower = self.lower.iter().copied().chain(std::iter::repeat(0));
        let parts = self.upper.iter().zip(lower);
        parts.map(move |(upper, lower)| (i32::from(*upper) << shift) + i32::from(lower))
    }
}

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
