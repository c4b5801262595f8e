//! How many tests ran, read from what their runners print. A runner that fails without a count, and one that ran nothing,
//! count as one failure: a test run that is empty by accident must not look like a good one.

use std::fmt;
use std::ops::AddAssign;

#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Tally {
    pub passed: u64,
    pub failed: u64,
}

impl Tally {
    pub fn one_failed() -> Self {
        Self { passed: 0, failed: 1 }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{} passed, {} failed", self.passed, self.failed))
    }
}

/// How a runner tells its counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Count {
    /// `test result: ok. 12 passed; 0 failed; …`, as many times as there are test binaries. wasm-pack prints the same.
    TestResults,
    /// The same from a browser that wasm-pack drives over WebDriver. One of the three stops answering once in many runs; a run
    /// that came to no result is made a second time, even if single tests had failed before it stopped: of what is then lost
    /// with the browser. Its log is printed and kept. A run that came to its result is never repeated.
    EngineResults,
    /// The last line that is `12 passed, 0 failed`.
    LastLine,
    /// A check that passes or fails as a whole.
    Exit,
}

impl Count {
    /// Whether the runner came as far as telling a count at all.
    pub fn is_told(self, text: &str) -> bool {
        match self {
            Self::TestResults | Self::EngineResults => text.lines().any(|line| line.contains("test result: ")),
            Self::LastLine => text.lines().any(|line| line_of_counts(line).is_some()),
            Self::Exit => true,
        }
    }

    pub fn tally(self, text: &str, succeeded: bool) -> Tally {
        let mut tally = match self {
            Self::TestResults | Self::EngineResults => test_results(text),
            Self::LastLine => last_line(text),
            Self::Exit => Tally { passed: u64::from(succeeded), failed: 0 },
        };
        if tally.failed == 0 && (!succeeded || tally.passed == 0) {
            tally.failed = 1;
        }
        tally
    }
}

fn test_results(text: &str) -> Tally {
    let mut sum = Tally::default();
    for line in text.lines() {
        let Some((_, counts)) = line.split_once("test result: ") else {
            continue;
        };
        let number = |what: &str| {
            counts.split([';', '.']).find_map(|part| part.trim().strip_suffix(what)?.trim().parse::<u64>().ok())
        };
        sum += Tally { passed: number("passed").unwrap_or(0), failed: number("failed").unwrap_or(0) };
    }
    sum
}

fn last_line(text: &str) -> Tally {
    text.lines().rev().find_map(line_of_counts).unwrap_or_default()
}

fn line_of_counts(line: &str) -> Option<Tally> {
    let (passed, failed) = line.trim().split_once(", ")?;
    let passed = passed.strip_suffix(" passed")?.parse().ok()?;
    let failed = failed.strip_suffix(" failed")?.parse().ok()?;
    Some(Tally { passed, failed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_that_hangs_has_told_nothing_and_one_that_fails_has() {
        let failed = "test a ... FAIL\n\ntest result: FAILED. 3 passed; 1 failed; 0 ignored; 0 filtered out\n";
        assert!(Count::EngineResults.is_told(failed));
        assert!(!Count::EngineResults.is_told("test a ... FAIL\nFailed to detect test as having been run.\n"));
        assert!(Count::LastLine.is_told("x\n3 passed, 1 failed\n"));
        assert!(!Count::LastLine.is_told("x\n3 passed\n"));
    }

    fn check(count: Count, text: &str, succeeded: bool, passed: u64, failed: u64) {
        assert_eq!(count.tally(text, succeeded), Tally { passed, failed }, "{count:?} of {text:?}");
    }

    #[test]
    fn results_of_all_test_binaries_are_summed() {
        let text = "running 3 tests\ntest a ... ok\n\ntest result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\n\
                    test result: FAILED. 10 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s\n";
        check(Count::TestResults, text, false, 13, 2);
        check(Count::TestResults, "test result: ok. 7 passed; 0 failed; 0 ignored; 0 filtered out\n", true, 7, 0);
    }

    #[test]
    fn a_broken_or_empty_run_is_a_failure() {
        check(Count::TestResults, "error: could not compile", false, 0, 1);
        check(Count::TestResults, "test result: ok. 5 passed; 0 failed; 0 ignored", false, 5, 1);
        check(Count::TestResults, "test result: ok. 0 passed; 0 failed; 0 ignored", true, 0, 1);
        check(Count::LastLine, "", true, 0, 1);
        check(Count::LastLine, "3 passed, 0 failed\n", false, 3, 1);
        check(Count::Exit, "whatever", false, 0, 1);
    }

    #[test]
    fn the_last_line_with_counts_is_taken() {
        check(Count::LastLine, "1 passed, 1 failed\nmore\n 20 passed, 0 failed\n\n", true, 20, 0);
        check(Count::LastLine, "part: 20 passed, 0 failed\n", true, 0, 1);
        check(Count::LastLine, "4 passed, 3 failed\n", false, 4, 3);
        check(Count::Exit, "", true, 1, 0);
    }
}
