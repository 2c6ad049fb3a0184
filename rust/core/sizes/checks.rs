//! Checks of the numbers that sizes are computed from.

use crate::error::{Error, Result};

/// Whole numbers up to this one are exact in float64, in which sizes are computed.
pub(super) const MAX_EXACT: f64 = (1u64 << 53) as f64;

/// Check that `factor` is in 1..=2**20.
pub(super) fn expect_factor(factor: usize) -> Result<()> {
    if (1..=1 << 20).contains(&factor) {
        Ok(())
    } else {
        Err(Error::Argument {
            name: "factor",
            value: factor.to_string(),
            expected: "a number of pixels from 1 to 1048576",
        })
    }
}

/// Check `lowest <= value <= 2**53`, and that `value` is not NaN.
pub(super) fn expect_exact(name: &'static str, value: f64, lowest: f64) -> Result<()> {
    if (lowest..=MAX_EXACT).contains(&value) {
        Ok(())
    } else {
        let expected = if lowest > 0.0 {
            "a positive number up to 2**53"
        } else {
            "a number from 0 to 2**53"
        };
        Err(Error::Argument {
            name,
            value: value.to_string(),
            expected,
        })
    }
}
