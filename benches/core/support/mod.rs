//! Inputs of both benchmarks.

/// Return bytes that look random and are the same on every run.
pub(crate) fn bytes(length: usize) -> Vec<u8> {
    let mut state = 1u64;
    std::iter::from_fn(|| {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        Some((state >> 56) as u8)
    })
    .take(length)
    .collect()
}
