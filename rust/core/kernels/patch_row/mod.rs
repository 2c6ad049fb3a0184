//! One row of pixels to one row of every patch it crosses, normalised.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod formula;
mod scalar;

use std::fmt::Debug;

use half::{bf16, f16};

use super::CHANNELS;
use crate::simd::{Level, LevelName};
pub(crate) use formula::Formula;

/// What a normalised pixel is stored as. Implemented for `f32`, [`bf16`] and [`f16`] alone.
pub trait Element: Copy + PartialEq + Debug + Send + Sync + sealed::Store + 'static {
    /// The nearest value, halves to even.
    fn from_f32(value: f32) -> Self;
}

impl Element for f32 {
    fn from_f32(value: f32) -> Self {
        value
    }
}

impl Element for bf16 {
    fn from_f32(value: f32) -> Self {
        bf16::from_f32(value)
    }
}

impl Element for f16 {
    fn from_f32(value: f32) -> Self {
        f16::from_f32(value)
    }
}

mod sealed {
    #[cfg(target_arch = "x86_64")]
    pub(crate) use super::avx2::Store;

    #[cfg(not(target_arch = "x86_64"))]
    pub trait Store {}
    #[cfg(not(target_arch = "x86_64"))]
    impl<T> Store for T {}
}

/// What each byte of each channel becomes: a table, and arithmetic that gives the same where there is.
#[derive(Debug, Clone, PartialEq)]
pub struct Values<T> {
    table: [[T; 256]; CHANNELS],
    formula: Option<Formula>,
}

impl<T: Element> Values<T> {
    pub(crate) fn new(table: [[T; 256]; CHANNELS], formula: Option<Formula>) -> Self {
        Self { table, formula }
    }

    /// These values by the table alone.
    pub fn without_formula(self) -> Self {
        Self {
            formula: None,
            ..self
        }
    }
}

/// Writes row `y` of a band of patches, `patch` rows high, from one row of packed RGB.
///
/// `band` is (row.len() / 3 / patch, 3, patch, patch).
///
/// # Panics
/// `row` is not a whole number of patches wide, `y` is not below `patch`, or `band` has another size.
pub fn write_patch_row<T: Element>(
    level: Level,
    row: &[u8],
    values: &Values<T>,
    patch: usize,
    y: usize,
    band: &mut [T],
) {
    assert!(
        y < patch && row.len().is_multiple_of(patch * CHANNELS),
        "whole patches"
    );
    assert_eq!(band.len(), row.len() * patch, "band length");
    match (level.name(), &values.formula) {
        // SAFETY: a level named `Avx2` exists only on a CPU with AVX2, FMA and F16C; lengths were
        // checked above, and the patch is the one that the kernel is written for.
        #[cfg(target_arch = "x86_64")]
        (LevelName::Avx2, Some(formula)) if patch == avx2::PATCH => unsafe {
            avx2::write_patch_row(row, formula, y, band);
        },
        _ => scalar::write_patch_row(row, &values.table, patch, y, band),
    }
}
