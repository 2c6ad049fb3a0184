//! SEI messages of H.264 and HEVC, which hardly differ (ITU-T H.264 D.1, H.265 D.2).

use crate::bits::Bits;
use crate::nal::unescape;

// Values of `payloadType`.
const REGISTERED_USER_DATA: usize = 4;
const RECOVERY_POINT: usize = 6;
const FILM_GRAIN: usize = 19;
const DISPLAY_ORIENTATION: usize = 47;
/// First bytes of AOMedia's film grain message: country and provider code (ITU-T T.35).
const AOMEDIA: [u8; 3] = [0xb5, 0x58, 0x90];

/// The effects of the messages of a packet on other pictures than its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Messages {
    /// H.264: decoding can start here and is exact from this picture on.
    pub(crate) exact_recovery: bool,
    /// Decoders add grain that depends on the number of each picture, which depends on earlier pictures.
    pub(crate) film_grain: bool,
    /// Some message applies to later pictures as well.
    pub(crate) lasting: bool,
}

impl Messages {
    /// Add the messages of one SEI unit, up to the first that cannot be read.
    pub(crate) fn read(&mut self, payload: &[u8]) {
        // Messages are whole bytes, so the last byte holds only the stop bit.
        let end = payload.iter().rposition(|byte| *byte != 0).unwrap_or(0);
        let mut bytes = unescape(&payload[..end]);
        while self.read_one(&mut bytes).is_some() {}
    }

    /// Add the next message; None if it cannot be read.
    fn read_one(&mut self, bytes: &mut impl Iterator<Item = u8>) -> Option<()> {
        let kind = read_number(bytes)?;
        let size = read_number(bytes)?;
        let mut message = bytes.take(size);
        match kind {
            RECOVERY_POINT => {
                let mut bits = Bits::new(message.by_ref());
                let frames_until_exact = bits.read_golomb()?;
                let (exact, broken) = (bits.read_flag()?, bits.read_flag()?);
                self.exact_recovery |= frames_until_exact == 0 && exact && !broken;
            }
            FILM_GRAIN => (self.film_grain, self.lasting) = (true, true),
            DISPLAY_ORIENTATION => self.lasting = true,
            REGISTERED_USER_DATA => {
                self.lasting |= message.by_ref().take(AOMEDIA.len()).eq(AOMEDIA);
            }
            _ => {}
        }
        message.for_each(drop);
        Some(())
    }
}

/// Read the kind or size of a message: the sum of bytes up to the first that is not 255.
fn read_number(bytes: &mut impl Iterator<Item = u8>) -> Option<usize> {
    let mut sum = 0usize;
    loop {
        let byte = bytes.next()?;
        sum = sum.saturating_add(byte.into());
        if byte != 255 {
            return Some(sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(payload: &[u8]) -> Messages {
        let mut messages = Messages::default();
        messages.read(payload);
        messages
    }

    const LASTING: Messages = Messages {
        exact_recovery: false,
        film_grain: false,
        lasting: true,
    };
    const GRAIN: Messages = Messages {
        film_grain: true,
        ..LASTING
    };

    #[test]
    fn what_holds_for_later_pictures_is_found_among_other_messages() {
        // Picture timing, captions and hashes apply to one picture.
        for other in [[1, 1, 9], [4, 1, 0xb5], [132, 1, 0]] {
            let alone = [&other[..], &[0x80]].concat();
            assert_eq!(read(&alone), Messages::default());
            for (message, expected) in [
                (&[19, 2, 0x04, 9][..], GRAIN),
                (&[47, 1, 0x40], LASTING),
                (&[4, 4, 0xb5, 0x58, 0x90, 1], LASTING),
            ] {
                assert_eq!(read(&[&other[..], message, &[0x80]].concat()), expected);
                assert_eq!(read(&[message, &other[..], &[0x80]].concat()), expected);
            }
        }
        // Another provider, another country, and a message that ends too early.
        for other in [[0xb5, 0x58, 0x91], [0xb4, 0x58, 0x90], [0xb5, 0x3c, 0]] {
            let unit = [&[4, 4], &other[..], &[1, 0x80]].concat();
            assert_eq!(read(&unit), Messages::default());
        }
        assert_eq!(read(&[4, 2, 0xb5, 0x58, 0x80]), Messages::default());
    }

    #[test]
    fn messages_before_one_that_is_cut_short_count() {
        assert_eq!(read(&[19, 1, 0, 6, 0x80]), GRAIN);
        assert_eq!(read(&[19, 1, 0, 6, 1, 0x80]), GRAIN);
        assert_eq!(read(&[19, 200, 0, 6, 0x80]), GRAIN);
        assert_eq!(read(&[6, 1, 0x80]), Messages::default());
        for nothing in [&[][..], &[0], &[0x80], &[19, 0x80], &[255, 255]] {
            assert_eq!(read(nothing), Messages::default());
        }
    }
}
