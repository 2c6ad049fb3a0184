//! The types that a normalized pixel can be stored as.

use std::fmt::Debug;

use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};

/// The type of a normalized pixel: `f32`, `bf16` or `f16`, and no other.
pub trait Element: Copy + PartialEq + Debug + Send + Sync + sealed::Tagged + 'static {
    /// Round to the nearest value, ties to even.
    fn from_f32(value: f32) -> Self;
}

/// A slice of one of the element types, so that vector code can be chosen by type.
pub enum ElementsMut<'a> {
    /// IEEE single precision.
    Float32(&'a mut [f32]),
    /// The upper half of a single.
    BFloat16(&'a mut [bf16]),
    /// IEEE half precision.
    Float16(&'a mut [f16]),
}

impl<'a> ElementsMut<'a> {
    /// Return the bits of 16-bit values; None for others.
    pub(crate) fn into_bits(self) -> Option<&'a mut [u16]> {
        match self {
            ElementsMut::Float32(_) => None,
            ElementsMut::BFloat16(values) => Some(values.reinterpret_cast_mut()),
            ElementsMut::Float16(values) => Some(values.reinterpret_cast_mut()),
        }
    }
}

mod sealed {
    use super::ElementsMut;

    pub trait Tagged: Sized {
        /// Return `values` as the variant of their type.
        fn tag(values: &mut [Self]) -> ElementsMut<'_>;
    }
}

impl Element for f32 {
    fn from_f32(value: f32) -> Self {
        value
    }
}

impl sealed::Tagged for f32 {
    fn tag(values: &mut [Self]) -> ElementsMut<'_> {
        ElementsMut::Float32(values)
    }
}

impl Element for bf16 {
    fn from_f32(value: f32) -> Self {
        bf16::from_f32(value)
    }
}

impl sealed::Tagged for bf16 {
    fn tag(values: &mut [Self]) -> ElementsMut<'_> {
        ElementsMut::BFloat16(values)
    }
}

impl Element for f16 {
    fn from_f32(value: f32) -> Self {
        f16::from_f32(value)
    }
}

impl sealed::Tagged for f16 {
    fn tag(values: &mut [Self]) -> ElementsMut<'_> {
        ElementsMut::Float16(values)
    }
}
