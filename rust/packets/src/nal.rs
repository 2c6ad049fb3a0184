//! Start codes and NAL units.

use std::sync::LazyLock;

use memchr::memmem::Finder;

static START_CODE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\0\0\x01"));

/// Return where the next `00 00 01` begins.
pub(crate) fn find_start_code(bytes: &[u8]) -> Option<usize> {
    START_CODE.find(bytes)
}

/// Iterate over what each start code of a packet begins: the byte that tells the type, and the bytes up to
/// the next start code. An item is None if that byte is missing.
pub(crate) fn started_units(packet: &[u8]) -> impl Iterator<Item = Option<(u8, &[u8])>> {
    let mut rest = find_start_code(packet).map(|at| &packet[at + 3..]);
    std::iter::from_fn(move || {
        let unit = rest.take()?;
        let next = find_start_code(unit);
        rest = next.map(|at| &unit[at + 3..]);
        let unit = &unit[..next.unwrap_or(unit.len())];
        Some(unit.split_first().map(|(code, data)| (*code, data)))
    })
}

/// Iterates over the NAL units of a packet. The last item is None if the packet cannot be split.
pub(crate) struct NalUnits<'a> {
    rest: &'a [u8],
    length_size: usize,
    finished: bool,
}

impl<'a> NalUnits<'a> {
    /// Split a packet at lengths of `length_size` bytes, or, if that is 0, at start codes.
    pub(crate) fn new(packet: &'a [u8], length_size: usize) -> Self {
        Self {
            rest: packet,
            length_size,
            finished: false,
        }
    }

    /// Take the next unit, which follows its length.
    fn take_prefixed(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.rest.split_at_checked(self.length_size)?;
        let length = length
            .iter()
            .fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        let (unit, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        self.rest = rest;
        // FFmpeg would read the rest of such a unit as a second one.
        (!unit.is_empty() && find_start_code(unit).is_none()).then_some(unit)
    }

    /// Take the next unit, which follows a start code. There may be only zeros between units.
    fn take_started(&mut self) -> Option<&'a [u8]> {
        let start = find_start_code(self.rest)?;
        let (zeros, rest) = self.rest.split_at(start);
        let rest = &rest[3..];
        let (unit, rest) = rest.split_at(find_start_code(rest).unwrap_or(rest.len()));
        self.rest = rest;
        let end = unit.iter().rposition(|byte| *byte != 0)?;
        zeros.iter().all(|byte| *byte == 0).then_some(&unit[..=end])
    }
}

impl<'a> Iterator for NalUnits<'a> {
    type Item = Option<&'a [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.finished || self.rest.is_empty() {
            return None;
        }
        let unit = match self.length_size {
            0 => self.take_started(),
            1..=4 => self.take_prefixed(),
            _ => None,
        };
        self.finished = unit.is_none();
        Some(unit)
    }
}

/// Remove the emulation prevention bytes from the payload of a NAL unit: the 3 of each `00 00 03`.
pub(crate) fn unescape(payload: &[u8]) -> impl Iterator<Item = u8> {
    let mut zeros = 0;
    payload.iter().copied().filter(move |byte| {
        let escape = *byte == 3 && zeros >= 2;
        zeros = if *byte == 0 { 2.min(zeros + 1) } else { 0 };
        !escape
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(packet: &[u8], length_size: usize) -> Option<Vec<&[u8]>> {
        NalUnits::new(packet, length_size).collect()
    }

    #[test]
    fn start_codes_are_found_wherever_they_lie() {
        for before in 0..9 {
            for fill in [0, 1, 2] {
                let mut bytes = vec![fill; before];
                bytes.extend([0, 0, 1, 9]);
                assert_eq!(find_start_code(&bytes), Some(before), "{fill}");
                assert_eq!(find_start_code(&bytes[..before + 2]), None, "{fill}");
            }
        }
        let mixed = [1, 0, 1, 0, 0, 2, 0, 1, 0, 0, 0, 0, 1];
        assert_eq!(find_start_code(&mixed), Some(10));
    }

    #[test]
    fn lengths_of_every_size_separate_units() {
        for size in 1..=4 {
            let mut packet = vec![0; size];
            packet[size - 1] = 2;
            let mut all = [packet.clone(), vec![7, 8]].concat();
            packet[size - 1] = 1;
            all.extend(packet);
            all.push(0);
            assert_eq!(split(&all, size), Some(vec![&[7, 8][..], &[0][..]]));
            for end in 1..all.len() {
                // Nothing seems to be missing only if the cut is between the two units.
                assert_eq!(split(&all[..end], size).is_some(), end == size + 2);
            }
        }
        assert_eq!(split(&[0, 0, 0, 0, 0, 0, 0, 0, 1, 7], 9), None);
        assert_eq!(split(&[0, 0, 0, 0], 4), None);
        assert_eq!(split(&[0xff, 0xff, 0xff, 0xff, 1], 4), None);
    }

    #[test]
    fn a_start_code_within_a_length_is_damage() {
        assert_eq!(split(&[5, 1, 0, 0, 1, 7], 1), None);
        assert!(split(&[5, 1, 0, 0, 3, 1], 1).is_some());
    }

    #[test]
    fn start_codes_of_both_lengths_separate_units() {
        let packet = [0, 0, 0, 1, 9, 8, 0, 0, 1, 7, 0, 0, 3, 0, 0, 0, 0, 1, 6, 0];
        let units: [&[u8]; 3] = [&[9, 8], &[7, 0, 0, 3], &[6]];
        assert_eq!(split(&packet, 0), Some(units.to_vec()));
        assert_eq!(split(&packet[1..], 0), Some(units.to_vec()));
        assert_eq!(split(&packet[2..], 0), None);
        assert_eq!(split(&[0, 0, 1], 0), None);
        assert_eq!(split(&[0, 0, 1, 0, 0, 1, 5], 0), None);
        assert_eq!(split(&[4, 0, 0, 1, 5], 0), None);
        assert_eq!(split(&[], 0), Some(vec![]));
    }

    #[test]
    fn emulation_prevention_is_removed() {
        let unescaped = |bytes: &[u8]| unescape(bytes).collect::<Vec<_>>();
        assert_eq!(unescaped(&[0, 0, 3, 1, 0, 3]), [0, 0, 1, 0, 3]);
        assert_eq!(unescaped(&[0, 0, 3, 0, 0, 3, 3]), [0, 0, 0, 0, 3]);
        assert_eq!(unescaped(&[0, 0, 0, 3, 3]), [0, 0, 0, 3]);
        assert_eq!(unescaped(&[3, 0, 3]), [3, 0, 3]);
    }

    #[test]
    fn every_start_code_has_what_follows_it() {
        let packet = [7, 0, 0, 1, 0xb6, 0x10, 0, 0, 1, 0xb3, 0, 0, 1];
        let units: Vec<_> = started_units(&packet).collect();
        let expected: [Option<(u8, &[u8])>; 3] = [Some((0xb6, &[0x10])), Some((0xb3, &[])), None];
        assert_eq!(units, expected);
        assert_eq!(started_units(&[0, 0]).count(), 0);
    }
}
