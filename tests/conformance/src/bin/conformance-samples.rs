//! The Rust samples of the pages, executed: without an argument it names them, with a name it
//! runs that one.

#![allow(clippy::all, clippy::pedantic, unreachable_pub, reason = "samples are written for readers")]

include!(concat!(env!("OUT_DIR"), "/samples.rs"));

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Some(wanted) = std::env::args().nth(1) else {
        SAMPLES.iter().for_each(|(name, _)| println!("{name}"));
        return Ok(());
    };
    let sample = SAMPLES.iter().find(|(name, _)| *name == wanted).ok_or("there is no such sample")?;
    sample.1()
}
