#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| keye_vl_fuzz::sizes::run(input));
