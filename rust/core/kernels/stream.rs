//! Write patches to memory: they are gathered in the cache, then copied in order.

use std::arch::x86_64::*;

/// Bytes of a cache line.
const LINE: usize = 64;

/// A buffer for a few patches: kernels fill it in any order, then copy it once.
#[repr(C, align(64))]
pub(super) struct Staging<T, const N: usize>(pub(super) [T; N]);

/// Copy `source` to `target`. If `streamed`, whole cache lines bypass the cache: they are not read from
/// memory first, and evict nothing from the cache.
///
/// # Safety
/// The CPU has AVX; `T` is a plain number, without padding. After a streamed copy, [`fence`] is called before
/// anything else reads or writes `target`.
#[inline]
#[target_feature(enable = "avx")]
pub(super) unsafe fn copy<T: Copy>(source: &[T], target: &mut [T], streamed: bool) {
    assert_eq!(source.len(), target.len(), "lengths");
    // SAFETY: the middle part is whole lines of plain numbers, which may be read as bytes.
    let (head, lines, _) = unsafe { target.align_to_mut::<Line>() };
    if !streamed || lines.is_empty() {
        target.copy_from_slice(source);
        return;
    }
    let (head, middle) = (head.len(), size_of_val(lines) / size_of::<T>());
    let mut from = source[head..].as_ptr().cast::<u8>();
    for line in lines {
        // SAFETY: as many bytes follow `from` in `source` as `line` and the lines behind it have; a
        // line is aligned to its 64 bytes.
        unsafe {
            let halves = [
                _mm256_loadu_si256(from.cast()),
                _mm256_loadu_si256(from.add(32).cast()),
            ];
            let to: *mut __m256i = std::ptr::from_mut(line).cast();
            _mm256_stream_si256(to, halves[0]);
            _mm256_stream_si256(to.add(1), halves[1]);
            from = from.add(LINE);
        }
    }
    target[..head].copy_from_slice(&source[..head]);
    target[head + middle..].copy_from_slice(&source[head + middle..]);
}

/// Complete streamed copies, so that later reads on any thread see them.
pub(super) fn fence() {
    // SAFETY: SSE is part of x86-64.
    unsafe { _mm_sfence() }
}

#[repr(C, align(64))]
struct Line([u8; LINE]);
