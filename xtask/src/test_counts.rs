//! Counts tests by the result lines that the runners of cargo, Python and TypeScript print.

use std::ops::AddAssign;

/// How many tests passed and failed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TestCounts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl TestCounts {
    /// What a runner's result line says; `None` for any other line.
    pub(crate) fn read(line: &str) -> Option<Self> {
        match line.split_once("test result: ") {
            Some((_, result)) => {
                Some(Self { passed: before(result, " passed;")?, failed: before(result, " failed;")? })
            }
            None => Self::read_pytest(line).or_else(|| Self::read_vitest(line)),
        }
    }

    /// `=== 1 failed, 4 passed, 1 error in 0.12s ===`. An error is a test that could not be run.
    fn read_pytest(line: &str) -> Option<Self> {
        let (counts, time) = line.trim().strip_prefix('=')?.trim_matches(['=', ' ']).rsplit_once(" in ")?;
        time.split(' ').next()?.strip_suffix('s')?.parse::<f64>().ok()?;
        Self::sum(counts.split(", "))
    }

    /// `      Tests  1 failed | 4 passed (5)`.
    fn read_vitest(line: &str) -> Option<Self> {
        let (counts, all) = line.trim().strip_prefix("Tests  ")?.rsplit_once(" (")?;
        all.strip_suffix(')')?.parse::<u64>().ok()?;
        Self::sum(counts.split(" | "))
    }

    /// Sums up counts such as `1 failed`.
    fn sum<'a>(counts: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut sum = Self::default();
        for count in counts {
            let (number, what) = count.split_once(' ')?;
            let number: u64 = number.parse().ok()?;
            match what {
                "passed" => sum.passed += number,
                "failed" | "error" | "errors" => sum.failed += number,
                _ => {}
            }
        }
        Some(sum)
    }
}

impl AddAssign for TestCounts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// The number that stands before `unit`.
fn before(text: &str, unit: &str) -> Option<u64> {
    let (text, _) = text.split_once(unit)?;
    text.rsplit(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::TestCounts;

    #[test]
    fn reads_the_result_line_of_a_runner() {
        let line = "test result: FAILED. 12 passed; 3 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.01s";
        assert_eq!(TestCounts::read(line), Some(TestCounts { passed: 12, failed: 3 }));
    }

    #[test]
    fn reads_a_coloured_result_line() {
        let line =
            "test result: \u{1b}[32mok\u{1b}(B\u{1b}[m. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out";
        assert_eq!(TestCounts::read(line), Some(TestCounts { passed: 1, failed: 0 }));
    }

    #[test]
    fn reads_the_summary_of_pytest() {
        for (line, passed, failed) in [
            ("============================== 58 passed in 3.21s ==============================", 58, 0),
            ("===== 1 failed, 57 passed, 2 warnings, 1 error in 63.21s (0:01:03) =====", 57, 2),
        ] {
            assert_eq!(TestCounts::read(line), Some(TestCounts { passed, failed }), "{line}");
        }
    }

    #[test]
    fn reads_the_summary_of_vitest() {
        for (line, passed, failed) in
            [("      Tests  25 passed (25)", 25, 0), ("      Tests  1 failed | 18 passed | 6 skipped (25)", 18, 1)]
        {
            assert_eq!(TestCounts::read(line), Some(TestCounts { passed, failed }), "{line}");
        }
    }

    #[test]
    fn takes_no_other_line_for_a_result() {
        for line in [
            "running 4 tests",
            "test passes ... ok",
            "4 passed; 0 failed",
            "test result: unknown",
            " Test Files  3 passed (3)",
            "=== 4 passed ===",
            "=== FAILURES ===",
        ] {
            assert_eq!(TestCounts::read(line), None, "{line}");
        }
    }
}
