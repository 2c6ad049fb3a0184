//! The values that bytes become.

use super::Formula;
use crate::types::{CHANNELS, Element};

/// The value that each byte of each channel becomes: a table, and faster ways to the same values, where
/// there are any.
#[derive(Debug, Clone, PartialEq)]
pub struct Values<T> {
    pub(super) table: [[T; 256]; CHANNELS],
    pub(super) formula: Option<Formula>,
    pub(super) halves: Option<Halves>,
}

/// A table of 16-bit values that all channels share, as its lower bytes and its upper bytes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Halves {
    pub(super) lower: [u8; 256],
    pub(super) upper: [u8; 256],
}

impl<T: Element> Values<T> {
    /// Keep the table, and the formula that reproduces it, if there is one.
    pub(crate) fn new(table: [[T; 256]; CHANNELS], formula: Option<Formula>) -> Self {
        // Bytes are compared, not numbers, because 0 and -0 are equal numbers.
        let [first, others @ ..] = table.each_ref().map(Halves::new);
        let halves = first.filter(|first| others.iter().flatten().all(|other| other == first));
        Self {
            table,
            formula,
            halves,
        }
    }

    /// Drop everything but the table.
    pub fn by_table(self) -> Self {
        Self {
            formula: None,
            halves: None,
            ..self
        }
    }
}

impl Halves {
    /// Split the values of a table; None if they do not have two bytes.
    fn new<T: Element>(table: &[T; 256]) -> Option<Self> {
        let mut table = *table;
        let (mut lower, mut upper) = ([0; 256], [0; 256]);
        for (byte, bits) in T::tag(&mut table).into_bits()?.iter().enumerate() {
            [lower[byte], upper[byte]] = bits.to_le_bytes();
        }
        Some(Self { lower, upper })
    }
}
