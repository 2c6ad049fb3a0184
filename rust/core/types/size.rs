//! Height and width.

use crate::error::{Error, Result};

/// Height and width in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Height in pixels.
    pub height: usize,
    /// Width in pixels.
    pub width: usize,
}

impl Size {
    /// Return height times width.
    pub fn pixels(self) -> usize {
        self.height * self.width
    }

    /// Return this size if both sides are positive multiples of `multiple` and the number of its pixels
    /// fits `usize`.
    ///
    /// # Errors
    /// Returns [`Error::Size`] otherwise, which calls the size `name`; or [`Error::Argument`] if
    /// `multiple` is zero.
    pub fn expect_multiple_of(self, multiple: usize, name: &'static str) -> Result<Self> {
        let Size { height, width } = self;
        let fits = |side: usize| side > 0 && side.is_multiple_of(multiple);
        if multiple == 0 {
            let expected = "at least 1";
            return Err(Error::Argument {
                name: "patch_size",
                value: "0".into(),
                expected,
            });
        }
        if fits(height) && fits(width) && height.checked_mul(width).is_some() {
            Ok(self)
        } else {
            Err(Error::Size {
                name,
                height,
                width,
                multiple,
            })
        }
    }
}
