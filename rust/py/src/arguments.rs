//! Arguments that several functions take.

use keye_vl_core::{Error, Filter, Result, Size};

use crate::errors::quote;

/// Height and width, as Python passes them.
pub(crate) type Sides = (i64, i64);

/// Convert height and width.
///
/// # Errors
/// Returns [`Error::Argument`], which calls the size `name`, if a side is negative.
pub(crate) fn size(name: &'static str, (height, width): Sides) -> Result<Size> {
    let side = |value: i64| {
        usize::try_from(value).map_err(|_| Error::Argument {
            name,
            value: format!("{height}x{width} (height x width)"),
            expected: "positive sides",
        })
    };
    Ok(Size {
        height: side(height)?,
        width: side(width)?,
    })
}

/// Look up a filter by its name.
///
/// # Errors
/// Returns [`Error::Argument`] if there is no such filter.
pub(crate) fn filter(name: &str) -> Result<Filter> {
    match name {
        "bilinear" => Ok(Filter::Bilinear),
        "bicubic" => Ok(Filter::Bicubic),
        "pillow-bilinear" => Ok(Filter::PillowBilinear),
        "pillow-bicubic" => Ok(Filter::PillowBicubic),
        _ => Err(Error::Argument {
            name: "kernel",
            value: quote(name),
            expected: "\"bilinear\", \"bicubic\", \"pillow-bilinear\" or \"pillow-bicubic\"",
        }),
    }
}
