//! The daily self-test: a probe is sealed with the public half of every live key, and its store must open it.
//!
//! A key that does not open is found on a quiet day this way, and not by the payments that need it.

use super::card::probe;
use super::carry_out::blocking;
use super::{KeyError, Keyring};
use crate::store::KeyWrite;
use holdfast_core::keys::is_self_test_due;
use holdfast_core::time::UnixMs;
use std::sync::PoisonError;

/// The log's name for it.
pub(super) const SELF_TEST: &str = "self-test";
const PASSED: &str = "passed";
const FAILED: &str = "failed";

/// A test's outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelfTest {
    pub at_ms: UnixMs,
    pub opened_count: usize,
    /// Kids that did not open their probe, with what the store said.
    pub failed: Vec<(String, String)>,
}

impl Keyring {
    /// Tests every live key, writes the outcome into the key log, and gives it.
    ///
    /// # Errors
    /// When the books cannot be read or written. A key that does not open is an outcome, not an error.
    pub async fn self_test(&self, now_ms: UnixMs) -> Result<SelfTest, KeyError> {
        let stores = self.material.stores.clone();
        let rows = self.books.card_keys().await?;
        let outcome = blocking(move || {
            let mut outcome = SelfTest { at_ms: now_ms, opened_count: 0, failed: Vec::new() };
            for row in rows {
                let Some(handle) = row.handle else { continue };
                let opens = stores.of(&handle).and_then(|store| probe(store.as_ref(), &row.kid, &row.n, &handle));
                match opens {
                    Ok(()) => outcome.opened_count += 1,
                    Err(error) => outcome.failed.push((row.kid, error.to_string())),
                }
            }
            outcome
        })
        .await?;
        let kids: Vec<&str> = outcome.failed.iter().map(|(kid, _)| kid.as_str()).collect();
        let (event, reason) = if kids.is_empty() {
            tracing::info!(opened = outcome.opened_count, "every live card key opened its probe");
            (PASSED, format!("{} keys opened their probe", outcome.opened_count))
        } else {
            tracing::error!(failed = ?outcome.failed, "card keys did not open their probe: payments that need them wait");
            (
                FAILED,
                format!("{} keys opened their probe, {} did not: {}", outcome.opened_count, kids.len(), kids.join(" ")),
            )
        };
        self.books.write_keys(now_ms, vec![KeyWrite::Note { kid: SELF_TEST.to_owned(), event, reason }]).await?;
        *self.self_test.write().unwrap_or_else(PoisonError::into_inner) = Some(outcome.clone());
        Ok(outcome)
    }

    /// The self-test, once a UTC day; a failed one is repeated until it passes.
    ///
    /// # Errors
    /// As [`Keyring::self_test`].
    pub async fn self_test_if_due(&self, now_ms: UnixMs) -> Result<(), KeyError> {
        let last = self.self_test.read().unwrap_or_else(PoisonError::into_inner).clone();
        let is_failed = last.as_ref().is_some_and(|test| !test.failed.is_empty() && now_ms - test.at_ms > RETRY_MS);
        if is_failed || is_self_test_due(last.map(|test| test.at_ms), now_ms) {
            self.self_test(now_ms).await?;
        }
        Ok(())
    }

    /// After a start: the last outcome, so that health tells it and the day's test is not run twice.
    pub(super) async fn load_self_test(&self) -> Result<(), KeyError> {
        let log = self.books.key_log().await?;
        // One that failed is run anew: the start may have been to mend it.
        let last = log.iter().rev().find(|line| line.kid == SELF_TEST).filter(|line| line.event == PASSED);
        let count = |line: &str| line.split(' ').next().and_then(|count| count.parse().ok()).unwrap_or(0);
        let outcome =
            last.map(|line| SelfTest { at_ms: line.at_ms, opened_count: count(&line.reason), failed: Vec::new() });
        *self.self_test.write().unwrap_or_else(PoisonError::into_inner) = outcome;
        Ok(())
    }
}

/// Between two self-tests while keys do not open.
const RETRY_MS: i64 = 600_000;
