//! Resampling along rows: the first pass of a resize.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod scalar;

use std::sync::Arc;

use crate::error::Result;
use crate::simd::{Level, LevelName};
use crate::types::{CHANNELS, PADDED, Weights};

/// Rows that one call resamples, so that each weight is loaded once for all of them.
pub const ROWS: usize = 4;

/// Output pixels that the widest kernel computes at a time: 15 of 16 lanes.
const BLOCK: usize = 5;

/// Return the bytes that one output row of `width` pixels needs: vector code writes whole blocks, and one
/// more byte.
pub const fn row_bytes(width: usize) -> usize {
    width.next_multiple_of(BLOCK) * CHANNELS + 1
}

/// Weights of a row, arranged for a level and for the distance of source pixels.
#[derive(Debug)]
pub struct RowWeights {
    weights: Arc<Weights>,
    level: Level,
    spacing: usize,
    #[cfg(target_arch = "x86_64")]
    blocks: Option<avx512::Blocks>,
}

impl RowWeights {
    /// Arrange `weights` for `level` and for source rows with a pixel every `spacing` bytes: 3 for packed
    /// RGB, 4 for RGB with a byte of padding.
    ///
    /// # Errors
    /// Returns [`Error::Memory`](crate::Error::Memory) if the arranged weights do not fit in memory.
    ///
    /// # Panics
    /// Panics if `spacing` is neither 3 nor 4.
    pub fn new(weights: impl Into<Arc<Weights>>, level: Level, spacing: usize) -> Result<Self> {
        assert!([CHANNELS, PADDED].contains(&spacing), "spacing {spacing}");
        let weights = weights.into();
        #[cfg(target_arch = "x86_64")]
        let blocks = if level.name() >= LevelName::Avx512 {
            avx512::Blocks::new(&weights, spacing)?
        } else {
            None
        };
        Ok(Self {
            weights,
            level,
            spacing,
            #[cfg(target_arch = "x86_64")]
            blocks,
        })
    }

    /// Return the number of output pixels.
    pub fn size_out(&self) -> usize {
        self.weights.len()
    }

    /// Return the bytes from one source pixel to the next.
    pub fn spacing(&self) -> usize {
        self.spacing
    }

    /// Return the bytes of a source row, from the first channel of its first pixel to the last channel of
    /// its last pixel.
    pub fn source_bytes(&self) -> usize {
        (self.weights.size_in() - 1) * self.spacing + CHANNELS
    }
}

/// Resample `ROWS` rows of RGB to `rows.size_out()` pixels each, packed.
///
/// Row `i` of the result starts at `out[i * stride]`; the bytes between rows are left undefined. `ahead`
/// is a hint for the cache: the distance in bytes from these rows to those of the next call.
///
/// # Panics
/// Panics if a source row has another length than the weights are for, or if `out` or `stride` is too
/// short.
pub fn resample_rows(
    source: [&[u8]; ROWS],
    rows: &RowWeights,
    out: &mut [u8],
    stride: usize,
    ahead: isize,
) {
    for row in source {
        assert_eq!(row.len(), rows.source_bytes(), "source row length");
    }
    assert!(
        stride >= row_bytes(rows.size_out()),
        "stride {stride} is too short"
    );
    assert!(
        out.len() / ROWS >= stride,
        "out of {} bytes is too short",
        out.len()
    );
    #[cfg(target_arch = "x86_64")]
    if let Some(blocks) = &rows.blocks {
        // SAFETY: blocks are made only for a level named `Avx512`, which exists only on a CPU with
        // those instructions, and for these weights; lengths were checked above.
        return unsafe { avx512::resample_rows(source, blocks, out, stride, ahead) };
    }
    match rows.level.name() {
        // SAFETY: a level named `Avx2`, or a higher one, exists only on a CPU with AVX2; lengths were
        // checked above.
        #[cfg(target_arch = "x86_64")]
        LevelName::Avx2 | LevelName::Avx512 => unsafe {
            avx2::resample_rows(source, rows, out, stride, ahead);
        },
        _ => scalar::resample_rows(source, rows, 0, out, stride),
    }
}
