//! The horizontal pass, five output pixels of a row at a time, by one table look-up per pair of taps.

use std::arch::x86_64::*;

use super::{BLOCK, CHANNELS, ROWS};
use crate::weights::Weights;

/// Bytes of a register.
const LANES: usize = 64;
/// Source bytes that a block can reach: two registers, 42 pixels.
const REACH: usize = 2 * LANES;

/// Where the 15 sums of a block, and one that is not used, find their two source bytes (`.` is zero),
/// for one pair of taps p q; and what those weigh:
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

/// Where a block's source bytes are.
#[derive(Debug, Clone, Copy)]
struct Window {
    /// First byte.
    start: usize,
    /// Bytes that the row still has from there, as bits, for each of two registers.
    readable: [u64; 2],
}

/// The weights of a row, block by block, where no block reaches too far.
#[derive(Debug)]
pub(super) struct Blocks {
    windows: Vec<Window>,
    /// `pairs_per_block` of them for each window.
    pairs: Vec<Pair>,
    pairs_per_block: usize,
    /// Whether some block needs its second register.
    two_registers: bool,
    precision: u32,
    /// Pixels of a source row, and of a result.
    size_in: usize,
    size_out: usize,
}

impl Blocks {
    /// None where the outputs of a block lie too far apart in the source: shrinking to less than about
    /// a seventh.
    pub(super) fn new(weights: &Weights) -> Option<Self> {
        let outputs = weights.len();
        let pairs_per_block = weights.taps() / 2;
        let mut blocks = Self {
            windows: Vec::with_capacity(outputs.div_ceil(BLOCK)),
            pairs: Vec::with_capacity(outputs.div_ceil(BLOCK) * pairs_per_block),
            pairs_per_block,
            two_registers: false,
            precision: weights.precision(),
            size_in: weights.size_in(),
            size_out: outputs,
        };
        for first in (0..outputs).step_by(BLOCK) {
            let block = first..outputs.min(first + BLOCK);
            let start = weights.start(first);
            let end = block
                .clone()
                .map(|x| weights.start(x) + weights.count(x))
                .max()?;
            let reach = (end - start) * CHANNELS;
            if reach > REACH {
                return None;
            }
            blocks.two_registers |= reach > LANES;
            let left = (weights.size_in() - start) * CHANNELS;
            blocks.windows.push(Window {
                start: start * CHANNELS,
                readable: [low_bits(left), low_bits(left.saturating_sub(LANES))],
            });
            for pair in 0..pairs_per_block {
                let mut table = Pair {
                    bytes: [0; LANES],
                    weights: [0; LANES / 2],
                };
                for (pixel, x) in block.clone().enumerate() {
                    for tap in 2 * pair..weights.count(x).min(2 * pair + 2) {
                        for channel in 0..CHANNELS {
                            let word = 2 * (pixel * CHANNELS + channel) + tap % 2;
                            let byte = (weights.start(x) + tap - start) * CHANNELS + channel;
                            // Below `REACH`, so it fits.
                            table.bytes[2 * word] = byte as u8;
                            table.weights[word] = weights.row(x)[tap];
                        }
                    }
                }
                blocks.pairs.push(table);
            }
        }
        Some(blocks)
    }
}

/// A mask of the first `count` of 64.
fn low_bits(count: usize) -> u64 {
    if count >= LANES {
        u64::MAX
    } else {
        (1 << count) - 1
    }
}

/// # Safety
/// The CPU has AVX-512 F, BW, VBMI and VNNI; each source row has `blocks.size_in` pixels; `stride` is
/// at least `row_bytes(blocks.size_out)`; `out` holds `ROWS` strides.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vnni")]
pub(super) unsafe fn resample_rows(
    source: [&[u8]; ROWS],
    blocks: &Blocks,
    out: &mut [u8],
    stride: usize,
    ahead: isize,
) {
    // SAFETY: the caller's promises.
    unsafe {
        match (blocks.two_registers, blocks.pairs_per_block) {
            (false, 2) => resample_blocks::<false, 2>(source, blocks, out, stride, ahead),
            (false, 3) => resample_blocks::<false, 3>(source, blocks, out, stride, ahead),
            (false, _) => resample_blocks::<false, 0>(source, blocks, out, stride, ahead),
            (true, _) => resample_blocks::<true, 0>(source, blocks, out, stride, ahead),
        }
    }
}

/// `PAIRS` pairs of taps; 0 stands for "as many as there are".
///
/// # Safety
/// As [`resample_rows`]; `TWO` is `blocks.two_registers`.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,avx512vnni")]
unsafe fn resample_blocks<const TWO: bool, const PAIRS: usize>(
    source: [&[u8]; ROWS],
    blocks: &Blocks,
    out: &mut [u8],
    stride: usize,
    ahead: isize,
) {
    debug_assert!(
        source
            .iter()
            .all(|row| row.len() == blocks.size_in * CHANNELS)
    );
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
        let mut sums = [half; ROWS];
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
            // Rows begin too often for the hardware to foresee them.
            let later = row
                .as_ptr()
                .wrapping_offset(ahead)
                .wrapping_add(window.start);
            _mm_prefetch::<_MM_HINT_T0>(later.cast());
        }
        for table in tables {
            // SAFETY: a table's two halves are 64 bytes each, and aligned.
            let (bytes, weights) = unsafe {
                (
                    _mm512_load_si512(table.bytes.as_ptr().cast()),
                    _mm512_load_si512(table.weights.as_ptr().cast()),
                )
            };
            for row in 0..ROWS {
                let words = if TWO {
                    _mm512_maskz_permutex2var_epi8(WORDS, low[row], bytes, high[row])
                } else {
                    _mm512_maskz_permutexvar_epi8(WORDS, bytes, low[row])
                };
                sums[row] = _mm512_dpwssd_epi32(sums[row], words, weights);
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
