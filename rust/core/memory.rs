//! Allocation that returns an error when memory runs out.
//!
//! Every allocation whose size depends on an argument goes through here, in worker threads too, because
//! `Vec` and `collect` abort the process when memory runs out.

use crate::error::{Error, Result};

/// Return `len` copies of `value`.
///
/// # Errors
/// Returns [`Error::Memory`] if they do not fit in memory.
pub(crate) fn filled<T: Clone>(value: T, len: usize) -> Result<Vec<T>> {
    let mut buffer = with_capacity(len)?;
    buffer.resize(len, value);
    Ok(buffer)
}

/// Collect the items of an iterator.
///
/// # Errors
/// Returns [`Error::Memory`] if they do not fit in memory.
pub(crate) fn collected<T>(items: impl ExactSizeIterator<Item = T>) -> Result<Vec<T>> {
    let count = items.len();
    let mut buffer = with_capacity(count)?;
    // The vector must not grow, even if the iterator has more items than it claims.
    buffer.extend(items.take(count));
    Ok(buffer)
}

/// Return an empty vector with room for `len` values.
///
/// # Errors
/// Returns [`Error::Memory`] if they do not fit in memory.
pub(crate) fn with_capacity<T>(len: usize) -> Result<Vec<T>> {
    let mut buffer = Vec::new();
    buffer.try_reserve_exact(len).map_err(|_| Error::Memory {
        bytes: len.saturating_mul(size_of::<T>()),
    })?;
    Ok(buffer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_that_no_memory_holds_are_errors() {
        let memory = |bytes| Some(Error::Memory { bytes });
        assert_eq!(filled(0u16, usize::MAX / 2).err(), memory(usize::MAX - 1));
        assert_eq!(with_capacity::<u64>(1 << 61).err(), memory(usize::MAX));
        assert_eq!(collected([1, 2, 3].into_iter()), Ok(vec![1, 2, 3]));
    }
}
