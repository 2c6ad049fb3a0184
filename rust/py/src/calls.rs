//! Calls of the core: without the GIL, open to signals, and with errors of this package alone.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use keye_vl_core::{self as core, Level, Result, Threads};
use numpy::{PyArray1, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::errors::{exception, to_python};

thread_local! {
    /// What the handler of a signal raised during the call that this thread makes.
    static RAISED: Cell<Option<PyErr>> = const { Cell::new(None) };
}

/// Runs `work` without the GIL; its error, or its panic, becomes an exception of this package. What
/// the handler of a signal raises meanwhile is raised as it is, however `work` ends: the signal has
/// been handled, so nothing would raise it again.
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
            let message = "internal error in keye-vl-rs: please report it with what stderr says";
            Err(exception(py, "KeyeVLError", message.into()))
        }
    }
}

/// Loads what NumPy's arrays are looked at with, once.
///
/// The `numpy` crate does so at the first array, by running code in Python, and panics if that raises:
/// for want of memory, or since a signal came. Here both are raised as they are.
///
/// # Errors
/// NumPy cannot be imported, or the handler of a signal raises something.
pub(crate) fn load_numpy(py: Python<'_>) -> PyResult<()> {
    static LOADED: PyOnceLock<()> = PyOnceLock::new();
    LOADED
        .get_or_try_init(py, || {
            py.import("numpy.lib")?;
            py.check_signals()?;
            // Its own type, and the record of arrays that are in use.
            PyArray1::<u8>::zeros(py, 1, false).try_readonly()?;
            Ok(())
        })
        .copied()
}

pub(crate) fn level(py: Python<'_>) -> PyResult<Level> {
    Level::configured().map_err(|error| to_python(py, &error))
}

/// The number of threads that the environment asks for now. Read with the GIL, under which Python
/// changes the environment. Signals are handled while they work, as between two lines of Python.
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
