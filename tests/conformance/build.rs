//! Makes a program of the Rust samples of the pages, so that they can be executed.

use std::fmt::Write as _;
use std::path::Path;

/// The pages that have samples, from the root of the repository.
const PAGES: [&str; 2] = ["README.md", "docs/store-away.md"];

/// What stands for the server in a sample.
const SERVER: &str = "\"redis://127.0.0.1:6379\"";

fn main() {
    // Asked when it runs: what cargo has built for one clone may run for another.
    let root = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
    let root = Path::new(&root).join("../..");
    let mut modules = String::new();
    let mut names = Vec::new();
    for page in PAGES {
        let path = root.join(page);
        println!("cargo::rerun-if-changed={}", path.display());
        let text = std::fs::read_to_string(&path).expect("the page is there");
        for (line, sample) in samples(&text) {
            let name = format!("sample_{}", names.len());
            let sample = sample.replace("async fn main", "pub async fn main").replace("\nfn main", "\npub fn main");
            let sample = sample.replace(SERVER, "std::env::var(\"TIDEGATE_SAMPLE_REDIS\")?.as_str()");
            let _ = writeln!(modules, "mod {name} {{\n{sample}}}");
            names.push((format!("{page}:{line}"), name));
        }
    }
    let _ = writeln!(modules, "const SAMPLES: &[(&str, fn() -> Result<(), Box<dyn std::error::Error>>)] = &[");
    for (shown, name) in names {
        let _ = writeln!(modules, "    ({shown:?}, {name}::main),");
    }
    modules.push_str("];\n");
    let out = std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR");
    std::fs::write(Path::new(&out).join("samples.rs"), modules).expect("the folder can be written");
}

/// The fenced blocks of Rust, each with the line it starts on.
fn samples(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (index, line) in text.lines().enumerate() {
        match &mut open {
            Some(_) if line == "```" => found.extend(open.take()),
            Some((_, sample)) => {
                sample.push_str(line);
                sample.push('\n');
            }
            None if line.starts_with("```rust") => open = Some((index + 2, String::new())),
            None => {}
        }
    }
    found
}
