//! Fuzzing: `fuzz/`, a workspace of its own, whose targets are given hostile input.
//!
//! The fuzzer is libFuzzer, driven by cargo-fuzz. That asks the compiler for coverage, which is an
//! option of nightly compilers; a stable one takes it where it is told to pass for one, but has no
//! sanitizers. Nothing here is unsafe, so little is lost.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::run::{cargo, run, run_tests, step};
use crate::test_counts::TestCounts;
use crate::{install, paths};

/// How long each target is run.
const SECONDS: u64 = 60;
/// The version that `--features`, `--sanitizer` and `--target-dir` are known of.
const CARGO_FUZZ: &str = "^0.13";
/// What the programs of the targets need; replaying does without.
const FEATURES: [&str; 2] = ["--features", "libfuzzer"];

/// What the command was asked for.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    seconds: u64,
    /// All where there is none.
    target: Option<String>,
}

/// Runs the targets one after the other, and says at the end which of them broke.
pub(crate) fn fuzz(arguments: &[String]) -> Result<()> {
    let all = targets()?;
    let Some(asked) = asked(arguments, &all)? else {
        println!("{}", help(&all));
        return Ok(());
    };
    let fuzzer = Fuzzer::find()?;
    let chosen = all.iter().filter(|target| asked.target.as_ref().is_none_or(|chosen| chosen == *target));
    let mut broken = Vec::new();
    step("seeds", || run(in_fuzz(&["run", "--locked", "--quiet", "--example", "seeds"])?))?;
    for target in chosen {
        fuzzer.build(target)?;
        if let Err(error) = step(&format!("fuzzing {target}"), || fuzzer.run(target, asked.seconds)) {
            eprintln!("error: {error:#}");
            broken.push(target.as_str());
        }
    }
    ensure!(
        broken.is_empty(),
        "{} broke; give the input in fuzz/artifacts a name in fuzz/regressions/<target>, and see CONTRIBUTING.md",
        broken.join(", ")
    );
    Ok(())
}

/// Checks the targets, and replays their seeds and all that ever broke them.
pub(crate) fn test(counts: &mut TestCounts) -> Result<()> {
    run(in_fuzz(&["fmt", "--all", "--check"])?)?;
    let all = ["--locked", "--lib", "--tests", "--examples"];
    run(in_fuzz(&[&["clippy"], &all[..], &["--", "-D", "warnings"]].concat())?)?;
    run_tests(in_fuzz(&["test", "--locked"])?, counts)
}

/// A command of cargo in that workspace, whose output stays apart from that of this one.
fn in_fuzz(arguments: &[&str]) -> Result<Command> {
    let mut command = cargo(arguments);
    command.current_dir(dir()).env("CARGO_TARGET_DIR", target_dir()?);
    Ok(command)
}

fn dir() -> PathBuf {
    paths::root().join("fuzz")
}

fn target_dir() -> Result<PathBuf> {
    Ok(paths::target_dir()?.join("fuzz"))
}

/// The names of the targets, in order.
fn targets() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir().join("fuzz_targets")).context("fuzz/fuzz_targets cannot be read")? {
        let path = entry?.path();
        names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
    }
    names.sort();
    Ok(names)
}

/// None: help was asked for.
fn asked(arguments: &[String], targets: &[String]) -> Result<Option<Asked>> {
    let mut asked = Asked { seconds: SECONDS, target: None };
    let words = arguments.iter().flat_map(|argument| argument.splitn(2, '='));
    let mut words = words.map(ToOwned::to_owned);
    while let Some(word) = words.next() {
        let mut value = |what: &str| words.next().with_context(|| format!("{word} needs {what}"));
        match word.as_str() {
            "--help" | "-h" => return Ok(None),
            "--seconds" => {
                let text = value("a number")?;
                let seconds = text.parse().ok().filter(|seconds| *seconds > 0);
                asked.seconds = seconds.with_context(|| format!("--seconds is {text:?}, must be a number from 1"))?;
            }
            "--target" => {
                let name = value("the name of a target")?;
                let all = targets.join(", ");
                ensure!(targets.contains(&name), "--target is {name:?}, must be one of {all}");
                asked.target = Some(name);
            }
            other => bail!("there is no argument {other:?}; `cargo xtask fuzz --help` lists them"),
        }
    }
    Ok(Some(asked))
}

fn help(targets: &[String]) -> String {
    format!(
        "cargo xtask fuzz [--seconds N] [--target NAME]\n\n  --seconds N    how long each target is run; by default \
         {SECONDS}\n  --target NAME  only this one of {}",
        targets.join(", ")
    )
}

/// cargo-fuzz, and how it must be called here.
struct Fuzzer {
    program: PathBuf,
    /// Whether the active compiler has the options of a nightly one.
    is_nightly: bool,
}

