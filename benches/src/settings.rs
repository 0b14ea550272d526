//! What a benchmark is told on its command line.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};

/// How to measure, and what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// A part of the titles to measure; none: all.
    pub only: Option<String>,
    /// A part of the names of the works to measure, floors and peers included; none: all. For
    /// profiles.
    pub by: Option<String>,
    /// Whether a rough answer soon is better than a good one.
    pub quick: bool,
    /// The Python that has the peers' packages.
    pub python: Option<String>,
}

impl Settings {
    /// Those of this process.
    ///
    /// # Errors
    /// Names the argument that is not known or lacks its value.
    pub fn from_args() -> Result<Self> {
        Self::parse(std::env::args().skip(1))
    }

    fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self> {
        let mut settings = Self::default();
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--quick" => settings.quick = true,
                "--only" => settings.only = Some(arguments.next().context("--only needs a part of a title")?),
                "--by" => settings.by = Some(arguments.next().context("--by needs a part of a name")?),
                "--python" => settings.python = Some(arguments.next().context("--python needs a path")?),
                // Cargo says so to every benchmark.
                "--bench" => {}
                other => {
                    bail!("unknown argument {other:?}; there are --only TITLE, --by NAME, --quick and --python PATH")
                }
            }
        }
        Ok(settings)
    }

    /// Whether what goes by this title is to be measured.
    pub fn wants(&self, title: &str) -> bool {
        self.only.as_ref().is_none_or(|part| title.contains(part.as_str()))
    }

    /// Whether the work of this name is to be measured.
    pub fn wants_by(&self, name: &str) -> bool {
        self.by.as_ref().is_none_or(|part| name.contains(part.as_str()))
    }

    /// How long a sample takes at least.
    pub fn sample(&self) -> Duration {
        Duration::from_millis(if self.quick { 20 } else { 100 })
    }

    /// How many samples are taken of each work.
    pub fn samples(&self) -> usize {
        if self.quick { 5 } else { 15 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Settings> {
        Settings::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn a_part_of_a_title_chooses_what_is_measured() {
        let settings = parse("--bench --only keys --quick").expect("all are known");
        assert!(settings.wants("64 callers, 10,000 keys") && !settings.wants("one caller") && settings.quick);
        assert!(parse("").expect("there is none").wants("one caller"));
    }

    #[test]
    fn an_unknown_argument_is_named() {
        for (line, named) in [("--only", "--only"), ("--fast", "--fast")] {
            assert!(format!("{:#}", parse(line).expect_err("it is wrong")).contains(named));
        }
    }
}
