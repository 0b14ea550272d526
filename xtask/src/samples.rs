//! What pages say to type is there: commands of `cargo xtask`, tests, and scripts of npm. Their
//! samples are among those that are run, and their JSON can be read.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::pages;

/// What runs samples, and the pages whose samples it runs, as a text between quotes.
const RUNNERS: [(&str, &[&str]); 2] =
    [("tests/conformance/src/samples.rs", &["rust", "ts", "python"]), ("tests/conformance/build.rs", &["rust"])];

/// The page that rustdoc runs.
const OF_RUSTDOC: &str = "host/rust/README.md";

/// A fenced block of a page.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    line: usize,
    language: String,
    text: String,
}

/// What is wrong on all pages under `root`, one line each; `commands` are those of `cargo xtask`.
pub(crate) fn faults(root: &Path, commands: &[&str]) -> Result<Vec<String>> {
    let runners = RUNNERS.iter().map(|(file, languages)| Ok((std::fs::read_to_string(root.join(file))?, *languages)));
    let runners = runners.collect::<Result<Vec<_>>>()?;
    let mut faults = Vec::new();
    for file in pages::all(root)? {
        let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let page = file.strip_prefix(root)?.display().to_string();
        let folder = file.parent().context("a page lies in a folder")?;
        let mut found = unknown_commands(&text, commands);
        for block in blocks(&text) {
            let unrun = runners.iter().any(|(runner, languages)| {
                languages.contains(&&*block.language) && page != OF_RUSTDOC && !runner.contains(&format!("{page:?}"))
            });
            found.extend(unrun.then(|| (block.line, format!("nothing runs this sample of {}", block.language))));
            found.extend(faults_of(&block, root, folder));
        }
        faults.extend(found.into_iter().map(|(line, fault)| format!("{page}:{line}: {fault}")));
    }
    Ok(faults)
}

/// The blocks of a page. Those within a list are indented.
fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut is_open = false;
    for (index, (line, _)) in pages::lines(text).enumerate().filter(|(_, (_, is_code))| *is_code) {
        match line.trim_start().strip_prefix("```") {
            Some(fence) if !is_open => {
                let language = fence.split([' ', ',']).next().unwrap_or_default().to_owned();
                blocks.push(Block { line: index + 1, language, text: String::new() });
                is_open = true;
            }
            Some(_) => is_open = false,
            None => {
                let block = blocks.last_mut().expect("a block has begun");
                block.text += line.trim_start();
                block.text.push('\n');
            }
        }
    }
    blocks
}

/// What is wrong with a block, each with its line.
fn faults_of(block: &Block, root: &Path, folder: &Path) -> Vec<(usize, String)> {
    match &*block.language {
        "json" => {
            let read = serde_json::from_str::<serde_json::Value>(&block.text);
            read.err().map(|error| (block.line, format!("this is not JSON: {error}"))).into_iter().collect()
        }
        "sh" => missing(block, root, folder),
        _ => Vec::new(),
    }
}

/// What the lines of a shell name that is not there: tests of cargo, and scripts of npm in the
/// folder that they are in by then.
fn missing(block: &Block, root: &Path, folder: &Path) -> Vec<(usize, String)> {
    let mut folder = folder.to_owned();
    let mut missing = Vec::new();
    for (index, line) in block.text.lines().enumerate() {
        let command = line.split(" #").next().unwrap_or_default();
        for command in command.split("&&").map(str::trim) {
            if let Some(path) = command.strip_prefix("cd ") {
                folder = root.join(path);
            }
            let what = missing_test(command, root).or_else(|| missing_script(command, &folder));
            missing.extend(what.map(|what| (block.line + index + 1, what)));
        }
    }
    missing
}

/// A test that `--test` names. `<name>` stands for any.
fn missing_test(command: &str, root: &Path) -> Option<String> {
    let named = command.strip_prefix("cargo ")?.split("--test ").skip(1).filter_map(|rest| rest.split(' ').next());
    let mut absent = named.filter(|name| !name.starts_with('<') && !is_test(root, name));
    absent.next().map(|name| format!("there is no test {name}"))
}

