//! The horizontal pass, two rows to a 256-bit register, two source pixels to a multiplication.

use std::arch::x86_64::*;

use super::{CHANNELS, PADDED, ROWS, RowWeights, scalar};
use crate::types::{LOWER_BITS, Weights};

/// Source pixels used of one load: 16 bytes hold four padded pixels, or five packed ones.
const PIXELS_PER_LOAD: usize = 4;
/// Bytes of a load.
const LOAD: usize = 16;

/// # Safety
/// The CPU has AVX2 (and `Weights` keeps its starts sorted, and windows inside `size_in`); each source
/// row has `rows.source_bytes()`; `stride` is at least `row_bytes(rows.size_out())`; `out` holds `ROWS`
/// strides.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn resample_rows(
    source: [&[u8]; ROWS],
    rows: &RowWeights,
    out: &mut [u8],
    stride: usize,
    ahead: isize,
) {
    let pairs = rows.weights.taps() / 2;
    // A last pair of taps needs a load of its own.
    let loads = pairs.div_ceil(2);
    let reach = (loads - 1) * PIXELS_PER_LOAD * rows.spacing + LOAD;
    // Starts are in ascending order: the outputs whose loads end inside the row come first.
    let inside = rows
        .weights
        .starts()
        .partition_point(|start| start * rows.spacing + reach <= source[0].len());
    let kernel = match (rows.weights.is_split(), pairs) {
        (false, 1) => resample_inside::<false, 0, true>,
        (false, 2) => resample_inside::<false, 1, false>,
        (false, 3) => resample_inside::<false, 1, true>,
        (false, 4) => resample_inside::<false, 2, false>,
        (false, 5) => resample_inside::<false, 2, true>,
        (false, 6) => resample_inside::<false, 3, false>,
        (false, _) => resample_inside::<false, 0, false>,
        (true, 4) => resample_inside::<true, 2, false>,
        (true, _) => resample_inside::<true, 0, false>,
    };
    // SAFETY: the caller's promises, and `inside` outputs whose `loads` loads end inside each row.
    unsafe { kernel(source, rows, inside, out, stride, ahead) };
    scalar::resample_rows(source, rows, inside, out, stride);
}

