//! Runs the fleet simulation, and builds a component whose policies can be wrong in chosen ways.
//!
//! The wrong policies are patches of text on a copy of the guest, all in one component: which of
//! them is in force is a byte that the simulation sets in the component's data. So the policies
//! themselves hold nothing of this, and one build does for all.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::component;
use crate::files::copy_folder;
use crate::paths;
use crate::run::{cargo, run};
use crate::toolchain::{TARGET, Toolchain};
use crate::workspace::THE_REST;

/// A way to be wrong: a file of `guest/policy/src`, what stands there, and what is put in its
/// place.
struct Mutant {
    file: &'static str,
    text: &'static str,
    instead: &'static str,
}

/// What the byte that says which mutant is in force follows. The simulation looks for it.
const MARK: &str = "tidegate mutant in force: ";

/// What every patch calls. The mark is looked up in memory, since nothing is known of what
/// `black_box` returns.
const SELECTOR: &str = r#"
/// Which mutant is in force.
pub fn mutant(letter: u8) -> bool {
    static MARK: [u8; 27] = *b"tidegate mutant in force: -";
    core::hint::black_box(&MARK)[26] == letter
}
"#;

/// All mutants, in the order of their letters.
const MUTANTS: &[Mutant] = &[
    // A: a bucket holds a permit more.
    Mutant {
        file: "rate_limiter/bucket.rs",
        text: "self.units_at(us).saturating_add(self.room()).min(MAX_NUMBER)",
        instead: "self.units_at(us).saturating_add(self.room()).min(MAX_NUMBER) + if crate::mutant(b'A') { self.per_permit } else { 0 }",
    },
    // B: a group is forgotten while it counts.
    Mutant {
        file: "rate_limiter/groups.rs",
        text: "        let window_us = self.window_us;\n        move |last_us: u64|",
        instead: "        let window_us = if crate::mutant(b'B') { self.window_us / 2 } else { self.window_us };\n        move |last_us: u64|",
    },
    // C: a late outcome is trusted.
    Mutant {
        file: "circuit_breaker/breaker.rs",
        text: "permit.generation != call.record.generation ||",
        instead: "(permit.generation != call.record.generation && !crate::mutant(b'C')) ||",
    },
    // D: probes are not counted.
    Mutant {
        file: "circuit_breaker/half_open.rs",
        text: "if self.in_flight(now_us) >= self.places(limits) {",
        instead: "if self.in_flight(now_us) >= self.places(limits) && !crate::mutant(b'D') {",
    },
    // E: an open circuit admits before its time.
    Mutant {
        file: "circuit_breaker/open.rs",
        text: "now_us >= self.until_us",
        instead: "now_us >= self.until_us || crate::mutant(b'E')",
    },
    // F: who came last goes first.
    Mutant {
        file: "rate_limiter/queue.rs",
        text: "(Reverse(self.priority), self.ticket)",
        instead: "(Reverse(self.priority), if crate::mutant(b'F') { u64::MAX - self.ticket } else { self.ticket })",
    },
    // G: a call is charged without a check of all its limits.
    Mutant {
        file: "rate_limiter/limiter.rs",
        text: "let models = self.check_all(call, permits)?;",
        instead: "let models = match self.check_all(call, permits) {\n            Err(models) if !crate::mutant(b'G') => return Err(models),\n            Ok(models) | Err(models) => models,\n        };",
    },
    // H: a refusal of a bucket charges it.
    Mutant {
        file: "rate_limiter/bucket.rs",
        text: "Err(full) => Err(self.model(full)),\n        }\n    }\n\n    /// Whether a charge",
        instead: "Err(full) => {\n                if crate::mutant(b'H') {\n                    let _ = cells.advance(self.field, self.per_permit, floor, MAX_NUMBER, self.use_us);\n                }\n                Err(self.model(full))\n            }\n        }\n    }\n\n    /// Whether a charge",
    },
    // I: permits leave a log early.
    Mutant {
        file: "rate_limiter/log.rs",
        text: "given.retain(|(at, _)| at.saturating_add(self.window_us) > at_us);",
        instead: "let counts_us = if crate::mutant(b'I') { self.window_us / 2 } else { self.window_us };\n        given.retain(|(at, _)| at.saturating_add(counts_us) > at_us);",
    },
    // J: a probe is never given up.
    Mutant {
        file: "circuit_breaker/half_open.rs",
        text: "limits.permit_ms.saturating_mul(1_000)",
        instead: "if crate::mutant(b'J') { DAY_MS * 1_000 } else { limits.permit_ms.saturating_mul(1_000) }",
    },
    // K: a refund gives back what has come back already.
    Mutant {
        file: "rate_limiter/bucket.rs",
        text: "due.saturating_add(cost).saturating_sub(now);",
        instead: "due.saturating_add(cost).saturating_sub(if crate::mutant(b'K') { charged } else { now });",
    },
    // L: those who wait are not waited for.
    Mutant {
        file: "rate_limiter/queue.rs",
        text: "waiter.due_us.saturating_add(grace_us) >= now_us",
        instead: "waiter.due_us.saturating_add(grace_us) >= now_us && !crate::mutant(b'L')",
    },
    // M: a new sub-window starts with the count of the last one.
    Mutant {
        file: "rate_limiter/window.rs",
        text: "        cells.delete(self.count_field);\n        Ok(model)",
        instead: "        if !crate::mutant(b'M') {\n            cells.delete(self.count_field);\n        }\n        Ok(model)",
    },
    // N: a circuit opens a failure too early.
    Mutant {
        file: "circuit_breaker/rules.rs",
        text: "reached(self.consecutive, counts.consecutive)",
        instead: "reached(self.consecutive, counts.consecutive + u32::from(crate::mutant(b'N')))",
    },
    // O: a lease is spent after its end.
    Mutant {
        file: "rate_limiter/lease.rs",
        text: "(charged_at_us != 0 && now_us < ends_us)",
        instead: "(charged_at_us != 0 && (now_us < ends_us || crate::mutant(b'O')))",
    },
    // P: a lease is given back whole, what was spent of it too.
    Mutant {
        file: "rate_limiter/lease.rs",
        text: "let left = if charged_at_us == 0 { 0 } else { self.left(cells) };",
        instead: "let left = if charged_at_us == 0 { 0 } else if crate::mutant(b'P') { size } else { self.left(cells) };",
    },
    // Q: a permit of a lease is not counted for the life of the lease longer.
    Mutant {
        file: "rate_limiter/lease.rs",
        text: "config.lease.map_or(0, |lease| lease.life_ms * 1_000)",
        instead: "config.lease.filter(|_| !crate::mutant(b'Q')).map_or(0, |lease| lease.life_ms * 1_000)",
    },
    // R: a lease is never used up.
    Mutant {
        file: "rate_limiter/lease.rs",
        text: "u64::from(permits), self.ceiling, keep_ms)?;",
        instead: "u64::from(permits) * u64::from(!crate::mutant(b'R')), self.ceiling, keep_ms)?;",
    },
    // S: a lease outlives the aligned window it was charged in.
    Mutant {
        file: "rate_limiter/lease.rs",
        text: "window_ends.fold(charged_at_us + self.life_us, u64::min)",
        instead: "window_ends.filter(|_| !crate::mutant(b'S')).fold(charged_at_us + self.life_us, u64::min)",
    },
    // T: a lease is held that was not charged.
    Mutant {
        file: "rate_limiter/leased.rs",
        text: "lease.drop(&mut call.cells, &held, wanted / 2);",
        instead: "if crate::mutant(b'T') {\n                        lease.hold(&mut call.cells, charged_at_us, wanted, extra);\n                    } else {\n                        lease.drop(&mut call.cells, &held, wanted / 2);\n                    }",
    },
    // U: a host that is cut off takes the whole limit for its share.
    Mutant {
        file: "rate_limiter/away.rs",
        text: "Some(permits / hosts)",
        instead: "Some(if crate::mutant(b'U') { permits } else { permits / hosts })",
    },
    // V: what was let go without the store is not charged.
    Mutant {
        file: "rate_limiter/away.rs",
        text: "let mut rest = cost.min(self.most);",
        instead: "let mut rest = if crate::mutant(b'V') { 0 } else { cost.min(self.most) };",
    },
    // W: who looks at a share makes it forget what was let go.
    Mutant {
        file: "rate_limiter/away.rs",
        text: "if let (Some(whole), []) = (self.whole, &self.meters[..]) {",
        instead: "if crate::mutant(b'W') && self.whole.is_some() {\n            self.meters.iter().for_each(|meter| meter.reset(&mut call.cells));\n        }\n        if let (Some(whole), []) = (self.whole, &self.meters[..]) {",
    },
    // X: a waiter is dropped when half of its time is over.
    Mutant {
        file: "rate_limiter/queue.rs",
        text: "self.0.retain(|w| w.ticket == asking || queue.deadline_us(w.ticket) > now_us);",
        instead: "let at_us = now_us + if crate::mutant(b'X') { queue.timeout_us / 2 } else { 0 };\n        self.0.retain(|w| w.ticket == asking || queue.deadline_us(w.ticket) > at_us);",
    },
    // Y: what is given back to a log goes on counting.
    Mutant {
        file: "rate_limiter/log.rs",
        text: "model.given[found].1 -= permits.min(model.given[found].1);",
        instead: "model.given[found].1 -= if crate::mutant(b'Y') { 0 } else { permits.min(model.given[found].1) };",
    },
    // Z: the time of the last permit in an open group is not raised.
    Mutant {
        file: "rate_limiter/groups.rs",
        text: "Ok(count) if at_us > open.last_us => {",
        instead: "Ok(count) if at_us > open.last_us && !crate::mutant(b'Z') => {",
    },
    // a: a place that is given back to a strict window is looked for at its own time only, though
    // it went with a later one.
    Mutant {
        file: "rate_limiter/groups.rs",
        text: "let may_be_later = self.max_wait_ms > 0",
        instead: "let may_be_later = !crate::mutant(b'a') && self.max_wait_ms > 0",
    },
];

