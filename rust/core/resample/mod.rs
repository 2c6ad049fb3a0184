//! Antialiased resizing of uint8 frames: a horizontal pass, rounded to bytes, then a vertical pass.
//!
//! The result is that of `torch.nn.functional.interpolate(uint8, antialias=True)`, or, with Pillow's
//! filters, of `PIL.Image.resize`. From [`Filter`] come [`Weights`](crate::Weights), from weights for
//! both passes a [`Resampler`], from that the [`Rows`] of a frame, in order. Each source row is read
//! once; rows between the two passes live in a small ring that stays in the cache.

mod filter;
mod resampler;
mod resize;
mod ring;
mod rows;
mod weights;

pub use filter::Filter;
pub(crate) use resampler::Resampler;
pub use resize::{resize, resize_into};
pub(crate) use rows::Rows;
