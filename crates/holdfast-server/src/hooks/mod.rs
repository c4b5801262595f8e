//! Webhooks: a merchant's events, told to other programs as Standard Webhooks says (standardwebhooks.com).
//!
//! What happens to a payment leaves a line in `payment_events`, in the change's own transaction. [`make`] reads those lines behind a
//! cursor and writes one message for each, one delivery for each endpoint, and its place in the feed in one transaction: exactly
//! once, wherever the process ends. [`deliver`] sends: at least once, always with the same bytes under the same id.

mod call;
mod deliver;
pub mod make;
pub mod message;
pub mod net;
pub mod queue;
mod runner;
pub mod secret;
mod settings;

#[cfg(test)]
mod tests;

pub use make::Event;
pub use net::Policy;
pub use runner::run;
pub use secret::SecretError;
pub use settings::{HookArgs, HookSettings, HookSettingsError};

use crate::clock::SystemClock;
use crate::keys::LocalKeys;
use crate::process::Clock as _;
use crate::store::Database;
use call::Caller;
use holdfast_core::time::UnixMs;
use std::sync::Arc;
use tokio::sync::Notify;

/// What making, sending and looking after webhooks needs.
pub struct Hooks {
    db: Database,
    keys: Arc<LocalKeys>,
    caller: Caller,
    pub policy: Policy,
    clock: SystemClock,
    /// The longest wait between two attempts, where a test may not wait.
    retry_ms_max: Option<i64>,
    /// Wakes the sender.
    pub wake: Notify,
}

impl Hooks {
    /// # Errors
    /// When the certificates of the world cannot be read.
    pub fn new(
        db: Database,
        keys: Arc<LocalKeys>,
        settings: HookSettings,
        clock: SystemClock,
    ) -> Result<Self, HookSettingsError> {
        let HookSettings { policy, ca, retry_ms_max } = settings;
        let caller = Caller::new(policy.clone(), ca)?;
        Ok(Self { db, keys, caller, policy, clock, retry_ms_max, wake: Notify::new() })
    }

    fn now_ms(&self) -> UnixMs {
        self.clock.now_ms()
    }
}
