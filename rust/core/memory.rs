//! Allocation that can fail without ending the process, for sizes that callers choose.

use crate::error::{Error, Result};

/// `len` copies of `value`.
///
/// # Errors
/// There is not so much memory.
pub(crate) fn filled<T: Clone>(value: T, len: usize) -> Result<Vec<T>> {
    let mut buffer = with_capacity(len)?;
    buffer.resize(len, value);
    Ok(buffer)
}

/// An empty vector with room for `len` values.
///
/// # Errors
/// There is not so much memory.
pub(crate) fn with_capacity<T>(len: usize) -> Result<Vec<T>> {
    let mut buffer = Vec::new();
    buffer.try_reserve_exact(len).map_err(|_| Error::Memory {
        bytes: len.saturating_mul(size_of::<T>()),
    })?;
    Ok(buffer)
}
