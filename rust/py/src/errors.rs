//! Errors of the core as exceptions of `keye_vl_rs.errors`.

use keye_vl_core::Error;
use pyo3::prelude::*;

/// Most characters of an argument that a message shows.
const SHOWN: usize = 100;

/// Return the name of the exception's class in `keye_vl_rs.errors`.
fn class_name(error: &Error) -> &'static str {
    match error {
        Error::FramesShape { .. } | Error::FramesBounds { .. } | Error::FrameShape { .. } => {
            "FramesShapeError"
        }
        Error::FrameTypesLength { .. } | Error::FrameTypesValue { .. } => "FrameTypesError",
        Error::Size { .. } => "SizeError",
        Error::AspectRatio { .. } => "AspectRatioError",
        Error::OutputLength { .. } | Error::Argument { .. } => "InvalidArgumentError",
        Error::Memory { .. } => "OutOfMemoryError",
        _ => "KeyeVLError",
    }
}

/// Make the exception for an error of the core.
pub(crate) fn to_python(py: Python<'_>, error: &Error) -> PyErr {
    exception(py, class_name(error), error.to_string())
}

/// Make an exception of the class `class` of `keye_vl_rs.errors`; or return the exception of a signal
/// handler, if a signal came first. Code that catches this package's errors could otherwise go on with
/// another call where the user wants the program to end.
pub(crate) fn exception(py: Python<'_>, class: &str, message: String) -> PyErr {
    if let Err(raised) = py.check_signals() {
        return raised;
    }
    let raised = py
        .import("keye_vl_rs.errors")
        .and_then(|module| module.getattr(class))
        .and_then(|class| class.call1((message,)));
    match raised {
        Ok(exception) => PyErr::from_value(exception),
        Err(error) => error,
    }
}

/// Quote `text` for a message, shortened if it is long.
pub(crate) fn quote(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{:?}... ({} bytes)", &text[..end], text.len()),
        None => format!("{text:?}"),
    }
}

/// Return `str(value)` for a message, shortened if it is long.
///
/// # Errors
/// Raises what `str` raises.
pub(crate) fn shorten(value: &Bound<'_, PyAny>) -> PyResult<String> {
    let text = value.str()?;
    let text = text.to_str()?;
    Ok(match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    })
}
