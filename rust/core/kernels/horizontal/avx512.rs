//! The horizontal pass, five output pixels of a row at a time, with one byte permutation per pair of taps.

use std::arch::x86_64::*;
use std::ops::Range;

use super::{BLOCK, CHANNELS, ROWS};
use crate::error::Result;
use crate::memory;
use crate::types::{LOWER_BITS, Weights};

/// Bytes of a register.
const LANES: usize = 64;
/// Source bytes that a block can reach: two registers, 42 pixels, or 32 padded ones.
const REACH: usize = 2 * LANES;

/// The positions of two source bytes for each of the 15 sums of a block, and one that is unused, for one
/// pair of taps p q, and the weights of these bytes (`.` is zero):
///
/// ```text
/// lane      0       1       2       3       4      ...  14      15
/// pixel     0       0       0       1       1      ...   4
/// channel   r       g       b       r       g      ...   b
/// bytes  p . q .  p . q .  p . q .  p . q .  p . q .  ...  p . q .  . . . .
/// ```
#[derive(Debug, Clone)]
#[repr(C, align(64))]
struct Pair {
    bytes: [u8; LANES],
    weights: [i16; LANES / 2],
}

/// The lower parts of the weights of a [`Pair`].
#[derive(Debug, Clone)]
#[repr(C, align(64))]
struct Lower([i16; LANES / 2]);

/// The source bytes of a block.
#[derive(Debug, Clone, Copy)]
struct Window {
    /// First byte.
    start: usize,
    /// A mask of the bytes that the row has from there on, for each of two registers.
    readable: [u64; 2],
}

/// The weights of a row, block by block.
#[derive(Debug)]
pub(super) struct Blocks {
    windows: Vec<Window>,
    /// `pairs_per_block` of them for each window.
    pairs: Vec<Pair>,
    /// As many as `pairs`, or none.
    lower: Vec<Lower>,
    pairs_per_block: usize,
    /// Whether some block needs its second register.
    two_registers: bool,
    precision: u32,
    /// Bytes of a source row, and pixels of a result.
    source_bytes: usize,
    size_out: usize,
}

impl Blocks {
    /// Arrange weights in blocks. Return None if the source pixels of a block span more than two registers:
    /// when shrinking to less than about a seventh, or a fifth for padded pixels.
    ///
    /// # Errors
    /// Returns [`Error::Memory`](crate::Error::Memory) if the blocks do not fit in memory.
    pub(super) fn new(weights: &Weights, spacing: usize) -> Result<Option<Self>> {
        let source_bytes = (weights.size_in() - 1) * spacing + CHANNELS;
        let outputs = weights.len();
        let block_of = |first: usize| first..outputs.min(first + BLOCK);
        let reach_of = |block: Range<usize>| {
            let start = weights.start(block.start);
            let ends = block.map(|x| weights.start(x) + weights.count(x));
            ends.max()
                .map_or(0, |end| (end - start - 1) * spacing + CHANNELS)
        };
        let firsts = || (0..outputs).step_by(BLOCK);
        // Checked before memory is allocated: blocks that span too much would also be the largest.
        let reach = firsts().map(block_of).map(reach_of).max().unwrap_or(0);
        if reach > REACH {
            return Ok(None);
        }
        let pairs_per_block = weights.taps() / 2;
        let tables = firsts().len() * pairs_per_block;
        let mut blocks = Self {
            windows: memory::with_capacity(firsts().len())?,
            pairs: memory::with_capacity(tables)?,
            lower: memory::with_capacity(if weights.is_split() { tables } else { 0 })?,
            pairs_per_block,
            two_registers: reach > LANES,
            precision: weights.precision(),
            source_bytes,
            size_out: outputs,
        };
        for first in firsts() {
            let block = block_of(first);
            let start = weights.start(first);
            let left = source_bytes - start * spacing;
            blocks.windows.push(Window {
                start: start * spacing,
                readable: [low_bits(left), low_bits(left.saturating_sub(LANES))],
            });
            for pair in 0..pairs_per_block {
                let mut table = Pair {
                    bytes: [0; LANES],
                    weights: [0; LANES / 2],
                };
                let mut lower = Lower([0; LANES / 2]);
                for (pixel, x) in block.clone().enumerate() {
                    let taps = weights.of(x);
                    for tap in 2 * pair..weights.count(x).min(2 * pair + 2) {
                        for channel in 0..CHANNELS {
                            let word = 2 * (pixel * CHANNELS + channel) + tap % 2;
                            let byte = (weights.start(x) + tap - start) * spacing + channel;
                            // Below `REACH`, so it fits.
                            table.bytes[2 * word] = byte as u8;
                            table.weights[word] = taps.upper[tap];
                            if weights.is_split() {
                                lower.0[word] = taps.lower[tap];
                            }
                        }
                    }
                }
                blocks.pairs.push(table);
                if weights.is_split() {
                    blocks.lower.push(lower);
                }
            }
        }
        Ok(Some(blocks))
    }
}

/// Return a mask of the first `count` of 64 bytes.
fn low_bits(count: usize) -> u64 {
    if count >= LANES {
        u64::MAX
    } else {
        (1 << count) - 1
    }
}

