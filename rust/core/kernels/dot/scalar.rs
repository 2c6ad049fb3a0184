//! The definition of the dot product, over at most `CHUNK` bytes.

/// (a . b, b . b)
pub(super) fn dot_and_square(a: &[u8], b: &[u8]) -> (u32, u32) {
    let mut sums = (0u32, 0u32);
    for (a, b) in a.iter().zip(b) {
        sums.0 += u32::from(*a) * u32::from(*b);
        sums.1 += u32::from(*b) * u32::from(*b);
    }
    sums
}
