//! One decision, beside the floor it stands on and the libraries people would take instead, in one run.
//!
//! Prints criterion's reports and then one table, in which each line is a ratio to a floor of the same run.

mod local;
mod shared;
mod table;

use std::time::{Duration, SystemTime};

use criterion::Criterion;

fn main() -> anyhow::Result<()> {
    let start = SystemTime::now();
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(4))
        .sample_size(50)
        .configure_from_args();
    local::measure(&mut criterion)?;
    shared::measure(&mut criterion)?;
    criterion.final_summary();
    table::print(start)
}
