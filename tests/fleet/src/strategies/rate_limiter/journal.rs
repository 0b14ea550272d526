//! What a worker writes down of its loads at once, so that it is known of one that is killed.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use super::load::Toll;
use super::protocol::Admitted;

/// A file that holds one call a line. What is written is there for others whatever becomes of the
/// process.
#[derive(Debug)]
pub struct Journal(File);

/// A line.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    /// The load, counted from 0.
    load: usize,
    admitted: Admitted,
}

impl Journal {
    /// Begins a journal.
    ///
    /// # Errors
    /// If the file cannot be made.
    pub fn begin(file: &Path) -> Result<Self> {
        File::create(file).map(Self).with_context(|| format!("{} cannot be made", file.display()))
    }

    /// Writes a call down, at once.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn note(&self, load: usize, admitted: Admitted) -> Result<()> {
        let line = format!("{}\n", serde_json::to_string(&Entry { load, admitted })?);
        Ok((&self.0).write_all(line.as_bytes())?)
    }
}

/// What a journal tells of this many loads. The last line may have been cut short with its writer:
/// that caller never went.
///
/// # Errors
/// If it cannot be read, or is no journal of these loads.
pub fn read(file: &Path, loads: usize) -> Result<Vec<Toll>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let mut tolls = vec![Toll::default(); loads];
    for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
        let Entry { load, admitted } = serde_json::from_str(line)?;
        ensure!(load < loads, "there is no load {load}");
        tolls[load].admitted.push(admitted);
    }
    tolls.iter_mut().for_each(Toll::date_charges);
    Ok(tolls)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_what_was_written_down_but_for_a_line_that_was_cut_short() {
        let file = std::env::temp_dir().join(format!("tidegate-journal-{}", std::process::id()));
        let journal = Journal::begin(&file).expect("it is made");
        for (load, cost) in [(0, 1), (1, 2), (0, 3)] {
            journal.note(load, Admitted { cost, ..Admitted::default() }).expect("it is written");
        }
        (&journal.0).write_all(b"{\"load\":0,\"adm").expect("it is written");
        let tolls = read(&file, 2).expect("it is read");
        let costs = |toll: &Toll| toll.admitted.iter().map(|call| call.cost).collect::<Vec<_>>();
        assert_eq!(tolls.iter().map(costs).collect::<Vec<_>>(), [vec![1, 3], vec![2]]);
        read(&file, 1).expect_err("it is of two loads");
        std::fs::remove_file(&file).expect("it is there");
    }
}
