//! The bodies of the fuzz targets: each takes any bytes and panics if a guarantee is violated.
//!
//! They run without a fuzzer too: `cargo test` runs them on the inputs in `corpus`.

mod input;
pub mod kernels;
pub mod packets;
pub mod patches;
pub mod resample;
pub mod sizes;
pub mod slow_fast;