/// Runs simulations; `--mutants` alone builds the wrong policies and says where they are.
pub(crate) fn simulate(arguments: &[String]) -> Result<()> {
    if arguments == ["--mutants"] {
        println!("{}", build_mutants()?.display());
        return Ok(());
    }
    component::build()?;
    // A test has to be among what is built, for the features to be those of the tests.
    let targets = ["--bin", "simulate", "--test", "demo"];
    run(cargo(["build", "--locked", "--release"].iter().chain(&THE_REST).chain(&targets)))?;
    let mut command = Command::new(paths::target_dir()?.join("release/simulate"));
    command.args(arguments);
    if arguments.iter().any(|argument| argument == "--mutant" || argument == "--prove") {
        command.arg("--mutants").arg(build_mutants()?);
    }
    run(command)
}

/// Builds the component of mutants, where anything has changed.
fn build_mutants() -> Result<PathBuf> {
    let dir = paths::component_dir()?.join("mutants");
    copy_guest(&dir)?;
    for mutant in MUTANTS {
        patch(&dir.join("guest/policy/src").join(mutant.file), mutant.text, mutant.instead)?;
    }
    let lib = dir.join("guest/policy/src/lib.rs");
    let text = fs::read_to_string(&lib)? + SELECTOR;
    fs::write(&lib, text)?;
    let toolchain = Toolchain::find(&paths::component_dir()?)?;
    let mut command = toolchain.cargo_build();
    command.args(["--offline", "--package", "tidegate-component", "--profile", "guest", "--target", TARGET]);
    command.arg("--target-dir").arg(dir.join("target")).current_dir(&dir);
    run(command)?;
    let component = dir.join("tidegate.wasm");
    component::encode(&dir.join("target").join(TARGET).join("guest/tidegate_component.wasm"), &component)?;
    let bytes = fs::read(&component)?;
    let marks = bytes.windows(MARK.len()).filter(|window| *window == MARK.as_bytes()).count();
    ensure!(marks == 1, "the component of mutants has its mark {marks} times");
    Ok(component)
}

/// Copies what the guest is built from, as a workspace of its own.
fn copy_guest(to: &Path) -> Result<()> {
    for part in ["guest", "wit"] {
        copy_folder(&paths::root().join(part), &to.join(part))?;
    }
    let manifest = fs::read_to_string(paths::root().join("Cargo.toml"))?;
    let members =
        manifest.lines().find(|line| line.starts_with("members = ")).context("the workspace has no members")?;
    let manifest = manifest.replace(members, r#"members = ["guest/component", "guest/policy"]"#);
    fs::write(to.join("Cargo.toml"), manifest.replace("unsafe_code = \"forbid\"", ""))?;
    fs::copy(paths::root().join("Cargo.lock"), to.join("Cargo.lock"))?;
    Ok(())
}

/// Replaces a text that must be there just once: what a mutant changes may have moved, and then it
/// would change nothing.
fn patch(file: &Path, text: &str, instead: &str) -> Result<()> {
    let whole = fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let found = whole.matches(text).count();
    ensure!(found == 1, "{} has {found} times what a mutant changes: {text}", file.display());
    fs::write(file, whole.replace(text, instead))?;
    Ok(())
}
