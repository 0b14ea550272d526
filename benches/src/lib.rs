//! Benchmarks only; see `benches/`. Run by `cargo xtask bench`.