impl Fuzzer {
    /// That in the path, or one of our own.
    fn find() -> Result<Self> {
        compiler_of_cpp()?;
        let is_nightly = version_of_rustc()?.contains("nightly");
        if let Some(program) = paths::program("cargo-fuzz") {
            return Ok(Self { program, is_nightly });
        }
        let tools = target_dir()?.join("tools");
        let program = tools.join("bin").join(format!("cargo-fuzz{}", std::env::consts::EXE_SUFFIX));
        if !program.is_file() {
            println!("installing cargo-fuzz into {}", tools.display());
            let mut command =
                cargo(["install", "--locked", "--quiet", "cargo-fuzz", "--version", CARGO_FUZZ, "--root"]);
            command.arg(&tools).env("CARGO_TARGET_DIR", tools.join("build"));
            run(command).context("install cargo-fuzz (`cargo install cargo-fuzz`)")?;
        }
        Ok(Self { program, is_nightly })
    }

    /// A command of cargo-fuzz about a target.
    fn command(&self, verb: &str, target: &str) -> Result<Command> {
        let mut command = Command::new(&self.program);
        command.args(["fuzz", verb]).args(FEATURES).arg("--target-dir").arg(target_dir()?).current_dir(dir());
        command.env_remove("CARGO_MANIFEST_DIR");
        if !self.is_nightly {
            command.args(["--sanitizer", "none"]).env("RUSTC_BOOTSTRAP", "1");
        }
        command.arg(target);
        Ok(command)
    }

    fn build(&self, target: &str) -> Result<()> {
        run(self.command("build", target)?)
    }

    /// Goes on from the seeds, and from what earlier runs found, which is kept in `fuzz/corpus`.
    fn run(&self, target: &str, seconds: u64) -> Result<()> {
        let corpus = dir().join("corpus").join(target);
        fs::create_dir_all(&corpus).with_context(|| format!("{} cannot be made", corpus.display()))?;
        let mut command = self.command("run", target)?;
        command.arg(corpus);
        for inputs in ["seeds", "regressions"] {
            let inputs = dir().join(inputs).join(target);
            command.args(inputs.is_dir().then_some(inputs));
        }
        command.args(["--", "-verbosity=0", "-print_final_stats=1", "-timeout=10"]);
        command.arg(format!("-max_total_time={seconds}"));
        run(command)
    }
}

/// libFuzzer is compiled from its source.
fn compiler_of_cpp() -> Result<()> {
    let is_missing = || std::env::var_os("CXX").is_none() && paths::program("c++").is_none();
    if !is_missing() {
        return Ok(());
    }
    let advice = "install a C++ compiler (Debian: `apt-get install g++`; macOS: `xcode-select --install`)";
    install::apt_get(&["g++"]).context(advice)?;
    ensure!(!is_missing(), "c++ is still not in the path; {advice}");
    Ok(())
}

fn version_of_rustc() -> Result<String> {
    let rustc = std::env::var_os("RUSTC").map_or_else(|| PathBuf::from("rustc"), PathBuf::from);
    let output = Command::new(&rustc).arg("--version").stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("{} cannot be started", rustc.display()))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<Asked>> {
        let words: Vec<String> = text.split_whitespace().map(ToOwned::to_owned).collect();
        asked(&words, &["key".to_owned(), "reply".to_owned()])
    }

    #[test]
    fn every_target_is_run_for_a_minute_unless_asked_otherwise() {
        for (text, seconds, target) in [
            ("", 60, None),
            ("--seconds 5", 5, None),
            ("--target=key", 60, Some("key")),
            ("--target reply --seconds=7", 7, Some("reply")),
        ] {
            let expected = Asked { seconds, target: target.map(ToOwned::to_owned) };
            assert_eq!(read(text).unwrap(), Some(expected), "{text}");
        }
        assert_eq!(read("--help").unwrap(), None);
    }

    #[test]
    fn what_cannot_be_done_is_quoted() {
        for (text, error) in [
            ("--seconds 0", "--seconds is \"0\", must be a number from 1"),
            ("--seconds x", "--seconds is \"x\", must be a number from 1"),
            ("--target", "--target needs the name of a target"),
            ("--target keys", "--target is \"keys\", must be one of key, reply"),
            ("--fast", "there is no argument \"--fast\"; `cargo xtask fuzz --help` lists them"),
        ] {
            assert_eq!(read(text).unwrap_err().to_string(), error);
        }
    }

    #[test]
    fn the_targets_are_those_of_the_workspace() {
        let targets = targets().unwrap();
        assert!(targets.len() >= 9 && targets.contains(&"limiter".to_owned()), "{targets:?}");
    }
}
