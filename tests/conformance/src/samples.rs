//! The samples of the pages, each executed in its SDK against a real Redis.
//!
//! A sample is a fenced block of `rust`, `ts` or `python` in one of [`PAGES`]. It is run as it
//! stands but for one substitution: `redis://127.0.0.1:6379`, and ioredis' `new Redis()` which
//! means the same, become the test server's URL. A sample of TypeScript that opens a connection of
//! its own is ended after its last line, since it has no reason to close it.

use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context as _, Result, bail, ensure};

use crate::drivers::Places;

/// The pages that have samples, from the root of the repository. That of the crate is left to
/// rustdoc.
pub const PAGES: [&str; 4] = ["README.md", "docs/store-away.md", "host/typescript/README.md", "host/python/README.md"];

/// The URL that samples name.
const SERVER: &str = "redis://127.0.0.1:6379";

/// A fenced block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The file and the line it starts on: `README.md:57`.
    pub name: String,
    /// `rust`, `ts` or `python`.
    pub language: String,
    /// What stands in it.
    pub text: String,
}

/// All samples of all pages.
///
/// # Errors
/// A page that cannot be read.
pub fn all(root: &Path) -> Result<Vec<Sample>> {
    let mut samples = Vec::new();
    for page in PAGES {
        let text = std::fs::read_to_string(root.join(page)).with_context(|| page.to_owned())?;
        samples.extend(in_text(page, &text));
    }
    Ok(samples)
}

/// The samples of one text.
pub fn in_text(page: &str, text: &str) -> Vec<Sample> {
    let mut samples = Vec::new();
    let mut open: Option<Sample> = None;
    for (index, line) in text.lines().enumerate() {
        match &mut open {
            Some(_) if line == "```" => samples.extend(open.take()),
            Some(sample) => {
                sample.text += line;
                sample.text.push('\n');
            }
            None => {
                let fence = line.strip_prefix("```").unwrap_or_default();
                let language = fence.split([' ', ',']).next().unwrap_or_default();
                if ["rust", "ts", "python"].contains(&language) {
                    let name = format!("{page}:{}", index + 2);
                    open = Some(Sample { name, language: language.to_owned(), text: String::new() });
                }
            }
        }
    }
    samples
}

impl Sample {
    /// Executes it against the server at `url`.
    ///
    /// # Errors
    /// It fails, with all that it printed.
    pub fn run(&self, places: &Places, url: &str) -> Result<()> {
        let folder = places.target.join("conformance/samples");
        std::fs::create_dir_all(&folder)?;
        let text = self.text.replace(SERVER, url);
        let output = match self.language.as_str() {
            "rust" => self.run_rust(places, url)?,
            "python" => run_python(places, &folder, &text)?,
            "ts" => run_typescript(places, &folder, &text, url)?,
            other => bail!("{} is in {other}", self.name),
        };
        let shown = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        ensure!(output.status.success(), "{} failed ({}):\n{shown}", self.name, output.status);
        Ok(())
    }

    /// Samples in Rust are compiled into a program.
    fn run_rust(&self, places: &Places, url: &str) -> Result<Output> {
        let mut command = Command::new(places.program("conformance-samples"));
        Ok(command.arg(&self.name).env("TIDEGATE_SAMPLE_REDIS", url).output()?)
    }
}

fn run_python(places: &Places, folder: &Path, text: &str) -> Result<Output> {
    let file = folder.join("sample.py");
    std::fs::write(&file, text)?;
    Ok(Command::new(places.python()).args(["-W", "error"]).arg(file).output()?)
}

/// Takes the types out with the package's own esbuild and runs the rest, with `tidegate` and its
/// peers where Node looks.
fn run_typescript(places: &Places, folder: &Path, text: &str, url: &str) -> Result<Output> {
    let package = places.suite.join("../../host/typescript").canonicalize()?;
    let connects = text.contains("from \"ioredis\"") || text.contains("from \"redis\"");
    let mut text = text.replace("new Redis()", &format!("new Redis({url:?})"));
    if connects {
        text += "\nprocess.exit(0);\n";
    }
    let (source, script) = (folder.join("sample.ts"), folder.join("sample.mjs"));
    std::fs::write(&source, text)?;
    link(&package, &folder.join("node_modules/tidegate"))?;
    for peer in ["ioredis", "redis"] {
        link(&package.join("node_modules").join(peer), &folder.join("node_modules").join(peer))?;
    }
    let esbuild = package.join("node_modules/esbuild/bin/esbuild");
    let arguments = ["--format=esm", "--target=node20", "--log-level=warning"];
    let stripped =
        Command::new(esbuild).arg(&source).args(arguments).arg(format!("--outfile={}", script.display())).output()?;
    if !stripped.status.success() {
        return Ok(stripped);
    }
    Ok(Command::new("node").arg(script).output()?)
}

/// Makes a link, unless it is there. One that an earlier clone has left leads elsewhere, perhaps
/// nowhere.
fn link(to: &Path, at: &Path) -> Result<()> {
    match std::fs::read_link(at) {
        Ok(leads) if leads == to => return Ok(()),
        Ok(_) => unlink(at)?,
        Err(_) => {}
    }
    std::fs::create_dir_all(at.parent().context("a link is in a folder")?)?;
    #[cfg(unix)]
    std::os::unix::fs::symlink(to, at)?;
    #[cfg(windows)]
    std::os::windows::fs::symlink_dir(to, at)?;
    Ok(())
}

fn unlink(at: &Path) -> Result<()> {
    #[cfg(unix)]
    std::fs::remove_file(at)?;
    #[cfg(windows)]
    std::fs::remove_dir(at)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_of_an_earlier_clone_is_replaced() {
        let folder = std::env::temp_dir().join(format!("tidegate-links-{}", std::process::id()));
        let at = folder.join("a/link");
        for to in ["gone", ".", "."] {
            link(&folder.join(to), &at).expect("it is made");
            assert_eq!(std::fs::read_link(&at).expect("it is there"), folder.join(to));
        }
        std::fs::remove_dir_all(folder).expect("it is there");
    }

    #[test]
    fn a_sample_is_a_fenced_block_of_a_language_that_has_an_sdk() {
        let text = "Words\n```sh\nls\n```\n```ts no-run\na\nb\n```\n```rust,no_run\nc\n```\n";
        let samples = in_text("R", text);
        let shown: Vec<(&str, &str, &str)> =
            samples.iter().map(|sample| (&*sample.name, &*sample.language, &*sample.text)).collect();
        assert_eq!(shown, [("R:6", "ts", "a\nb\n"), ("R:10", "rust", "c\n")]);
    }
}
