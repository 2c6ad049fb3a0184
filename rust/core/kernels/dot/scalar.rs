//! The definition of the dot product, over at most `CHUNK` bytes.

pub(super) fn dot(a: &[u8], b: &[u8]) -> u32 {
    a.iter()
        .zip(b)
        .map(|(a, b)| u32::from(*a) * u32::from(*b))
        .sum()
}
