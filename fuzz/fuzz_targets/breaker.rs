#![no_main]
#![allow(missing_docs, reason = "a program")]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tidegate_fuzz::target::breaker(data));
