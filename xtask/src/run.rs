//! Runs commands and counts tests.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::paths;
use crate::test_counts::TestCounts;

/// A command of cargo in the workspace.
pub(crate) fn cargo<I: IntoIterator<Item: AsRef<OsStr>>>(arguments: I) -> Command {
    let mut command = Command::new(paths::cargo());
    command.args(arguments).current_dir(paths::root());
    // That of xtask itself. A build script that watches it would run again, and all that stands on
    // its crate be compiled anew.
    command.env_remove("CARGO_MANIFEST_DIR");
    command
}

/// Runs a command to its end. The error shows how to run it by hand.
pub(crate) fn run(mut command: Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start: {}", shown(&command)))?;
    ensure!(status.success(), "this failed ({status}): {}", shown(&command));
    Ok(())
}

/// Does a step of a longer task.
pub(crate) fn step(name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("\n==> {name}");
    let started = Instant::now();
    let done = work();
    let outcome = if done.is_ok() { "ok" } else { "failed" };
    println!("==> {name}: {outcome} in {:.1} s", started.elapsed().as_secs_f64());
    done.with_context(|| format!("step `{name}`"))
}

/// Runs a command of cargo's test runner, shows what it prints and adds its tests to `counts`.
pub(crate) fn run_tests(mut command: Command, counts: &mut TestCounts) -> Result<()> {
    let mut child =
        command.stdout(Stdio::piped()).spawn().with_context(|| format!("cannot start: {}", shown(&command)))?;
    let output = child.stdout.take().context("the runner has no output")?;
    show_and_count(BufReader::new(output), &mut std::io::stdout(), counts)?;
    let status = child.wait()?;
    ensure!(status.success(), "this failed ({status}): {}", shown(&command));
    Ok(())
}

/// Runs several such commands at once, each under a name, and shows what each printed when all have
/// ended.
pub(crate) fn run_tests_together(commands: Vec<(String, Command)>, counts: &mut TestCounts) -> Result<()> {
    let shown: Vec<_> = commands.iter().map(|(name, command)| format!("on {name}: {}", shown(command))).collect();
    let outputs: Vec<_> = std::thread::scope(|scope| {
        let started: Vec<_> =
            commands.into_iter().map(|(_, mut command)| scope.spawn(move || command.output())).collect();
        started.into_iter().map(|thread| thread.join().expect("a command's thread does not panic")).collect()
    });
    let mut failed = Vec::new();
    for (shown, output) in shown.into_iter().zip(outputs) {
        let output = output.with_context(|| format!("cannot start {shown}"))?;
        println!("\n--- {shown}");
        show_and_count(&output.stdout[..], &mut std::io::stdout(), counts)?;
        if !output.status.success() {
            eprintln!("{}", String::from_utf8_lossy(&output.stderr));
            failed.push(shown);
        }
    }
    ensure!(failed.is_empty(), "this failed: {}", failed.join("; "));
    Ok(())
}

/// Copies lines and counts the tests they tell of. A test may print what is not UTF-8.
fn show_and_count(mut from: impl BufRead, to: &mut impl Write, counts: &mut TestCounts) -> Result<()> {
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line)? > 0 {
        to.write_all(&line)?;
        if let Some(more) = TestCounts::read(&String::from_utf8_lossy(&line)) {
            *counts += more;
        }
        line.clear();
    }
    to.flush()?;
    Ok(())
}

/// A command as one would type it at the root of the workspace.
fn shown(command: &Command) -> String {
    let set = command.get_envs().filter_map(|(name, value)| Some(format!("{}={}", name.display(), quoted(value?))));
    let program =
        if command.get_program() == paths::cargo() { "cargo".to_string() } else { quoted(command.get_program()) };
    set.chain([program]).chain(command.get_args().map(quoted)).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &OsStr) -> String {
    let text = word.to_string_lossy();
    let is_plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_=./:,@+".contains(c));
    if is_plain { text.into_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_the_result_lines_of_all_runners_and_shows_every_byte() {
        let output = b"running 1 test\n\xff\ntest result: ok. 1 passed; 0 failed; 0 ignored\n\
                       test result: FAILED. 2 passed; 1 failed; 0 ignored";
        let mut counts = TestCounts::default();
        let mut seen = Vec::new();
        show_and_count(&output[..], &mut seen, &mut counts).unwrap();
        assert_eq!(counts, TestCounts { passed: 3, failed: 1 });
        assert_eq!(seen, output);
    }

    #[test]
    fn a_failed_command_is_shown_as_one_would_type_it() {
        let mut command = cargo(["doc", "--no-deps", "it's"]);
        command.env("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(shown(&command), r"RUSTDOCFLAGS='-D warnings' cargo doc --no-deps 'it'\''s'");
    }
}
