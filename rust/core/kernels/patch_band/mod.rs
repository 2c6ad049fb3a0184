//! A band of pixels, one patch high, to the patches it holds, normalised.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod formula;
mod scalar;

use std::fmt::Debug;

use half::{bf16, f16};

use super::CHANNELS;
use crate::simd::{Level, LevelName};
pub(crate) use formula::Formula;

/// The patch size that vector code is written for.
#[cfg(target_arch = "x86_64")]
const PATCH: usize = 14;
/// Values of one channel of such a patch.
#[cfg(target_arch = "x86_64")]
const PLANE: usize = PATCH * PATCH;

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
    use super::{avx2, avx512};

    #[cfg(target_arch = "x86_64")]
    pub trait Vector: avx2::Store + avx512::Store {}
    #[cfg(target_arch = "x86_64")]
    impl<T: avx2::Store + avx512::Store> Vector for T {}

    #[cfg(not(target_arch = "x86_64"))]
    pub trait Vector {}
    #[cfg(not(target_arch = "x86_64"))]
    impl<T> Vector for T {}

    pub trait Store: Vector {
        /// The two bytes of a value that has no more.
        fn halves(self) -> Option<[u8; 2]>;
    }

    impl Store for f32 {
        fn halves(self) -> Option<[u8; 2]> {
            None
        }
    }

    impl Store for half::bf16 {
        fn halves(self) -> Option<[u8; 2]> {
            Some(self.to_le_bytes())
        }
    }

    impl Store for half::f16 {
        fn halves(self) -> Option<[u8; 2]> {
            Some(self.to_le_bytes())
        }
    }
}

/// What each byte of each channel becomes: a table, and what gives the same faster, where there is.
#[derive(Debug, Clone, PartialEq)]
pub struct Values<T> {
    table: [[T; 256]; CHANNELS],
    formula: Option<Formula>,
    halves: Option<Halves>,
}

/// The table of 16-bit values that is the same for all channels: its lower bytes, its upper bytes.
#[derive(Debug, Clone, PartialEq)]
struct Halves {
    lower: [u8; 256],
    upper: [u8; 256],
}

impl<T: Element> Values<T> {
    pub(crate) fn new(table: [[T; 256]; CHANNELS], formula: Option<Formula>) -> Self {
        // By their bytes: as numbers 0 and -0 are equal.
        let [first, others @ ..] = table.each_ref().map(Halves::new);
        let halves = first.filter(|first| others.iter().flatten().all(|other| other == first));
        Self {
            table,
            formula,
            halves,
        }
    }

    /// These values by the table alone.
    pub fn by_table(self) -> Self {
        Self {
            formula: None,
            halves: None,
            ..self
        }
    }
}

impl Halves {
    fn new<T: Element>(table: &[T; 256]) -> Option<Self> {
        let (mut lower, mut upper) = ([0; 256], [0; 256]);
        for (byte, value) in table.iter().enumerate() {
            [lower[byte], upper[byte]] = value.halves()?;
        }
        Some(Self { lower, upper })
    }
}

/// A band of packed RGB pixels: `height` rows of `width` pixels, the first bytes of each `stride`.
#[derive(Debug, Clone, Copy)]
pub struct Band<'a> {
    bytes: &'a [u8],
    stride: usize,
    width: usize,
    height: usize,
}

impl<'a> Band<'a> {
    /// # Panics
    /// A row of `width` pixels does not fit `stride`, or `height` rows do not fit `bytes`.
    pub fn new(bytes: &'a [u8], stride: usize, width: usize, height: usize) -> Self {
        let row = width.checked_mul(CHANNELS);
        let fits = row.is_some_and(|row| row <= stride);
        assert!(fits, "width {width} does not fit stride {stride}");
        let fits = height
            .checked_mul(stride)
            .is_some_and(|needed| needed <= bytes.len());
        assert!(
            fits,
            "{height} rows of {stride} bytes do not fit {} bytes",
            bytes.len()
        );
        Self {
            bytes,
            stride,
            width,
            height,
        }
    }

    /// The bytes of row `y`.
    fn row(&self, y: usize) -> &'a [u8] {
        &self.bytes[y * self.stride..][..self.width * CHANNELS]
    }
}

/// Writes the patches of a band, as high and as wide as it is high, to `out`: (patches, 3, patch,
/// patch), row-major.
///
/// `streamed` says that `out` is part of something far larger than the cache, and is written past it.
///
/// # Panics
/// `pixels` is not a whole number of patches wide, or `out` has another size.
pub fn write_patches<T: Element>(
    level: Level,
    pixels: Band<'_>,
    values: &Values<T>,
    streamed: bool,
    out: &mut [T],
) {
    let patch = pixels.height;
    assert!(
        patch > 0 && pixels.width.is_multiple_of(patch),
        "whole patches"
    );
    assert_eq!(out.len(), pixels.width * patch * CHANNELS, "length of out");
    match (level.name(), &values.formula) {
        // SAFETY: a level named `Avx2` exists only on a CPU with AVX2, FMA and F16C; lengths were
        // checked above, and the patch is the one that the kernel is written for.
        #[cfg(target_arch = "x86_64")]
        (LevelName::Avx2, Some(formula)) if patch == PATCH => unsafe {
            avx2::write_patches(pixels, formula, streamed, out);
        },
        // SAFETY: likewise, with AVX-512.
        #[cfg(target_arch = "x86_64")]
        (LevelName::Avx512, formula) if patch == PATCH => unsafe {
            match (&values.halves, formula) {
                (Some(halves), _) => avx512::write_patches_by_halves(pixels, halves, streamed, out),
                (None, Some(formula)) => avx512::write_patches(pixels, formula, streamed, out),
                (None, None) => scalar::write_patches(pixels, &values.table, out),
            }
        },
        _ => scalar::write_patches(pixels, &values.table, out),
    }
}
