//! The horizontal pass, two rows to a 256-bit register, two source pixels to a multiplication.

use std::arch::x86_64::*;

use super::{CHANNELS, ROWS, scalar};
use crate::weights::Weights;

/// Source pixels that one load covers usefully: 16 bytes hold five, of which four are weighed.
const PIXELS_PER_LOAD: usize = 4;
/// Bytes of a load.
const LOAD: usize = 16;

/// # Safety
/// The CPU has AVX2 (and `Weights` keeps its starts sorted, and windows inside `size_in`); each source
/// row has `weights.size_in()` pixels; `stride` is at least
/// `row_bytes(weights.len())`; `out` holds `ROWS` strides.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn resample_rows(
    source: [&[u8]; ROWS],
    weights: &Weights,
    out: &mut [u8],
    stride: usize,
    ahead: isize,
) {
    let pairs = weights.taps() / 2;
    // A pair of taps of its own behind full loads takes a load too.
    let loads = pairs.div_ceil(2);
    let reach = (loads - 1) * PIXELS_PER_LOAD * CHANNELS + LOAD;
    // Starts never decrease: the outputs whose loads end inside the row come first.
    let inside = weights
        .starts()
        .partition_point(|start| start * CHANNELS + reach <= source[0].len());
    // SAFETY: the caller's promises, and `inside` outputs whose `loads` loads end inside each row.
    unsafe {
        match pairs {
            1 => resample_inside::<0, true>(source, weights, inside, out, stride, ahead),
            2 => resample_inside::<1, false>(source, weights, inside, out, stride, ahead),
            3 => resample_inside::<1, true>(source, weights, inside, out, stride, ahead),
            4 => resample_inside::<2, false>(source, weights, inside, out, stride, ahead),
            5 => resample_inside::<2, true>(source, weights, inside, out, stride, ahead),
            6 => resample_inside::<3, false>(source, weights, inside, out, stride, ahead),
            _ => resample_inside::<0, false>(source, weights, inside, out, stride, ahead),
        }
    }
    scalar::resample_rows(source, weights, inside, out, stride);
}

/// `QUADS` loads of four taps each, then two more taps if `PAIR`; no quads and no pair stands for
/// "as many as there are".
///
/// # Safety
/// As [`resample_rows`]; the loads of the first `inside` outputs end inside each source row.
#[target_feature(enable = "avx2")]
unsafe fn resample_inside<const QUADS: usize, const PAIR: bool>(
    source: [&[u8]; ROWS],
    weights: &Weights,
    inside: usize,
    out: &mut [u8],
    stride: usize,
    ahead: isize,
) {
    let taps = weights.taps();
    let (quads, pair) = match (QUADS, PAIR) {
        (0, false) => (taps / 4, taps % 4 == 2),
        known => known,
    };
    // Within each half, for pixels p q of one row, bytes become 16-bit words (. is zero):
    //   bytes  rp gp bp rq gq bq ...
    //   words  rp rq  gp gq  bp bq  .  .      madd with (wp wq): four sums, r g b and zero
    let first_pair = _mm256_broadcastsi128_si256(_mm_setr_epi8(
        0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1,
    ));
    let second_pair = _mm256_broadcastsi128_si256(_mm_setr_epi8(
        6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1,
    ));
    let half = _mm256_set1_epi32(1 << (weights.precision() - 1));
    let precision = _mm_cvtsi32_si128(weights.precision() as i32);
    let [a, b, c, d] = source.map(<[u8]>::as_ptr);
    let values = weights.values()[..inside * taps].as_ptr();
    let out = out.as_mut_ptr();

    for (x, start) in weights.starts()[..inside].iter().enumerate() {
        let at = start * CHANNELS;
        let (mut ab, mut cd) = (half, half);
        for row in [a, b, c, d] {
            // Rows begin too often for the hardware to foresee them.
            _mm_prefetch::<_MM_HINT_T0>(row.wrapping_offset(ahead).wrapping_add(at).cast());
        }
        // SAFETY: `x < inside`, so `taps` weights from `x * taps` on are inside `values`, loads of
        // 16 bytes at `at + 12 * i` are inside each row, and the four bytes written for pixel `x`
        // end at `3 * x + 4 <= row_bytes(len) <= stride` within each of the `ROWS` rows of `out`.
        unsafe {
            let weight = values.add(x * taps);
            for quad in 0..quads {
                let at = at + quad * PIXELS_PER_LOAD * CHANNELS;
                let w01 = broadcast_pair(weight.add(quad * 4));
                let w23 = broadcast_pair(weight.add(quad * 4 + 2));
                let pixels = load_two(a.add(at), b.add(at));
                ab = add_pair(ab, pixels, first_pair, w01);
                ab = add_pair(ab, pixels, second_pair, w23);
                let pixels = load_two(c.add(at), d.add(at));
                cd = add_pair(cd, pixels, first_pair, w01);
                cd = add_pair(cd, pixels, second_pair, w23);
            }
            if pair {
                let at = at + quads * PIXELS_PER_LOAD * CHANNELS;
                let w01 = broadcast_pair(weight.add(quads * 4));
                ab = add_pair(ab, load_two(a.add(at), b.add(at)), first_pair, w01);
                cd = add_pair(cd, load_two(c.add(at), d.add(at)), first_pair, w01);
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
fn add_pair(sums: __m256i, pixels: __m256i, order: __m256i, weights: __m256i) -> __m256i {
    _mm256_add_epi32(
        sums,
        _mm256_madd_epi16(_mm256_shuffle_epi8(pixels, order), weights),
    )
}
