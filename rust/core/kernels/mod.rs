//! The inner loops: one folder per operation, one file per instruction set.
//!
//! `scalar.rs` is the definition. Every other file gives the same bytes, which `tests/core/kernels` checks.
//! The functions in each `mod.rs` are the entries: they are safe, check lengths in release builds, and are
//! the only place that chooses between instruction sets. `unsafe` code lives in this folder and nowhere
//! else in this crate.
//!
//! `vertical` is written once, over a vector trait. In the other operations the instruction sets differ in
//! masks, permutations and the shape of a step; the few lines that look alike are shorter than a trait that
//! would cover both.
//!
//! Kernels know slices, levels (`simd`) and plain types (`types`), nothing else.
#![allow(
    unsafe_code,
    reason = "vector loads and stores, and calls of code that needs a CPU feature"
)]

pub mod dot;
pub mod horizontal;
pub mod hsv;
pub mod patch_band;
pub mod vertical;

#[cfg(target_arch = "x86_64")]
mod deinterleave;
#[cfg(target_arch = "x86_64")]
mod stream;
