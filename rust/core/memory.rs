//! Allocation that can fail without ending the process.
//!
//! Every allocation whose size follows from an argument goes through here, in worker threads too: what
//! `Vec` and `collect` do when memory runs out is to end the process.

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

/// The items of `items`.
///
/// # Errors
/// There is not so much memory.
pub(crate) fn collected<T>(items: impl ExactSizeIterator<Item = T>) -> Result<Vec<T>> {
    let count = items.len();
    let mut buffer = with_capacity(count)?;
    // An iterator that counts wrongly does not make the vector grow.
    buffer.extend(items.take(count));
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
