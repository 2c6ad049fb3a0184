//! Numbers of any width in bits, most significant bit first.

/// Reads bits from bytes. Every read past the end returns None.
pub(crate) struct Bits<I> {
    bytes: I,
    current: u8,
    /// Bits of `current` that have not been read.
    left: u32,
}

impl<I: Iterator<Item = u8>> Bits<I> {
    pub(crate) fn new(bytes: impl IntoIterator<IntoIter = I>) -> Self {
        Self {
            bytes: bytes.into_iter(),
            current: 0,
            left: 0,
        }
    }

    /// Read one bit.
    pub(crate) fn read_flag(&mut self) -> Option<bool> {
        if self.left == 0 {
            self.current = self.bytes.next()?;
            self.left = 8;
        }
        self.left -= 1;
        Some(self.current >> self.left & 1 == 1)
    }

    /// Read a number of `count` bits, 32 at most.
    pub(crate) fn read_number(&mut self, count: u32) -> Option<u32> {
        (0..count).try_fold(0, |number, _| {
            Some(number << 1 | u32::from(self.read_flag()?))
        })
    }

    /// Read an Exp-Golomb number, `ue(v)` of H.264; None for those above 2**31 - 2, which no header has.
    pub(crate) fn read_golomb(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.read_flag()? {
            zeros += 1;
            if zeros > 30 {
                return None;
            }
        }
        Some((1 << zeros) - 1 + self.read_number(zeros)?)
    }
}

#[cfg(test)]
#[allow(clippy::unusual_byte_groupings, reason = "grouped as the fields are")]
mod tests {
    use super::*;

    #[test]
    fn bits_come_from_the_top() {
        let mut bits = Bits::new([0b1010_0001, 0b1000_0000]);
        assert_eq!(bits.read_flag(), Some(true));
        assert_eq!(bits.read_number(3), Some(0b010));
        assert_eq!(bits.read_number(5), Some(0b0_0011));
        assert_eq!(bits.read_number(7), Some(0));
        assert_eq!(bits.read_flag(), None);
        assert_eq!(bits.read_number(0), Some(0));
    }

    #[test]
    fn golomb_numbers_are_those_of_the_standard() {
        // 1 | 010 | 011 | 00100 | 00101 and the rest of the byte
        let mut bits = Bits::new([0b1010_0110, 0b0100_0010, 0b1000_0000]);
        let numbers: Vec<_> = (0..5).map_while(|_| bits.read_golomb()).collect();
        assert_eq!(numbers, [0, 1, 2, 3, 4]);
        assert_eq!(bits.read_golomb(), None);
        let mut largest = Bits::new([0, 0, 0, 0b11, 0xff, 0xff, 0xff, 0xfc]);
        assert_eq!(largest.read_golomb(), Some((1 << 31) - 2));
        assert_eq!(Bits::new([0; 100]).read_golomb(), None);
        assert_eq!(Bits::new([0, 0b1000_0000]).read_golomb(), None);
    }
}
