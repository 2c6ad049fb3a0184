//! Every kernel at every level against a naive definition, at lengths around the width of its registers.

mod dot;
mod horizontal;
mod hsv;
mod patch_band;
mod vertical;

use keye_vl_core::Level;

/// Twice the bytes of the widest register, plus one.
const LONGEST: usize = 2 * 64 + 1;

#[test]
fn a_vector_level_is_tested_where_the_cpu_has_one() {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        assert!(Level::all().count() >= 2);
    }
    assert_eq!(Level::all().next(), Some(Level::SCALAR));
}
