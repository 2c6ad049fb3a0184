//! Plain types that kernels and operations share.
//!
//! They hold data and check it; whoever computes with them lives elsewhere. This folder imports nothing
//! of the crate but `error`, so that everything else can import it.

mod element;
mod size;
mod weights;

pub use element::Element;
#[cfg(target_arch = "x86_64")]
pub(crate) use element::ElementsMut;
pub use size::Size;
pub(crate) use weights::LOWER_BITS;
pub use weights::{Taps, Weights};

/// Red, green, blue: the channels, and the bytes, of a packed pixel.
pub(crate) const CHANNELS: usize = 3;
/// Bytes of a pixel that has a fourth one, which is ignored.
pub(crate) const PADDED: usize = CHANNELS + 1;
