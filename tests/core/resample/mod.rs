//! Weights and resizing.

mod many_taps;
mod resize;
mod weights;
