//! The vertical pass for any instruction set: whole registers at a time, two rows to a multiplication.

use super::scalar;
use crate::types::Taps;

/// A register, and what the vertical pass does with registers.
pub(super) trait Vector: Copy {
    /// Bytes of a register.
    const BYTES: usize;

    /// Load a register.
    ///
    /// # Safety
    /// The CPU has the instruction set of this type; [`Vector::BYTES`] bytes are readable.
    unsafe fn load(bytes: *const u8) -> Self;

    /// Store this register.
    ///
    /// # Safety
    /// The CPU has the instruction set of this type; [`Vector::BYTES`] bytes are writable.
    unsafe fn store(self, bytes: *mut u8);

    /// Fill a register with a 32-bit number.
    ///
    /// # Safety
    /// The CPU has the instruction set of this type.
    unsafe fn splat(number: i32) -> Self;

    /// Return the bytes of two rows as 16-bit words, one of each row in turn. Within each 16 bytes of a
    /// register, shown for eight of them:
    ///
    /// ```text
    /// p q           p0 p1 p2 ... p7      q0 q1 q2 ... q7
    /// unpack bytes  p0 q0 p1 q1 ...      p4 q4 p5 q5 ...
    /// unpack zero   p0 q0 | p1 q1 | ...  as words: two of them, times their weights, are one sum
    /// ```
    ///
    /// # Safety
    /// The CPU has the instruction set of this type.
    unsafe fn interleave(p: Self, q: Self) -> [Self; 4];

    /// Add to each 32-bit sum the products of two words and two weights.
    ///
    /// # Safety
    /// The CPU has the instruction set of this type.
    unsafe fn add_products(sums: Self, words: Self, weights: Self) -> Self;

    /// Return the sums for whole weights from those for their upper and lower parts.
    ///
    /// # Safety
    /// The CPU has the instruction set of this type.
    unsafe fn join_parts(upper: Self, lower: Self) -> Self;

    /// Shift sums right and clamp them to bytes, in the order of the bytes given to [`Vector::interleave`].
    ///
    /// # Safety
    /// The CPU has the instruction set of this type.
    unsafe fn narrow(sums: [Self; 4], shift: u32) -> Self;
}

/// Blend rows as [`super::blend_rows`] does.
///
/// Inlined, so that it is compiled for the instruction set of its caller.
///
/// # Safety
/// The CPU has the instruction set of `V`, which is enabled in the caller; there is one weight per offset,
/// and one lower part or none; `out.len()` bytes from each offset on are inside `rows`.
#[inline(always)]
pub(super) unsafe fn blend_rows<V: Vector>(
    rows: &[u8],
    offsets: &[usize],
    taps: Taps<'_>,
    out: &mut [u8],
) {
    // SAFETY: the caller's promises.
    unsafe {
        if taps.lower.is_empty() {
            blend_parts::<V, false>(rows, offsets, taps, out);
        } else {
            blend_parts::<V, true>(rows, offsets, taps, out);
        }
    }
}

/// # Safety
/// As [`blend_rows`]; `SPLIT` is whether there are lower parts.
#[inline(always)]
unsafe fn blend_parts<V: Vector, const SPLIT: bool>(
    rows: &[u8],
    offsets: &[usize],
    taps: Taps<'_>,
    out: &mut [u8],
) {
    let (upper, lower) = (taps.upper, if SPLIT { taps.lower } else { taps.upper });
    let whole = out.len() - out.len() % V::BYTES;
    let rows_start = rows.as_ptr();
    // SAFETY: the CPU has the instruction set. In each step `at + V::BYTES <= whole <= out.len()`, and so
    // many bytes follow each offset.
    unsafe {
        let half = V::splat(1 << (taps.precision - 1));
        for at in (0..whole).step_by(V::BYTES) {
            // One sum for whole weights, two for split ones.
            let mut sums = [if SPLIT { V::splat(0) } else { half }; 4];
            let mut lower_sums = [half; 4];
            let pairs = upper.chunks_exact(2).zip(lower.chunks_exact(2));
            for (offset, (upper, lower)) in offsets.chunks_exact(2).zip(pairs) {
                let words = V::interleave(
                    V::load(rows_start.add(offset[0] + at)),
                    V::load(rows_start.add(offset[1] + at)),
                );
                sums = add_rows(sums, words, upper[0], upper[1]);
                if SPLIT {
                    lower_sums = add_rows(lower_sums, words, lower[0], lower[1]);
                }
            }
            if let [offset] = offsets.chunks_exact(2).remainder() {
                let words = V::interleave(V::load(rows_start.add(offset + at)), V::splat(0));
                let last = offsets.len() - 1;
                sums = add_rows(sums, words, upper[last], 0);
                if SPLIT {
                    lower_sums = add_rows(lower_sums, words, lower[last], 0);
                }
            }
            if SPLIT {
                for i in 0..4 {
                    sums[i] = V::join_parts(sums[i], lower_sums[i]);
                }
            }
            V::narrow(sums, taps.precision).store(out.as_mut_ptr().add(at));
        }
    }
    scalar::blend_rows(rows, offsets, taps, whole, out);
}

/// Add two rows, times their weights `p` and `q`.
///
/// # Safety
/// The CPU has the instruction set of `V`, which is enabled in the caller.
#[inline(always)]
unsafe fn add_rows<V: Vector>(mut sums: [V; 4], words: [V; 4], p: i16, q: i16) -> [V; 4] {
    // SAFETY: the caller's promise.
    unsafe {
        let weights = V::splat(i32::from(p) & 0xffff | i32::from(q) << 16);
        for i in 0..4 {
            sums[i] = V::add_products(sums[i], words[i], weights);
        }
    }
    sums
}