/// # Safety
/// The CPU has AVX-512 F, BW, VBMI and VNNI; each source row has `blocks.source_bytes`; `stride` is
/// at least `row_bytes(blocks.size_out)`; `out` holds `ROWS` strides.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vnni")]
pub(super) unsafe fn resample_rows(
    source: [&[u8]; ROWS],
    blocks: &Blocks,
    out: &mut [u8],
    stride: usize,
    ahead: isize,
) {
    let split = !blocks.lower.is_empty();
    let kernel = match (split, blocks.two_registers, blocks.pairs_per_block) {
        (false, false, 2) => resample_blocks::<false, false, 2>,
        (false, false, 3) => resample_blocks::<false, false, 3>,
        (false, false, _) => resample_blocks::<false, false, 0>,
        (false, true, _) => resample_blocks::<false, true, 0>,
        (true, false, _) => resample_blocks::<true, false, 0>,
        (true, true, 4) => resample_blocks::<true, true, 4>,
        (true, true, _) => resample_blocks::<true, true, 0>,
    };
    // SAFETY: the caller's promises.
    unsafe { kernel(source, blocks, out, stride, ahead) };
}

/// Resample with `PAIRS` pairs of taps, or, for 0, with as many as there are.
///
/// # Safety
/// As [`resample_rows`]; `TWO` is `blocks.two_registers`, `SPLIT` whether there are lower parts.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vnni")]
unsafe fn resample_blocks<const SPLIT: bool, const TWO: bool, const PAIRS: usize>(
    source: [&[u8]; ROWS],
    blocks: &Blocks,
    out: &mut [u8],
    stride: usize,
    ahead: isize,
) {
    debug_assert!(source.iter().all(|row| row.len() == blocks.source_bytes));
    debug_assert!(stride > blocks.size_out.next_multiple_of(BLOCK) * CHANNELS);
    // Every second byte is the upper half of a word, and zero.
    const WORDS: u64 = 0x5555_5555_5555_5555;
    let half = _mm512_set1_epi32(1 << (blocks.precision - 1));
    let precision = _mm_cvtsi32_si128(blocks.precision as i32);
    let pairs = if PAIRS == 0 {
        blocks.pairs_per_block
    } else {
        PAIRS
    };
    let tables = blocks.pairs.chunks_exact(pairs);
    for (block, (window, tables)) in blocks.windows.iter().zip(tables).enumerate() {
        // One sum for whole weights, two for split ones.
        let mut sums = [if SPLIT { _mm512_setzero_si512() } else { half }; ROWS];
        let mut lower_sums = [half; ROWS];
        let lower: &[Lower] = if SPLIT {
            &blocks.lower[block * pairs..][..pairs]
        } else {
            &[]
        };
        // SAFETY: the masks keep every byte that is read inside the row: `start` is inside, and bits
        // are set only for as many bytes as the row has from there. Without any bit set the address
        // may lie behind the row, and is not read.
        let low = source.map(|row| unsafe {
            _mm512_maskz_loadu_epi8(
                window.readable[0],
                row.as_ptr().wrapping_add(window.start).cast(),
            )
        });
        let high = source.map(|row| {
            if TWO {
                let second = row.as_ptr().wrapping_add(window.start + LANES);
                // SAFETY: as above.
                unsafe { _mm512_maskz_loadu_epi8(window.readable[1], second.cast()) }
            } else {
                _mm512_setzero_si512()
            }
        });
        for row in source {
            // The hardware prefetcher does not follow so many short streams.
            let later = row
                .as_ptr()
                .wrapping_offset(ahead)
                .wrapping_add(window.start);
            _mm_prefetch::<_MM_HINT_T0>(later.cast());
        }
        for (pair, table) in tables.iter().enumerate() {
            // SAFETY: a table's two halves are 64 bytes each, and aligned.
            let (bytes, weights) = unsafe {
                (
                    _mm512_load_si512(table.bytes.as_ptr().cast()),
                    _mm512_load_si512(table.weights.as_ptr().cast()),
                )
            };
            let lower = if SPLIT {
                // SAFETY: likewise.
                unsafe { _mm512_load_si512(lower[pair].0.as_ptr().cast()) }
            } else {
                weights
            };
            for row in 0..ROWS {
                let words = if TWO {
                    _mm512_maskz_permutex2var_epi8(WORDS, low[row], bytes, high[row])
                } else {
                    _mm512_maskz_permutexvar_epi8(WORDS, bytes, low[row])
                };
                sums[row] = _mm512_dpwssd_epi32(sums[row], words, weights);
                if SPLIT {
                    lower_sums[row] = _mm512_dpwssd_epi32(lower_sums[row], words, lower);
                }
            }
        }
        if SPLIT {
            for (sum, lower) in sums.iter_mut().zip(lower_sums) {
                *sum = _mm512_add_epi32(_mm512_slli_epi32::<LOWER_BITS>(*sum), lower);
            }
        }
        for (row, sums) in sums.into_iter().enumerate() {
            let shifted = _mm512_sra_epi32(sums, precision);
            let positive = _mm512_max_epi32(shifted, _mm512_setzero_si512());
            let bytes = _mm512_cvtusepi32_epi8(positive);
            // SAFETY: `block` is at most `size_out.div_ceil(BLOCK) - 1`, so that 16 bytes from 15 *
            // `block` on end within `row_bytes(size_out) <= stride`, in each of `ROWS` rows.
            unsafe {
                let target = out
                    .as_mut_ptr()
                    .add(row * stride + block * BLOCK * CHANNELS);
                _mm_storeu_si128(target.cast(), bytes);
            }
        }
    }
}
