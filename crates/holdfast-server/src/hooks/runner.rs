//! The task that makes and sends. A slow endpoint holds up no other: each has a few places of its own.

use super::Hooks;
use crate::store::StoreError;
use holdfast_core::limits::{WEBHOOKS_AT_ONCE_MAX, WEBHOOKS_AT_ONCE_OF_ONE_MAX};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Between two looks. Changes do not wake this task: a server that sells fast would have it look all the time.
const LOOK_MS: u64 = 250;
/// Between two times of forgetting what is old.
const FORGET_EVERY_MS: i64 = 600_000;

/// What is under way.
#[derive(Default)]
struct Sending {
    tasks: JoinSet<()>,
    /// For each endpoint a token that its deliveries share: it counts them, also when one ends badly.
    places: HashMap<String, Arc<()>>,
    forget_at_ms: i64,
}

/// Runs until `stop` says so. What is under way then is sent to its end.
pub async fn run(hooks: Arc<Hooks>, mut stop: watch::Receiver<bool>) {
    let mut sending = Sending::default();
    while !*stop.borrow() {
        if let Err(error) = sending.turn(&hooks).await {
            tracing::error!(%error, "webhooks are behind; they are tried again");
        }
        tokio::select! {
            Some(_) = sending.tasks.join_next() => {}
            () = hooks.wake.notified() => {}
            () = tokio::time::sleep(Duration::from_millis(LOOK_MS)) => {}
            _ = stop.changed() => {}
        }
    }
    while sending.tasks.join_next().await.is_some() {}
}

impl Sending {
    async fn turn(&mut self, hooks: &Arc<Hooks>) -> Result<(), StoreError> {
        hooks.make_due().await?;
        let now_ms = hooks.now_ms();
        if now_ms >= self.forget_at_ms {
            self.forget_at_ms = now_ms + FORGET_EVERY_MS;
            hooks.forget(now_ms).await?;
        }
        while self.tasks.try_join_next().is_some() {}
        self.places.retain(|_, place| Arc::strong_count(place) > 1);
        for endpoint_id in hooks.due(now_ms).await? {
            let place = Arc::clone(self.places.entry(endpoint_id.clone()).or_default());
            // The map and this hand hold it too.
            let taken = Arc::strong_count(&place) - 2;
            let free = WEBHOOKS_AT_ONCE_MAX.saturating_sub(self.tasks.len());
            let places = WEBHOOKS_AT_ONCE_OF_ONE_MAX.saturating_sub(taken).min(free);
            if places == 0 {
                continue;
            }
            for delivery in hooks.claim(endpoint_id, now_ms, places).await? {
                let (hooks, place) = (Arc::clone(hooks), Arc::clone(&place));
                self.tasks.spawn(async move {
                    let message = delivery.message_id.clone();
                    if let Err(error) = hooks.deliver(delivery).await {
                        tracing::warn!(%message, %error, "what became of a webhook was not kept; it comes again");
                    }
                    drop(place);
                });
            }
        }
        Ok(())
    }
}
