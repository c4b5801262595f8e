//! The task that keeps the books up to date in the server: woken by changes of payments, and by the clock.

use super::Journal;
use crate::process::Clock;
use std::time::Duration;
use tokio::sync::watch;

/// The longest sleep between two looks. Other replicas change payments too, and do not wake this one.
const LOOK_MS_MAX: u64 = 1_000;
/// The shortest pause after something was booked, so that what happens meanwhile is booked together.
const PAUSE_MS: u64 = 50;

/// Runs until `stop` says so.
pub async fn run<C: Clock>(
    journal: Journal,
    clock: C,
    mut changes: watch::Receiver<u64>,
    mut stop: watch::Receiver<bool>,
) {
    while !*stop.borrow() {
        changes.mark_unchanged();
        match journal.book_due(clock.now_ms()).await {
            Ok(0) => {}
            Ok(_) => tokio::time::sleep(Duration::from_millis(PAUSE_MS)).await,
            Err(error) => tracing::error!(%error, "the books are behind; they are tried again"),
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(LOOK_MS_MAX)) => {}
            _ = stop.changed() => {}
            woken = changes.changed() => if woken.is_err() { break },
        }
    }
}
