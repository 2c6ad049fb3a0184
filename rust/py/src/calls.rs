//! Calls of the core: without the GIL, interruptible by signals, with this package's exceptions.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use keye_vl_core::{self as core, Level, Result, Threads};
use numpy::{PyArray1, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::errors::{exception, to_python};

thread_local! {
    /// The exception that a signal handler raised during the call of this thread.
    static RAISED: Cell<Option<PyErr>> = const { Cell::new(None) };
}

/// Run `work` without the GIL, and raise its error or panic as an exception of this package.
///
/// An exception that a signal handler raises meanwhile takes precedence, however `work` ends: the signal
/// has been handled, so nothing would raise it again.
pub(crate) fn compute<T: Send>(
    py: Python<'_>,
    work: impl FnOnce() -> Result<T> + Send,
) -> PyResult<T> {
    let result = py.detach(|| catch_unwind(AssertUnwindSafe(work)));
    if let Some(raised) = RAISED.take() {
        return Err(raised);
    }
    match result {
        Ok(result) => result.map_err(|error| to_python(py, &error)),
        Err(_) => {
            let message =
                "internal error in keye-vl-rs: please report it with the output on stderr";
            Err(exception(py, "KeyeVLError", message.into()))
        }
    }
}

/// Load what the `numpy` crate needs to look at arrays, once.
///
/// The crate would load it at the first array, by running Python code, and panic if that raises, as it
/// does when memory runs out or a signal arrives. Here such exceptions are raised.
///
/// # Errors
/// Raises what the import of NumPy or a signal handler raises.
pub(crate) fn load_numpy(py: Python<'_>) -> PyResult<()> {
    static LOADED: PyOnceLock<()> = PyOnceLock::new();
    LOADED
        .get_or_try_init(py, || {
            py.import("numpy.lib")?;
            py.check_signals()?;
            // Loads the type of arrays, and the crate's registry of borrowed arrays.
            PyArray1::<u8>::zeros(py, 1, false).try_readonly()?;
            Ok(())
        })
        .copied()
}

/// Return the instruction set to use.
///
/// # Errors
/// Raises `InvalidArgumentError` if `KEYE_VL_RS_SIMD` is not the name of one.
pub(crate) fn level(py: Python<'_>) -> PyResult<Level> {
    Level::configured().map_err(|error| to_python(py, &error))
}

/// Return as many threads as the environment asks for now. It is read with the GIL held, because Python
/// changes the environment under the GIL. Signals are handled while the threads work, as between two
/// lines of Python.
pub(crate) fn threads() -> Threads {
    Threads::new(core::configured_threads()).until(|| {
        Python::attach(|py| match py.check_signals() {
            Ok(()) => false,
            Err(raised) => {
                RAISED.set(Some(raised));
                true
            }
        })
    })
}