/// Resample with `QUADS` loads of four taps each, then two more taps if `PAIR`; without both, with as many
/// as there are. `SPLIT` is whether weights have lower parts.
///
/// # Safety
/// As [`resample_rows`]; the loads of the first `inside` outputs end inside each source row.
#[target_feature(enable = "avx2")]
unsafe fn resample_inside<const SPLIT: bool, const QUADS: usize, const PAIR: bool>(
    source: [&[u8]; ROWS],
    rows: &RowWeights,
    inside: usize,
    out: &mut [u8],
    stride: usize,
    ahead: isize,
) {
    let (weights, spacing): (&Weights, _) = (&rows.weights, rows.spacing);
    let taps = weights.taps();
    let (quads, pair) = match (QUADS, PAIR) {
        (0, false) => (taps / 4, taps % 4 == 2),
        known => known,
    };
    // Within each half, for pixels p q of one row, bytes become 16-bit words (. is zero):
    //   bytes  rp gp bp rq gq bq ...          or, padded,  rp gp bp xp rq gq bq xq ...
    //   words  rp rq  gp gq  bp bq  .  .      madd with (wp wq): four sums, r g b and zero
    let (first_pair, second_pair) = if spacing == PADDED {
        (
            _mm_setr_epi8(0, -1, 4, -1, 1, -1, 5, -1, 2, -1, 6, -1, -1, -1, -1, -1),
            _mm_setr_epi8(8, -1, 12, -1, 9, -1, 13, -1, 10, -1, 14, -1, -1, -1, -1, -1),
        )
    } else {
        (
            _mm_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1),
            _mm_setr_epi8(6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1),
        )
    };
    let first_pair = _mm256_broadcastsi128_si256(first_pair);
    let second_pair = _mm256_broadcastsi128_si256(second_pair);
    let half = _mm256_set1_epi32(1 << (weights.precision() - 1));
    let precision = _mm_cvtsi32_si128(weights.precision() as i32);
    let [a, b, c, d] = source.map(<[u8]>::as_ptr);
    let upper = weights.values()[..inside * taps].as_ptr();
    let lower = if SPLIT {
        weights.lower()[..inside * taps].as_ptr()
    } else {
        upper
    };
    let out = out.as_mut_ptr();

    for (x, start) in weights.starts()[..inside].iter().enumerate() {
        let at = start * spacing;
        // One sum for whole weights, two for split ones.
        let first = if SPLIT { _mm256_setzero_si256() } else { half };
        let (mut ab, mut cd) = (first, first);
        let (mut lower_ab, mut lower_cd) = (half, half);
        for row in [a, b, c, d] {
            // The hardware prefetcher does not follow so many short streams.
            _mm_prefetch::<_MM_HINT_T0>(row.wrapping_offset(ahead).wrapping_add(at).cast());
        }
        // SAFETY: `x < inside`, so `taps` weights from `x * taps` on are inside both parts, loads
        // of 16 bytes at `at + 4 * spacing * i` are inside each row, and the four bytes written for pixel `x`
        // end at `3 * x + 4 <= row_bytes(len) <= stride` within each of the `ROWS` rows of `out`.
        unsafe {
            let (upper, lower) = (upper.add(x * taps), lower.add(x * taps));
            for quad in 0..quads {
                let at = at + quad * PIXELS_PER_LOAD * spacing;
                let (ab_pixels, cd_pixels) = (
                    load_two(a.add(at), b.add(at)),
                    load_two(c.add(at), d.add(at)),
                );
                for (tap, order) in [(quad * 4, first_pair), (quad * 4 + 2, second_pair)] {
                    let ab_words = _mm256_shuffle_epi8(ab_pixels, order);
                    let cd_words = _mm256_shuffle_epi8(cd_pixels, order);
                    let weights = broadcast_pair(upper.add(tap));
                    ab = add_pair(ab, ab_words, weights);
                    cd = add_pair(cd, cd_words, weights);
                    if SPLIT {
                        let weights = broadcast_pair(lower.add(tap));
                        lower_ab = add_pair(lower_ab, ab_words, weights);
                        lower_cd = add_pair(lower_cd, cd_words, weights);
                    }
                }
            }
            if pair {
                let at = at + quads * PIXELS_PER_LOAD * spacing;
                let ab_words = _mm256_shuffle_epi8(load_two(a.add(at), b.add(at)), first_pair);
                let cd_words = _mm256_shuffle_epi8(load_two(c.add(at), d.add(at)), first_pair);
                let weights = broadcast_pair(upper.add(quads * 4));
                ab = add_pair(ab, ab_words, weights);
                cd = add_pair(cd, cd_words, weights);
                if SPLIT {
                    let weights = broadcast_pair(lower.add(quads * 4));
                    lower_ab = add_pair(lower_ab, ab_words, weights);
                    lower_cd = add_pair(lower_cd, cd_words, weights);
                }
            }
            if SPLIT {
                const LOWER: i32 = LOWER_BITS as i32;
                ab = _mm256_add_epi32(_mm256_slli_epi32::<LOWER>(ab), lower_ab);
                cd = _mm256_add_epi32(_mm256_slli_epi32::<LOWER>(cd), lower_cd);
            }
            // Packing saturates twice, to i16 and then to u8, which is the clamp to 0..=255:
            //   low half  a: r g b .  c: r g b .       high half  b: r g b .  d: r g b .
            let words = _mm256_packs_epi32(
                _mm256_sra_epi32(ab, precision),
                _mm256_sra_epi32(cd, precision),
            );
            let bytes = _mm256_packus_epi16(words, words);
            let ac = _mm_cvtsi128_si64(_mm256_castsi256_si128(bytes)) as u64;
            let bd = _mm_cvtsi128_si64(_mm256_extracti128_si256::<1>(bytes)) as u64;
            let pixel = out.add(x * CHANNELS);
            pixel.cast::<u32>().write_unaligned(ac as u32);
            pixel.add(stride).cast::<u32>().write_unaligned(bd as u32);
            pixel
                .add(2 * stride)
                .cast::<u32>()
                .write_unaligned((ac >> 32) as u32);
            pixel
                .add(3 * stride)
                .cast::<u32>()
                .write_unaligned((bd >> 32) as u32);
        }
    }
}

/// # Safety
/// AVX2; 16 bytes are readable at both.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn load_two(low: *const u8, high: *const u8) -> __m256i {
    // SAFETY: the caller's promise.
    unsafe { _mm256_loadu2_m128i(high.cast(), low.cast()) }
}

/// # Safety
/// AVX2; two weights are readable.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn broadcast_pair(weights: *const i16) -> __m256i {
    // SAFETY: the caller's promise.
    _mm256_set1_epi32(unsafe { weights.cast::<i32>().read_unaligned() })
}

#[inline]
#[target_feature(enable = "avx2")]
fn add_pair(sums: __m256i, words: __m256i, weights: __m256i) -> __m256i {
    _mm256_add_epi32(sums, _mm256_madd_epi16(words, weights))
}
