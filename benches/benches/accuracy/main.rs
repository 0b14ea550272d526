//! How much a limiter really lets go: the most calls in any one second, as a multiple of the limit.
//!
//! Four processes of 16 callers each share a limit of 100 a second. A lone call opens a window,
//! then all is quiet until just before that window's end; from there all callers ask as fast as
//! they can, across the edge and for a second longer. Windows that are aligned to the clock have an
//! edge there too, and buckets are full by then. Peers are run the same way.
//!
//! A call counts in a second only if it was both asked and answered in it, by the one clock of this
//! machine, so the time that an answer takes makes nobody look worse than he is.

mod team;
mod tidegate_worker;

use std::process::Command;

use anyhow::Result;
use tidegate_benches::settings::Settings;
use tidegate_test_support::redis_server::RedisServer;

use self::team::{Admitted, Team};

/// Permits a second.
const LIMIT: u32 = 100;
const SECOND_US: u64 = 1_000_000;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [role, url, limiter] = &arguments[..]
        && role == "worker"
    {
        return tidegate_worker::run(url, limiter);
    }
    let settings = Settings::from_args()?;
    let rows = contenders(&settings)?;
    let server = RedisServer::start()?;
    println!("\n| {LIMIT} a second, 4 processes of 16 callers | most in one second |\n|---|---:|");
    for contender in rows {
        if settings.wants("accuracy") || settings.wants(&contender.name) {
            eprintln!("measuring {}", contender.name);
            let admitted = Team::start(&contender.worker, &server.url(), &contender.limiter)?.run(rounds(&settings))?;
            println!("| {} | {:.2} x the limit |", contender.name, most(&admitted));
        }
    }
    Ok(())
}

fn rounds(settings: &Settings) -> u32 {
    if settings.quick { 1 } else { 2 }
}

/// A limiter to try, and the program that runs it.
struct Contender {
    name: String,
    limiter: String,
    worker: Vec<String>,
}

fn contenders(settings: &Settings) -> Result<Vec<Contender>> {
    let own = vec![std::env::current_exe()?.display().to_string(), "worker".to_owned()];
    let folder = concat!(env!("CARGO_MANIFEST_DIR"));
    let node = vec!["node".to_owned(), format!("{folder}/typescript/accuracy.mjs")];
    let mut groups = vec![("tidegate", own, tidegate_worker::LIMITERS)];
    if is_ready(Command::new("node").arg("--version"))
        && std::path::Path::new(&format!("{folder}/typescript/node_modules")).is_dir()
    {
        groups.push(("rate-limiter-flexible", node, &["fixed window"]));
    }
    if let Some(python) = &settings.python {
        let worker = vec![python.clone(), format!("{folder}/python/accuracy.py")];
        groups.push(("limits", worker, &["fixed window", "sliding window counter", "moving window"]));
    }
    let contender = |who: &str, worker: &[String], limiter: &str| Contender {
        name: format!("{who}, {limiter}"),
        limiter: limiter.to_owned(),
        worker: worker.to_vec(),
    };
    let all = groups
        .iter()
        .flat_map(|(who, worker, limiters)| limiters.iter().map(|limiter| contender(who, worker, limiter)));
    Ok(all.collect())
}

fn is_ready(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

/// The most calls that were asked and answered in one second, over the limit.
fn most(admitted: &[Admitted]) -> f64 {
    let within = |from_us: u64| {
        let counts = |call: &&Admitted| call.asked_us >= from_us && call.answered_us <= from_us + SECOND_US;
        admitted.iter().filter(counts).count()
    };
    let most = admitted.iter().map(|call| within(call.asked_us)).max().unwrap_or(0);
    f64::from(u32::try_from(most).unwrap_or(u32::MAX)) / f64::from(LIMIT)
}
