//! The core through its public API, against naive definitions; folders mirror those of `rust/core`.
//!
//! One program, so that it is linked once and its tests share the threads of the machine.

mod imports;
mod inputs;
mod kernels;
mod naive;
mod patches;
mod resample;
mod sizes;
mod slow_fast;
