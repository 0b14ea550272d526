//! Counts tests by the result lines that the runners of cargo and of Vitest print.

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
        let Some((_, result)) = line.split_once("test result: ") else { return Self::read_vitest(line) };
        Some(Self { passed: before(result, " passed;")?, failed: before(result, " failed;")? })
    }

    /// `Tests  1 failed | 119 passed (120)`; what there is none of is left out.
    fn read_vitest(line: &str) -> Option<Self> {
        let result = line.trim().strip_prefix("Tests  ")?;
        let (parts, _) = result.strip_suffix(')')?.rsplit_once(" (")?;
        let mut counts = Self::default();
        for part in parts.split(" | ") {
            let (number, what) = part.trim().split_once(' ')?;
            let number = number.parse().ok()?;
            match what {
                "passed" => counts.passed = number,
                "failed" => counts.failed = number,
                _ => {}
            }
        }
        Some(counts)
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
    fn reads_the_result_line_of_vitest() {
        let read = |line| TestCounts::read(line).map(|counts| (counts.passed, counts.failed));
        assert_eq!(read("      Tests  1 failed | 119 passed (120)"), Some((119, 1)));
        assert_eq!(read("      Tests  7 passed (7)"), Some((7, 0)));
        assert_eq!(read("      Tests  2 failed | 3 passed | 4 skipped | 1 todo (10)"), Some((3, 2)));
    }

    #[test]
    fn takes_no_other_line_for_a_result() {
        for line in [
            "running 4 tests",
            "test passes ... ok",
            "4 passed; 0 failed",
            "test result: unknown",
            " Test Files  6 passed (6)",
            "Tests  5",
        ] {
            assert_eq!(TestCounts::read(line), None, "{line}");
        }
    }
}
