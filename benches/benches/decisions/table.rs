//! The table of ratios, from what criterion measured in this run.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Context as _;

/// A line of the table.
struct Line {
    name: &'static str,
    floor: &'static str,
    /// The most that the ratio may be; `None`: a floor or a peer.
    budget: Option<f64>,
}

const LINES: &[Line] = &[
    Line { name: "empty component call", floor: "empty component call", budget: None },
    Line { name: "gcra on memory", floor: "empty component call", budget: Some(3.0) },
    Line { name: "fixed window on memory", floor: "empty component call", budget: None },
    Line { name: "sliding window on memory", floor: "empty component call", budget: None },
    Line { name: "breaker (consecutive) on memory", floor: "empty component call", budget: None },
    Line { name: "breaker (failure rate) on memory", floor: "empty component call", budget: None },
    Line { name: "governor keyed", floor: "empty component call", budget: None },
    Line { name: "failsafe breaker", floor: "empty component call", budget: None },
    Line { name: "redis GET", floor: "redis GET", budget: None },
    Line { name: "gcra on redis", floor: "redis GET", budget: Some(1.25) },
    Line { name: "redis GET, 64 callers", floor: "redis GET, 64 callers", budget: None },
    Line { name: "gcra on redis, 64 callers, one key", floor: "redis GET, 64 callers", budget: Some(0.5) },
];

/// Prints the table of what was measured since `start`: a floor of another run would say nothing.
pub(crate) fn print(start: SystemTime) -> anyhow::Result<()> {
    let Some(root) = criterion_root() else { return Ok(()) };
    println!("\n| work | time | of its floor | budget |\n|---|---:|---:|---:|");
    for line in LINES {
        let (Some(time), Some(floor)) = (median_ns(&root, line.name, start)?, median_ns(&root, line.floor, start)?)
        else {
            continue;
        };
        let ratio = time / floor;
        let budget = line.budget.map_or(String::new(), |budget| {
            let verdict = if ratio <= budget { "kept" } else { "missed" };
            format!("{budget} ({verdict})")
        });
        println!("| {} | {} | {ratio:.2} x {} | {budget} |", line.name, time_of(time), line.floor);
    }
    Ok(())
}

fn criterion_root() -> Option<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target")), PathBuf::from);
    Some(target.join("criterion")).filter(|root| root.is_dir())
}

fn median_ns(root: &Path, name: &str, start: SystemTime) -> anyhow::Result<Option<f64>> {
    // Criterion replaces what a file name may not hold.
    let directory: String = name.chars().map(|c| if "?\"/\\*<>:|^".contains(c) { '_' } else { c }).collect();
    let path = root.join(directory).join("new/estimates.json");
    let measured = std::fs::metadata(&path).and_then(|file| file.modified());
    if measured.is_ok_and(|measured| measured >= start) {
        return read_median_ns(&path).map(Some);
    }
    Ok(None)
}

fn read_median_ns(path: &Path) -> anyhow::Result<f64> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let estimates: serde_json::Value = serde_json::from_str(&text)?;
    estimates["median"]["point_estimate"].as_f64().with_context(|| format!("{} has no median", path.display()))
}

fn time_of(ns: f64) -> String {
    if ns < 10_000.0 { format!("{ns:.0} ns") } else { format!("{:.1} us", ns / 1_000.0) }
}
