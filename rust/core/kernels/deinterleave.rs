//! Convert R G B R G B ... to one register per channel and back, 16 pixels at a time.

use std::arch::x86_64::*;

/// `[k][s]` moves bytes of source register `s` to their places in result register `k`; -1 stands for zero.
type Shuffles = [[[i8; 16]; 3]; 3];

/// Byte `i` of channel `c` is byte `3 * i + c` of the 48 packed ones.
const TO_CHANNELS: Shuffles = shuffles(true);
/// Packed byte `b` is byte `b / 3` of channel `b % 3`.
const TO_PACKED: Shuffles = shuffles(false);

const fn shuffles(to_channels: bool) -> Shuffles {
    let mut table = [[[-1i8; 16]; 3]; 3];
    let mut i = 0;
    while i < 48 {
        let (register, position) = (i / 16, i % 16);
        let source = if to_channels {
            3 * position + register
        } else {
            16 * (i % 3) + i / 3
        };
        table[register][source / 16][position] = (source % 16) as i8;
        i += 1;
    }
    table
}

/// Split 48 packed bytes into 16 red, 16 green and 16 blue ones.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn to_channels(packed: [__m128i; 3]) -> [__m128i; 3] {
    rearrange(packed, &TO_CHANNELS)
}

/// Invert [`to_channels`].
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn to_packed(channels: [__m128i; 3]) -> [__m128i; 3] {
    rearrange(channels, &TO_PACKED)
}

#[inline]
#[target_feature(enable = "avx2")]
fn rearrange(source: [__m128i; 3], shuffles: &Shuffles) -> [__m128i; 3] {
    let [x, y, z] = source;
    let mut result = source;
    for (register, shuffles) in result.iter_mut().zip(shuffles) {
        let [to_x, to_y, to_z] = shuffles;
        *register = _mm_or_si128(
            _mm_or_si128(
                _mm_shuffle_epi8(x, constant(to_x)),
                _mm_shuffle_epi8(y, constant(to_y)),
            ),
            _mm_shuffle_epi8(z, constant(to_z)),
        );
    }
    result
}

#[inline]
#[target_feature(enable = "avx2")]
fn constant(bytes: &[i8; 16]) -> __m128i {
    let bits = u128::from_le_bytes(bytes.map(|byte| byte as u8));
    _mm_set_epi64x((bits >> 64) as i64, bits as i64)
}
