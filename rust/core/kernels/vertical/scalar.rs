//! The definition of the vertical pass, in blocks that the compiler keeps in registers.

const BLOCK: usize = 32;

/// Computes `out` from position `first` on.
pub(super) fn blend_rows(
    rows: &[u8],
    offsets: &[usize],
    weights: &[i16],
    precision: u32,
    first: usize,
    out: &mut [u8],
) {
    let half = 1i32 << (precision - 1);
    let mut at = first;
    for block in out[first..].chunks_mut(BLOCK) {
        let mut sums = [half; BLOCK];
        for (offset, weight) in offsets.iter().zip(weights) {
            let row = &rows[offset + at..][..block.len()];
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum += i32::from(*value) * i32::from(*weight);
            }
        }
        for (value, sum) in block.iter_mut().zip(sums) {
            *value = (sum >> precision).clamp(0, 255) as u8;
        }
        at += block.len();
    }
}
