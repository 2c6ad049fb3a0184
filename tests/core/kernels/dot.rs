//! Dot products of bytes.

use keye_vl_core::Level;
use keye_vl_core::kernels::dot;

use super::LONGEST;
use crate::inputs::bytes;

#[test]
fn dot_at_all_small_lengths_and_at_the_largest_sums() {
    let check = |a: &[u8], b: &[u8]| {
        let product = |a: &[u8], b: &[u8]| -> u64 {
            a.iter()
                .zip(b)
                .map(|(a, b)| u64::from(*a) * u64::from(*b))
                .sum()
        };
        for level in Level::all() {
            let what = format!("{level:?} {}", a.len());
            assert_eq!(dot::dot(level, a, b), product(a, b), "{what}");
            assert_eq!(dot::dot(level, b, b), product(b, b), "{what}");
        }
    };
    for length in 0..=LONGEST {
        check(&bytes(length + 1, 1)[1..], &bytes(length + 3, 2)[3..]);
    }
    for length in [28 * 28 * 3, 16384, 16385, 100_000] {
        check(&vec![255; length], &vec![255; length]);
    }
}
