//! Patches by arithmetic or by look-up: the 14 values of one row and channel in 16 lanes.

use std::arch::x86_64::*;

use half::{bf16, f16};

use super::values::Halves;
use super::{Band, Formula, PATCH, PLANE};
use crate::kernels::stream::{self, Staging};
use crate::types::{CHANNELS, ElementsMut};

/// Mask of the bytes of a patch row.
const BYTES: u64 = (1 << (PATCH * CHANNELS)) - 1;
/// Mask of the values of one channel of it.
const VALUES: u16 = (1 << PATCH) - 1;
const PATCH_VALUES: usize = PLANE * CHANNELS;
/// Patches that are gathered before they are copied: with 4-byte values 147 cache lines.
const GROUP: usize = 4;

/// A way to compute the values of a row of a patch.
trait MakeRow<T> {
    /// Write the 14 values of each channel to `target`, channels `PLANE` apart. Unless it is the `last` row,
    /// two undefined values follow them, where the next row will be written.
    ///
    /// # Safety
    /// The CPU has AVX-512 F, BW, VL and VBMI; the planes are writable from `target` on.
    unsafe fn make_row(&self, pixels: __m512i, target: *mut T, last: bool);
}

/// # Safety
/// The CPU has AVX-512 F, BW, VL and VBMI; `pixels` has `PATCH` rows and is a whole number of patches
/// wide; `out` holds `PATCH` values for each byte of one of them.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
pub(super) unsafe fn write_patches(
    pixels: Band<'_>,
    formula: &Formula,
    streamed: bool,
    out: ElementsMut<'_>,
) {
    let maker = ByFormula::new(formula);
    // SAFETY: the caller's promises.
    unsafe {
        match out {
            ElementsMut::Float32(out) => write_groups(pixels, &maker, streamed, out),
            ElementsMut::BFloat16(out) => write_groups(pixels, &maker, streamed, out),
            ElementsMut::Float16(out) => write_groups(pixels, &maker, streamed, out),
        }
    }
}

/// # Safety
/// As [`write_patches`].
///
/// # Panics
/// Panics if values do not have two bytes.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
pub(super) unsafe fn write_patches_by_halves(
    pixels: Band<'_>,
    halves: &Halves,
    streamed: bool,
    out: ElementsMut<'_>,
) {
    let bits = out.into_bits().expect("values of two bytes");
    // SAFETY: the caller's promises.
    unsafe { write_groups(pixels, &ByHalves::new(halves), streamed, bits) }
}

/// # Safety
/// As [`write_patches`].
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
unsafe fn write_groups<T: Copy + Default>(
    pixels: Band<'_>,
    maker: &impl MakeRow<T>,
    streamed: bool,
    out: &mut [T],
) {
    let rows: [&[u8]; PATCH] = std::array::from_fn(|y| pixels.row(y));
    let mut staging = Staging([T::default(); GROUP * PATCH_VALUES]);
    for (group, out) in out.chunks_mut(GROUP * PATCH_VALUES).enumerate() {
        for patch in 0..out.len() / PATCH_VALUES {
            let x = (group * GROUP + patch) * PATCH * CHANNELS;
            let planes = &mut staging.0[patch * PATCH_VALUES..][..PATCH_VALUES];
            for (y, row) in rows.iter().enumerate() {
                let row = &row[x..][..PATCH * CHANNELS];
                // SAFETY: `row` has as many bytes as the mask has bits. `planes` has three planes of
                // 14 rows, of which this is row `y`.
                unsafe {
                    let packed = _mm512_maskz_loadu_epi8(BYTES, row.as_ptr().cast());
                    let target = planes.as_mut_ptr().add(y * PATCH);
                    maker.make_row(packed, target, y == PATCH - 1);
                }
            }
        }
        // SAFETY: AVX-512 includes AVX; the fence follows.
        unsafe { stream::copy(&staging.0[..out.len()], out, streamed) };
    }
    stream::fence();
}

/// Values by [`Formula`], the 14 values of a channel in 16 lanes.
struct ByFormula {
    scale: [__m512; 2],
    channels: [[__m512; 3]; CHANNELS],
    sources: [__m512i; CHANNELS],
}

impl ByFormula {
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn new(formula: &Formula) -> Self {
        // Lane i of channel c takes byte 3 * i + c to its lowest byte; the other three are zero.
        let lanes = _mm512_setr_epi32(0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 33, 36, 39, 0, 0);
        Self {
            scale: [formula.scale_high, formula.scale_low].map(|x| _mm512_set1_ps(x)),
            channels: [0, 1, 2].map(|c| {
                [formula.mean[c], formula.std[c], formula.inverse[c]].map(|x| _mm512_set1_ps(x))
            }),
            sources: [0, 1, 2].map(|c| _mm512_add_epi32(lanes, _mm512_set1_epi32(c))),
        }
    }
}

impl<T: Store> MakeRow<T> for ByFormula {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
    unsafe fn make_row(&self, pixels: __m512i, target: *mut T, last: bool) {
        const LOWEST_BYTES: u64 = 0x1111_1111_1111_1111;
        for c in 0..CHANNELS {
            let bytes = _mm512_maskz_permutexvar_epi8(LOWEST_BYTES, self.sources[c], pixels);
            let values = normalize(bytes, self.scale, self.channels[c]);
            // SAFETY: the caller's promise.
            unsafe { T::store_row(target.add(c * PLANE), values, last) };
        }
    }
}

