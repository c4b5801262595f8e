//! A server among others on the same books: it says that it is alive, and does the duties of the house in turn.

use crate::clock::SystemClock;
use crate::http::Server;
use crate::process::Clock as _;
use crate::store::{BEAT_MS, Books, Ledger as _, StoreError};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Between two sweeps of the keys, and between two looks for a key set that another process published: an emergency rotation does not wait.
const SWEEP_MS: u64 = 60_000;
const REFRESH_MS: u64 = 2_000;
/// How long one replica may be at its sweep before another one does it.
pub const SWEEP_MS_MAX: i64 = 300_000;
/// How long one replica may set the house up before another one does it.
const SET_UP_MS_MAX: i64 = 60_000;
/// Between two looks whether the house is set up.
const LOOK_MS: u64 = 200;

const SET_UP: &str = "set-up";
/// The duty of whoever changes keys.
pub const KEYS: &str = "keys";

/// Waits for the turn to set the house up: shop, keys and key set are made by one, and found by the others.
///
/// # Errors
/// When the database refuses.
pub async fn begin_set_up(ledger: &Books, clock: SystemClock) -> Result<(), StoreError> {
    if !ledger.is_shared() {
        // The lock on the data directory says that no other process holds anything.
        ledger.release_leases().await?;
    }
    let mut next_beat_ms = 0;
    loop {
        let now_ms = clock.now_ms();
        // Whoever died in the middle of it is found silent.
        if ledger.is_shared() && now_ms >= next_beat_ms {
            ledger.beat(now_ms).await?;
            next_beat_ms = now_ms + BEAT_MS;
        }
        if ledger.take_duty(SET_UP, now_ms, now_ms + SET_UP_MS_MAX).await? {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
    }
}

/// Lets the next one have its turn.
///
/// # Errors
/// When the database refuses.
pub async fn end_set_up(ledger: &Books) -> Result<(), StoreError> {
    ledger.leave_duty(SET_UP).await
}

/// Says that this replica is alive, until `stop` says so.
pub async fn beat(ledger: Arc<Books>, clock: SystemClock, mut stop: watch::Receiver<bool>) {
    if !ledger.is_shared() {
        return;
    }
    while !*stop.borrow() {
        if let Err(error) = ledger.beat(clock.now_ms()).await {
            tracing::warn!(%error, "this replica could not say that it is alive");
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(BEAT_MS.unsigned_abs())) => {}
            _ = stop.changed() => {}
        }
    }
}

/// Sweeps the keys at the start and by the clock and tests them daily, one replica at a time. What failed is said and tried again with the next.
pub async fn sweep_keys(server: Arc<Server>, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        if let Err(error) = sweep_in_turn(&server).await {
            tracing::error!(%error, "the keys are not as they should be");
        }
        for _ in 0..SWEEP_MS / REFRESH_MS {
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(REFRESH_MS)) => {}
                _ = stop.changed() => return,
            }
            if let Err(error) = server.keyring.refresh().await {
                tracing::warn!(%error, "the published key set cannot be read");
            }
        }
    }
}

async fn sweep_in_turn(server: &Server) -> Result<(), crate::keys::KeyError> {
    // What another replica published is ours as well.
    server.keyring.refresh().await?;
    let now_ms = server.clock.now_ms();
    if !server.ledger.take_duty(KEYS, now_ms, now_ms + SWEEP_MS_MAX).await? {
        return Ok(());
    }
    let swept = server.keyring.sweep(now_ms).await;
    let tested = server.keyring.self_test_if_due(now_ms).await;
    server.ledger.leave_duty(KEYS).await?;
    swept.and(tested)
}
