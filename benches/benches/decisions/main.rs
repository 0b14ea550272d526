//! One decision, beside the floor it stands on and the libraries people would take instead, in one
//! run.

mod empty_call;
mod memory;
mod shared_store;

use anyhow::Result;
use tidegate_benches::group::{Group, Measured};
use tidegate_benches::settings::Settings;
use tidegate_benches::table;

fn main() -> Result<()> {
    let mut report = Report { settings: Settings::from_args()?, measured: Vec::new() };
    memory::measure(&mut report)?;
    shared_store::measure(&mut report)?;
    table::print(&report.measured);
    Ok(())
}

/// What was measured so far.
struct Report {
    settings: Settings,
    measured: Vec<Measured>,
}

impl Report {
    /// Measures a group, if it is wanted.
    fn add<'a>(&mut self, title: &str, group: impl FnOnce(Group<'a>) -> Result<Group<'a>>) -> Result<()> {
        if self.settings.wants(title) {
            self.measured.push(group(Group::new(title))?.measure(&self.settings));
        }
        Ok(())
    }
}
