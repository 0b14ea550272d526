//! The summary for a person.

use std::fmt::{self, Display, Formatter};

use super::{Circuit, Fallbacks, Items, Limiter, Requests, Second, Summary, Transition};
use crate::progress::seconds;

/// How long the longest bar is.
const BAR_CELLS: usize = 40;

impl Display for Summary {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let took = seconds(self.took_ms);
        writeln!(f, "{} items in {took}: {}, state in {}\n", self.items.asked, self.workers(), self.store)?;
        self.items.write(f)?;
        self.fallback.write(f)?;
        self.limiter.write(f)?;
        self.circuit.write(f)?;
        self.server.write(f, self.limiter.limit)
    }
}

impl Summary {
    fn workers(&self) -> String {
        match self.workers {
            1 => format!("1 worker process with {} tasks", self.concurrency),
            workers => format!("{workers} worker processes with {} tasks each", self.concurrency),
        }
    }
}

impl Items {
    fn write(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let failures: Vec<String> = self.failures.iter().map(|(with, count)| format!("{count} with {with}")).collect();
        row(f, "passed", self.passed, "answered by the server")?;
        row(f, "failed", self.failed, &failures.join(", "))?;
        row(f, "failed fast", self.failed_fast, "refused by the circuit, not sent")?;
        if self.denied > 0 {
            row(f, "denied", self.denied, "not let go by the rate limiter in time, not sent")?;
        }
        if self.undecided > 0 {
            row(f, "undecided", self.undecided, "the store did not answer, not sent")?;
        }
        if self.lost > 0 {
            row(f, "lost", self.lost, "their worker ended before it told of them")?;
        }
        Ok(())
    }
}

impl Fallbacks {
    fn write(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (last_answer, default) = (self.last_answer, self.default);
        let what = format!("for those that failed fast: {last_answer} the last good answer, {default} a fixed one");
        row(f, "fallback", last_answer + default, &what)
    }
}

fn row(f: &mut Formatter<'_>, name: &str, count: u32, meaning: &str) -> fmt::Result {
    writeln!(f, "{}", format!("  {name:<12}{count:>6}   {meaning}").trim_end())
}

impl Limiter {
    fn write(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nthe rate limiter, {} a second", self.limit)?;
        writeln!(f, "  let {} go, at most {} in any one second", self.let_go, self.most_in_any_second)?;
        let (Some(p50), Some(p99)) = (self.waited_p50_us, self.waited_p99_us) else { return Ok(()) };
        let most = self.waited_most_us.unwrap_or(p99);
        let waits = [p50, p99, most].map(|us| seconds(us / 1_000));
        writeln!(f, "  waited: p50 {}, p99 {}, longest {}", waits[0], waits[1], waits[2])
    }
}

impl Circuit {
    fn write(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (failures, open_time) = (self.failures, seconds(self.open_ms));
        writeln!(f, "\nthe circuit, opened by {failures} failures within 10 s, for {open_time}")?;
        if self.transitions.is_empty() {
            return writeln!(f, "  stayed closed");
        }
        self.transitions.iter().try_for_each(|transition| transition.write(f))
    }
}

impl Transition {
    fn write(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let change = format!("{} -> {}", self.change.before, self.change.after);
        writeln!(f, "{:>10}  {change:<22}{}", seconds(self.at_ms), self.change.why())
    }
}

impl Requests {
    fn write(&self, f: &mut Formatter<'_>, limit: u32) -> fmt::Result {
        writeln!(f, "\nrequests that the server saw (# answered, x refused with 503)")?;
        if let Some((from, until)) = self.failing_ms {
            writeln!(f, "  it failed from {} to {}", seconds(from), seconds(until))?;
        }
        let busiest = self.per_second.iter().map(|second| second.answered_well + second.answered_503).max();
        let each = busiest.unwrap_or(0).div_ceil(BAR_CELLS).max(1);
        for (at, second) in self.per_second.iter().enumerate() {
            second.write(f, at, each)?;
        }
        writeln!(f, "  {} in all: {} answered, {} refused", self.seen, self.answered_well, self.answered_503)?;
        write!(f, "  at most {} in any one second", self.most_in_any_second)?;
        if self.most_in_any_second > limit as usize {
            let latest_ms = self.latest_us.div_ceil(1_000);
            let (most, span_ms) = (self.most_in_promised_span, 1_000_u64.saturating_sub(latest_ms));
            write!(f, ": they came up to {latest_ms} ms after the limiter let them go, so {limit} are promised in ")?;
            write!(f, "any {span_ms} ms, where at most {most} came")?;
        }
        Ok(())
    }
}

impl Second {
    fn write(self, f: &mut Formatter<'_>, at: usize, each: usize) -> fmt::Result {
        let count = self.answered_well + self.answered_503;
        let good = "#".repeat(self.answered_well.div_ceil(each));
        let bad = "x".repeat(self.answered_503.div_ceil(each));
        writeln!(f, "{}", format!("{at:>6} s  {count:>5}  {good}{bad}").trim_end())
    }
}
