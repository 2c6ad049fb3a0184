//! The inner loops: one folder per operation, one file per instruction set.
//!
//! `scalar.rs` is the definition; every other file gives the same bytes, which `tests/kernels.rs`
//! checks. The functions in each `mod.rs` are the entries: safe, with lengths checked in release
//! builds, and the only place that chooses between instruction sets. `unsafe` code lives below here
//! and nowhere else in this crate.
#![allow(
    unsafe_code,
    reason = "vector loads and stores, and calls of code that needs a CPU feature"
)]

pub mod dot;
pub mod horizontal;
pub mod hsv;
pub mod patch_band;
pub mod vertical;

/// Bytes of one RGB pixel.
const CHANNELS: usize = 3;

#[cfg(target_arch = "x86_64")]
mod deinterleave;
#[cfg(target_arch = "x86_64")]
mod stream;
