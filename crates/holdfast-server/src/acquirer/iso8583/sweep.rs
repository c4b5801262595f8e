//! What was left open is settled also when nobody asks for its payment any more: the server that sent it is gone, or an approval came after
//! its reversal.

use super::Iso8583;
use super::turn::Now;
use crate::acquirer::AcquirerError;
use crate::clock::SystemClock;
use crate::process::Clock as _;
use std::sync::Weak;
use std::time::Duration;

/// Between two looks.
const LOOK_MS: u64 = 15_000;
/// A payment's own job comes first: it knows what is to be done next.
const LEFT_MS: i64 = 30_000;
/// Payments of one look.
const LOOK_MAX: i64 = 16;

/// Looks until the acquirer is gone.
pub async fn run(acquirer: Weak<Iso8583>, clock: SystemClock) {
    loop {
        tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
        let Some(acquirer) = acquirer.upgrade() else { return };
        acquirer.settle_what_is_left(Now::said(clock.now_ms())).await;
    }
}

impl Iso8583 {
    /// Settles what nobody has touched for a while. What stays open is left for the next look.
    pub(super) async fn settle_what_is_left(&self, now: Now) {
        let left = match self.log.left_open(now.ms() - LEFT_MS, LOOK_MAX).await {
            Ok(left) => left,
            Err(error) => {
                tracing::warn!(%error, "what is open at the acquirer cannot be read");
                return;
            }
        };
        for reference in left {
            if let Err(error) = self.settle_left(now, &reference).await {
                tracing::warn!(reference, %error, "something of a payment is still open at the acquirer");
            }
        }
    }

    async fn settle_left(&self, now: Now, reference: &str) -> Result<(), AcquirerError> {
        let _busy = self.take(reference)?;
        self.settle(now, reference).await
    }
}
