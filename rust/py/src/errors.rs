//! The core's errors as the exceptions of `keye_vl_rs.errors`.

use keye_vl_core::Error;
use pyo3::prelude::*;

/// Characters of an argument that a message shows.
const SHOWN: usize = 100;

/// The exception's class in `keye_vl_rs.errors`.
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

/// The exception for an error of the core.
pub(crate) fn to_python(py: Python<'_>, error: &Error) -> PyErr {
    exception(py, class_name(error), error.to_string())
}

/// An exception of `keye_vl_rs.errors`, by its name; or what the handler of a signal raises that came
/// before it. Whoever handles this package's errors could take the call for failed, and try another one,
/// where the user wants the program to end.
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

/// `text` in quotes, as far as a message shows it: an argument can be of any length.
pub(crate) fn quoted(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{:?}... ({} bytes)", &text[..end], text.len()),
        None => format!("{text:?}"),
    }
}

/// What `str(value)` gives, as far as a message shows it.
///
/// # Errors
/// Those of `str`.
pub(crate) fn shown(value: &Bound<'_, PyAny>) -> PyResult<String> {
    let text = value.str()?;
    let text = text.to_str()?;
    Ok(match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    })
}