/// Word i of channel c: byte 3 * i + c of the lower bytes, and of the upper ones, which begin at 64.
static WORD_SOURCES: [[u16; 32]; CHANNELS] = {
    let mut sources = [[0; 32]; CHANNELS];
    let mut i = 0;
    while i < PATCH * CHANNELS {
        sources[i % CHANNELS][i / CHANNELS] = (i | (i + 64) << 8) as u16;
        i += 1;
    }
    sources
};

/// Values by look-up of their lower and their upper byte, for all channels at once; each table fills four
/// registers.
struct ByHalves {
    lower: [__m512i; 4],
    upper: [__m512i; 4],
    sources: [__m512i; CHANNELS],
}

impl ByHalves {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    fn new(halves: &Halves) -> Self {
        let load = |table: &[u8; 256]| {
            // SAFETY: 64 bytes from each of these positions on are inside the table.
            [0, 64, 128, 192].map(|at| unsafe { _mm512_loadu_si512(table.as_ptr().add(at).cast()) })
        };
        // SAFETY: 32 words are 64 bytes.
        let sources = [0, 1, 2]
            .map(|c: usize| unsafe { _mm512_loadu_si512(WORD_SOURCES[c].as_ptr().cast()) });
        Self {
            lower: load(&halves.lower),
            upper: load(&halves.upper),
            sources,
        }
    }
}

/// Return `table[byte]` for each of 64 bytes.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn look_up(table: [__m512i; 4], bytes: __m512i) -> __m512i {
    let [t0, t1, t2, t3] = table;
    let first = _mm512_permutex2var_epi8(t0, bytes, t1);
    let second = _mm512_permutex2var_epi8(t2, bytes, t3);
    _mm512_mask_blend_epi8(_mm512_movepi8_mask(bytes), first, second)
}

impl MakeRow<u16> for ByHalves {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi")]
    unsafe fn make_row(&self, pixels: __m512i, target: *mut u16, last: bool) {
        let lower = look_up(self.lower, pixels);
        let upper = look_up(self.upper, pixels);
        for c in 0..CHANNELS {
            let words = _mm512_permutex2var_epi8(lower, self.sources[c], upper);
            // SAFETY: the caller's promise.
            unsafe {
                store_words(
                    target.add(c * PLANE).cast(),
                    _mm512_castsi512_si256(words),
                    last,
                );
            }
        }
    }
}

/// Normalize 16 bytes, one per lane, by [`Formula`].
#[inline]
#[target_feature(enable = "avx512f")]
fn normalize(bytes: __m512i, scale: [__m512; 2], constants: [__m512; 3]) -> __m512 {
    let [scale_high, scale_low] = scale;
    let [mean, std, inverse] = constants;
    let byte = _mm512_cvtepi32_ps(bytes);
    let unit = _mm512_fmadd_ps(byte, scale_high, _mm512_mul_ps(byte, scale_low));
    let rest = _mm512_sub_ps(unit, mean);
    let guess = _mm512_mul_ps(rest, inverse);
    _mm512_fmadd_ps(_mm512_fnmadd_ps(guess, std, rest), inverse, guess)
}

/// A type that the first 14 of 16 numbers are stored as, rounded to nearest, ties to even.
trait Store: Copy + Default {
    /// # Safety
    /// The CPU has AVX-512 F, BW and VL; 14 elements are writable at `target`, or 16 of them if this
    /// is not the `last` row.
    unsafe fn store_row(target: *mut Self, values: __m512, last: bool);
}

impl Store for f32 {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    unsafe fn store_row(target: *mut Self, values: __m512, last: bool) {
        // SAFETY: the caller's promise.
        unsafe {
            if last {
                _mm512_mask_storeu_ps(target, VALUES, values);
            } else {
                _mm512_storeu_ps(target, values);
            }
        }
    }
}

impl Store for bf16 {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    unsafe fn store_row(target: *mut Self, values: __m512, last: bool) {
        // As in `avx2.rs`.
        let bits = _mm512_castps_si512(values);
        let odd = _mm512_and_si512(_mm512_srli_epi32::<16>(bits), _mm512_set1_epi32(1));
        let rounding = _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff));
        let upper = _mm512_srli_epi32::<16>(_mm512_add_epi32(bits, rounding));
        // SAFETY: the caller's promise.
        unsafe { store_words(target.cast(), _mm512_cvtepi32_epi16(upper), last) };
    }
}

impl Store for f16 {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    unsafe fn store_row(target: *mut Self, values: __m512, last: bool) {
        let words = _mm512_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(values);
        // SAFETY: the caller's promise.
        unsafe { store_words(target.cast(), words, last) };
    }
}

/// # Safety
/// As [`Store::store_row`], for elements of two bytes.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
unsafe fn store_words(target: *mut i16, words: __m256i, last: bool) {
    // SAFETY: the caller's promise.
    unsafe {
        if last {
            _mm256_mask_storeu_epi16(target, VALUES, words);
        } else {
            _mm256_storeu_si256(target.cast(), words);
        }
    }
}
