//! The task that drives the jobs in the server: woken by ingest, by the end of a job, and by the clock.

use super::{CardKeys, Clock, ProcessError, Processor};
use crate::acquirer::Acquirer;
use crate::store::{Job, Ledger, StoreError};
use holdfast_core::limits::ACQUIRER_PROBE_MS;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, Semaphore, watch};

/// Payments in flight at once. A slow answer for one holds up none of the others, and what many ask of the books is one transaction.
const IN_FLIGHT_MAX: u32 = 256;
/// Between two claims while there is work, so that one claim takes several jobs on. A job that comes while nothing is going on does not wait.
const CLAIM_MS: u64 = 10;
/// The longest sleep between two looks at the books.
const LOOK_MS_MAX: u64 = 1_000;
/// How long a stop waits for payments in flight. What is cut off then is settled by reference after the next start.
const DRAIN_MS_MAX: u64 = 15_000;
/// How often, and how long apart, a job is given back to a database that was away.
const PUT_BACK_MAX: u32 = 10;
const PUT_BACK_MS: u64 = 1_000;

/// Runs until `stop` says so, then waits for the payments in flight.
pub async fn run<L, A, K, C>(processor: Arc<Processor<L, A, K, C>>, wake: Arc<Notify>, mut stop: watch::Receiver<bool>)
where
    L: Ledger + 'static,
    A: Acquirer + 'static,
    K: CardKeys + 'static,
    C: Clock + 'static,
{
    let probes = tokio::spawn(watch_acquirer(Arc::clone(&processor), Arc::clone(&wake)));
    let slots = Arc::new(Semaphore::new(IN_FLIGHT_MAX as usize));
    while !*stop.borrow() {
        let Ok(first) = Arc::clone(&slots).acquire_owned().await else { break };
        let mut permits = vec![first];
        while let Ok(permit) = Arc::clone(&slots).try_acquire_owned() {
            permits.push(permit);
        }
        let jobs = processor.claim(permits.len()).await.unwrap_or_else(|error| {
            tracing::error!(%error, "the jobs cannot be read");
            Vec::new()
        });
        let is_idle = jobs.is_empty();
        for job in jobs {
            let (processor, wake, permit) = (Arc::clone(&processor), Arc::clone(&wake), permits.pop());
            tokio::spawn(async move {
                if let Err(error) = processor.process(job).await {
                    tracing::error!(payment = %job.payment_id, %error, "a payment's job stopped; it comes again");
                    if let ProcessError::Store(StoreError::Database(_)) = error {
                        put_back(&processor, job).await;
                    }
                }
                drop(permit);
                wake.notify_one();
            });
        }
        drop(permits);
        let woken = async { if is_idle { wake.notified().await } else { std::future::pending().await } };
        tokio::select! {
            () = woken => {}
            () = tokio::time::sleep(Duration::from_millis(if is_idle { LOOK_MS_MAX } else { CLAIM_MS })) => {}
            _ = stop.changed() => {}
        }
    }
    probes.abort();
    let drained = slots.acquire_many(IN_FLIGHT_MAX);
    if tokio::time::timeout(Duration::from_millis(DRAIN_MS_MAX), drained).await.is_err() {
        tracing::warn!("payments in flight were left for the next start");
    }
}

/// Until it is stopped: looks whether the acquirer is there, whenever that is in doubt.
async fn watch_acquirer<L: Ledger, A: Acquirer, K: CardKeys, C: Clock>(
    processor: Arc<Processor<L, A, K, C>>,
    wake: Arc<Notify>,
) {
    loop {
        match processor.probe().await {
            Ok(true) => wake.notify_one(),
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "what waited for the acquirer comes again in its own time"),
        }
        tokio::time::sleep(Duration::from_millis(ACQUIRER_PROBE_MS)).await;
    }
}

/// After an error of the database. When that stays away, the job comes again at the end of its lease.
async fn put_back<L: Ledger, A: Acquirer, K: CardKeys, C: Clock>(processor: &Processor<L, A, K, C>, job: Job) {
    for _ in 0..PUT_BACK_MAX {
        tokio::time::sleep(Duration::from_millis(PUT_BACK_MS)).await;
        match processor.put_back(job).await {
            Ok(()) | Err(StoreError::Conflict | StoreError::Closed) => return,
            Err(StoreError::Database(_)) => {}
        }
    }
}
