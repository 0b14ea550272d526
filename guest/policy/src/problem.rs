//! Problems of a configuration: all of them at once, each with its path, the bad value and what is
//! allowed.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::{Debug, Display};

/// One thing that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where, as a path from the root of the configuration, as its JSON is built:
    /// `limits[1].algorithm.burst`.
    pub path: String,
    /// The value found there, as text.
    pub value: String,
    /// What is allowed there, as a phrase that completes "must be ...", with names of settings
    /// between backticks.
    pub allowed: String,
}

/// Collects problems while a configuration is checked.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<Problem>);

impl Problems {
    /// Reports the value at `path`.
    #[inline(never)]
    pub(crate) fn add(&mut self, path: &str, value: &dyn Display, allowed: &str) {
        self.0.push(Problem { path: path.to_string(), value: value.to_string(), allowed: allowed.to_string() });
    }

    /// Reports the value at `path` unless it lies in `range`.
    pub(crate) fn check_range<T: PartialOrd + Display + Copy>(
        &mut self,
        path: &str,
        value: T,
        range: core::ops::RangeInclusive<T>,
    ) {
        if !range.contains(&value) {
            self.add(path, &value, &alloc::format!("{} to {}", range.start(), range.end()));
        }
    }

    /// `value`, or the problems there were.
    pub(crate) fn into_result<T>(self, value: T) -> Result<T, Vec<Problem>> {
        if self.0.is_empty() { Ok(value) } else { Err(self.0) }
    }
}
