//! Resampling weights in fixed point.

/// Bits by which the upper parts of split weights are shifted left of the lower ones.
pub(crate) const LOWER_BITS: u32 = 11;

/// For each output position, the first of its source pixels and the weight of each of them.
///
/// A weight is an i16 with [`Weights::precision`] fraction bits. Split weights, which Pillow's filters
/// have, are two i16 ([`Taps`]). Every output has room for [`Weights::taps`] weights, an even number;
/// those past its own count are zero.
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

/// The weights of the source pixels of one output.
///
/// A weight is `upper`, or, where `lower` is not empty, `upper * 2**11 + lower`.
#[derive(Debug, Clone, Copy)]
pub struct Taps<'a> {
    /// The weights, or their upper parts.
    pub upper: &'a [i16],
    /// The lower parts, of 11 bits; or empty.
    pub lower: &'a [i16],
    /// Fraction bits of every weight.
    pub precision: u32,
}

impl Weights {
    /// Wrap computed weights: for each output a start, a count, and `taps` values; `lower` may be empty.
    ///
    /// # Panics
    /// Panics if the parts do not have what kernels rely on: lengths that agree, an even number of taps,
    /// starts in ascending order, and source pixels below `size_in`.
    pub(crate) fn from_parts(
        (starts, counts): (Vec<usize>, Vec<usize>),
        (values, lower): (Vec<i16>, Vec<i16>),
        taps: usize,
        precision: u32,
        size_in: usize,
    ) -> Self {
        assert_eq!(starts.len(), counts.len(), "one count per start");
        assert!(taps.is_multiple_of(2), "{taps} taps");
        assert_eq!(values.len(), starts.len() * taps, "taps for each output");
        assert!(
            [0, values.len()].contains(&lower.len()),
            "all parts or none"
        );
        assert!(starts.is_sorted(), "starts in ascending order");
        let ends = starts.iter().zip(&counts);
        let fit = ends.fold(true, |fit, (start, count)| {
            fit && *count <= taps && start + count <= size_in
        });
        assert!(fit, "source pixels of {size_in}");
        Self {
            starts,
            counts,
            values,
            lower,
            taps,
            precision,
            size_in,
        }
    }

    /// Return the number of outputs.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Return whether there is no output. There is always one.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// Return the number of source pixels.
    pub fn size_in(&self) -> usize {
        self.size_in
    }

    /// Return the number of weights stored for each output: even, and at least the largest count.
    pub fn taps(&self) -> usize {
        self.taps
    }

    /// Return the fraction bits of every weight.
    pub fn precision(&self) -> u32 {
        self.precision
    }

    /// Return the first source pixel of an output.
    pub fn start(&self, output: usize) -> usize {
        self.starts[output]
    }

    /// Return the number of source pixels of an output.
    pub fn count(&self, output: usize) -> usize {
        self.counts[output]
    }

    /// Return the weights of an output, one for each of its source pixels.
    pub fn of(&self, output: usize) -> Taps<'_> {
        let first = output * self.taps;
        let own = first..first + self.counts[output];
        Taps {
            upper: &self.values[own.clone()],
            lower: if self.is_split() {
                &self.lower[own]
            } else {
                &[]
            },
            precision: self.precision,
        }
    }

    /// Return whether weights have lower parts.
    pub fn is_split(&self) -> bool {
        !self.lower.is_empty()
    }

    /// Return the first source pixel of every output.
    pub fn starts(&self) -> &[usize] {
        &self.starts
    }

    /// Return all weights or their upper parts, [`Weights::taps`] for each output; zeros past its count.
    pub fn values(&self) -> &[i16] {
        &self.values
    }

    /// Return all lower parts, laid out alike; empty where weights are not split.
    pub fn lower(&self) -> &[i16] {
        &self.lower
    }
}

impl<'a> Taps<'a> {
    /// Iterate over the weights as one number each.
    pub fn values(self) -> impl Iterator<Item = i32> + 'a {
        let shift = if self.lower.is_empty() { 0 } else { LOWER_BITS };
        let lower = self.lower.iter().copied().chain(std::iter::repeat(0));
        let parts = self.upper.iter().zip(lower);
        parts.map(move |(upper, lower)| (i32::from(*upper) << shift) + i32::from(lower))
    }
}
