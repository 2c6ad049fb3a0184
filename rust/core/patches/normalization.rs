//! From a byte to the number that the model reads: `(value * scale - mean) / std`, rounded to float32 as
//! `rescale` and `normalize` of transformers round.

use crate::error::{Error, Result};
use crate::kernels::patch_band::{Formula, Values};
use crate::types::{CHANNELS, Element};

/// The number that each byte of each channel becomes.
///
/// After a uint8 resize a normalized pixel can have only 256 values per channel. This is the table of
/// them, and, if float32 arithmetic reproduces every entry, that arithmetic.
#[derive(Debug, Clone, PartialEq)]
pub struct Normalization {
    table: [[f32; 256]; CHANNELS],
    formula: Option<Formula>,
}

impl Normalization {
    /// Compute the table. The product with `scale` is computed in float64 and rounded to float32; the
    /// rest is float32.
    ///
    /// A scale of 1 leaves bytes as they are; mean 0 and std 1 leave the product as it is.
    ///
    /// # Errors
    /// Returns [`Error::Argument`] if a number is not finite, `std` is zero, or the result of some byte is
    /// not finite.
    pub fn new(scale: f64, mean: [f64; CHANNELS], std: [f64; CHANNELS]) -> Result<Self> {
        let check =
            |name: &'static str, values: &[f64], valid: fn(f64) -> bool, expected| match values
                .iter()
                .find(|value| !value.is_finite() || !valid(**value))
            {
                Some(value) => Err(Error::Argument {
                    name,
                    value: value.to_string(),
                    expected,
                }),
                None => Ok(()),
            };
        let nonzero = |value: f64| value as f32 != 0.0;
        check("rescale_factor", &[scale], |_| true, "a finite number")?;
        check("image_mean", &mean, |_| true, "finite numbers")?;
        check("image_std", &std, nonzero, "finite numbers other than 0")?;
        let unit: [f32; 256] = std::array::from_fn(|value| (value as f64 * scale) as f32);
        let (mean, std) = (mean.map(|mean| mean as f32), std.map(|std| std as f32));
        let table: [[f32; 256]; CHANNELS] =
            std::array::from_fn(|c| unit.map(|unit| (unit - mean[c]) / std[c]));
        let finite = table.iter().flatten().all(|value| value.is_finite());
        if !finite {
            return Err(Error::Argument {
                name: "rescale_factor, image_mean and image_std",
                value: format!("{scale}, {mean:?} and {std:?}"),
                expected: "numbers whose results fit float32",
            });
        }
        Ok(Self {
            table,
            formula: Formula::reproducing(&table, scale, mean, std),
        })
    }

    /// Return the table, rounded to `T`, and the formula.
    pub fn values<T: Element>(&self) -> Values<T> {
        Values::new(
            self.table.map(|channel| channel.map(T::from_f32)),
            self.formula,
        )
    }

    /// Return the number that `byte` of `channel` becomes.
    pub fn value(&self, channel: usize, byte: u8) -> f32 {
        self.table[channel][usize::from(byte)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_constants_have_a_formula() {
        let clip = (
            [0.48145466, 0.4578275, 0.40821073],
            [0.26862954, 0.26130258, 0.27577711],
        );
        for (mean, std) in [([0.5; 3], [0.5; 3]), clip, ([0.0; 3], [1.0; 3])] {
            for scale in [1.0 / 255.0, 1.0] {
                let normalization = Normalization::new(scale, mean, std).unwrap();
                assert!(normalization.formula.is_some(), "{scale} {mean:?} {std:?}");
            }
        }
    }

    #[test]
    fn numbers_without_a_result_are_refused() {
        let refused = [
            (f64::NAN, 0.5, 0.5),
            (1.0, f64::INFINITY, 0.5),
            (1.0, 0.5, 0.0),
            (1.0, 0.5, 1e-50),
            (1.0, 0.5, f64::NAN),
            (1e300, 0.5, 0.5),
        ];
        for (scale, mean, std) in refused {
            assert!(
                Normalization::new(scale, [mean; 3], [std; 3]).is_err(),
                "{scale} {mean} {std}"
            );
        }
    }
}
