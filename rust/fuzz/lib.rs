//! The bodies of the fuzz targets: each takes any bytes and panics where a promise is broken.
//!
//! They need no fuzzer: `cargo test` runs them on the inputs that are kept in `corpus`.

pub mod geometry;
mod input;
pub mod kernels;
pub mod packets;
pub mod patches;
pub mod resample;
pub mod slow_fast;
