//! The core's errors as the exceptions of `keye_vl_rs.errors`.

use keye_vl_core::Error;
use pyo3::prelude::*;

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

/// An exception of `keye_vl_rs.errors`, by its name.
pub(crate) fn exception(py: Python<'_>, class: &str, message: String) -> PyErr {
    let raised = py
        .import("keye_vl_rs.errors")
        .and_then(|module| module.getattr(class))
        .and_then(|class| class.call1((message,)));
    match raised {
        Ok(exception) => PyErr::from_value(exception),
        Err(error) => error,
    }
}