fn is_test(root: &Path, name: &str) -> bool {
    let folders =
        ["host/rust", "tests/faults", "tests/fleet", "tests/conformance", "tests/simulation", "tests/support"];
    let tests = |folder: &&str| root.join(folder).join("tests");
    folders.iter().map(tests).any(|tests| tests.join(format!("{name}.rs")).is_file() || tests.join(name).is_dir())
}

/// A script that `npm run` names, or that `npm test` stands for.
fn missing_script(command: &str, folder: &Path) -> Option<String> {
    let rest = command.strip_prefix("npm ")?;
    let name = rest.strip_prefix("run ").unwrap_or(rest).split(' ').next()?;
    if name == "install" || scripts(folder.join("package.json")).is_some_and(|scripts| scripts[name].is_string()) {
        return None;
    }
    Some(format!("there is no script {name} in {}", folder.display()))
}

fn scripts(file: PathBuf) -> Option<serde_json::Value> {
    let package: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(file).ok()?).ok()?;
    Some(package["scripts"].clone())
}

/// Commands of `cargo xtask` that are named anywhere on a page and are none.
fn unknown_commands(text: &str, commands: &[&str]) -> Vec<(usize, String)> {
    let mut unknown = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let mentions = line.split("cargo xtask ").skip(1);
        let names =
            mentions.map(|rest| rest.split(|c: char| !c.is_ascii_lowercase() && c != '-').next().unwrap_or_default());
        let wrong = names.filter(|name| !name.is_empty() && *name != "help" && !commands.contains(name));
        unknown.extend(wrong.map(|name| (index + 1, format!("there is no command `cargo xtask {name}`"))));
    }
    unknown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paths::root;

    fn in_shell(text: &str) -> Vec<(usize, String)> {
        let block = Block { line: 1, language: "sh".to_owned(), text: text.to_owned() };
        faults_of(&block, root(), &root().join("examples/temporal/typescript"))
    }

    #[test]
    fn a_command_that_is_none_is_found_in_text_and_in_samples() {
        let text =
            "`cargo xtask nothing`, `cargo xtask test`\n```sh\ncargo xtask help  # x\ncargo xtask other-one --x\n```\n";
        let found = unknown_commands(text, &["test", "other"]);
        assert_eq!(found.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 4]);
        assert_eq!(found[1].1, "there is no command `cargo xtask other-one`");
    }

    #[test]
    fn a_test_or_a_script_that_is_not_there_is_found() {
        assert!(
            in_shell("cargo test --release --test faults --test proxy\ncargo test --test <name>_store\n").is_empty()
        );
        assert_eq!(in_shell("cargo test --test nothing"), [(2, "there is no test nothing".to_owned())]);
        assert!(in_shell("npm install --no-save && npm run lint\nnpm test  # npm run x\n").is_empty());
        assert_eq!(in_shell("npm install\nnpm run nothing &").len(), 1);
        assert_eq!(in_shell("cd host/rust && npm test").len(), 1);
    }

    #[test]
    fn json_that_cannot_be_read_is_found() {
        let json = |text: &str| Block { line: 1, language: "json".to_owned(), text: text.to_owned() };
        assert!(faults_of(&json("{\"a\": 1}"), root(), root()).is_empty());
        assert_eq!(faults_of(&json("{\"a\": }"), root(), root()).len(), 1);
    }

    #[test]
    fn a_block_has_its_language_and_its_line_also_within_a_list() {
        let found = blocks("a\n```rust,no_run\nb\n```\n1. c\n   ```sh\n   d\n   ```\n");
        let block = |line, language: &str, text: &str| Block { line, language: language.into(), text: text.into() };
        assert_eq!(found, [block(2, "rust", "b\n"), block(6, "sh", "d\n")]);
    }
}
