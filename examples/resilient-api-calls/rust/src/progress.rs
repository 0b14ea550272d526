//! Live progress, on the standard error: one line that is drawn anew on a terminal, else a line
//! each second. State changes of the circuit get a line of their own as they happen.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{MissedTickBehavior, interval};

use crate::args::{Settings, without_password};
use crate::event::{Change, Event};
use crate::tally::Tally;
use crate::time::{ms_since, now_us};

/// How wide the bar is.
const BAR_CELLS: u64 = 10;

/// Shows progress.
#[derive(Debug)]
pub(crate) struct Progress {
    items: u32,
    started_us: u64,
    is_terminal: bool,
}

impl Progress {
    /// Says what is about to happen.
    pub(crate) fn start(settings: &Settings, key: &str, started_us: u64) -> Self {
        let store = settings.redis.as_deref().map_or_else(|| "memory".to_owned(), without_password);
        eprintln!(
            "{} items, {} a second at most, {} failures open the circuit; state in {store} under {key:?}",
            settings.items, settings.rate, settings.failures
        );
        if settings.fail_from > 0 {
            let (from, for_ms) = (settings.fail_from, settings.fail_for_ms);
            eprintln!("the server will fail for {for_ms} ms from its request {from} on\n");
        }
        Self { items: settings.items, started_us, is_terminal: std::io::stderr().is_terminal() }
    }

    /// Shows and counts what happens, until nobody is left to tell of it.
    pub(crate) async fn follow(&mut self, events: &mut UnboundedReceiver<Event>, tally: &mut Tally) {
        let mut ticks = interval(if self.is_terminal { Duration::from_millis(100) } else { Duration::from_secs(1) });
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                event = events.recv() => {
                    let Some(event) = event else { break };
                    if let Event::Changed(change) = &event {
                        self.show_change(change);
                    }
                    tally.add(event);
                }
                _ = ticks.tick() => self.show(tally),
            }
        }
        self.show(tally);
        eprintln!();
    }

    fn show_change(&self, change: &Change) {
        let seconds = seconds(ms_since(self.started_us, change.at_us));
        let line = format!("{seconds:>8}  circuit {} -> {}: {}", change.before, change.after, change.why());
        self.clear();
        eprintln!("{line}");
    }

    fn show(&self, tally: &Tally) {
        let line = self.line(tally, now_us());
        self.clear();
        if self.is_terminal {
            // A line that is longer than the terminal is wide must not go on in the next one.
            eprint!("\x1b[?7l{line}\x1b[?7h");
            // A terminal that is gone shows nothing, and the demo goes on.
            let _ = std::io::stderr().flush();
        } else {
            eprintln!("{line}");
        }
    }

    fn clear(&self) {
        if self.is_terminal {
            eprint!("\r\x1b[2K");
        }
    }

    fn line(&self, tally: &Tally, now_us: u64) -> String {
        format!(
            "{:>8}  {}  passed {}  failed {}  failed fast {}  circuit {}",
            seconds(ms_since(self.started_us, now_us)),
            self.share(tally.done()),
            tally.passed,
            tally.failed,
            tally.failed_fast(),
            tally.circuit()
        )
    }

    /// How much is done: a bar on a terminal, else numbers.
    fn share(&self, done: u32) -> String {
        if !self.is_terminal {
            return format!("{done} of {}", self.items);
        }
        let filled = u64::from(done) * BAR_CELLS / u64::from(self.items);
        let bar: String = (0..BAR_CELLS).map(|cell| if cell < filled { '#' } else { '.' }).collect();
        format!("[{bar}]")
    }
}

/// Milliseconds as seconds with two decimals.
pub(crate) fn seconds(ms: u64) -> String {
    format!("{}.{:02} s", ms / 1_000, ms % 1_000 / 10)
}
