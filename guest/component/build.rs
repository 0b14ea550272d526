//! Gives the component's memory a maximum.

/// 256 pages of 64 KiB. Hosts in Rust hold it to the same by themselves; JavaScript has no other
/// way to bound it.
const MAX_BYTES: u32 = 16 << 20;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "wasm32") {
        println!("cargo::rustc-link-arg-cdylib=--max-memory={MAX_BYTES}");
    }
}
