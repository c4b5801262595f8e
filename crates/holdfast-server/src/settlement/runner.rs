//! The duty: asks the acquirer for the accounts of the last days that are not here, and compares what wants to be compared. One server
//! of several does it at a time.

use super::{Settlements, file};
use crate::acquirer::{Account, Acquirer};
use crate::journal::Journal;
use crate::process::Clock;
use crate::store::books::row::parsed;
use crate::store::{Books, StoreError};
use holdfast_core::id::MerchantId;
use holdfast_core::limits::{SETTLEMENT_DAYS_BACK, SETTLEMENT_LAG_MS};
use holdfast_core::time::UnixMs;
use sqlx::Row as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Between two looks. The work is daily; a look finds out whether the day is over somewhere.
const LOOK_MS: u64 = 30_000;
/// How long one server may be at it before another one does it.
const DUTY_MS_MAX: i64 = 300_000;
const DUTY: &str = "settlement";

/// Runs until `stop` says so. What failed is said, and tried again with the next look.
pub async fn run<A: Acquirer, C: Clock>(
    ledger: Arc<Books>,
    acquirer: Arc<A>,
    clock: C,
    mut stop: watch::Receiver<bool>,
) {
    let settlements = Settlements::new(&ledger);
    while !*stop.borrow() {
        if let Err(error) = in_turn(&ledger, &settlements, acquirer.as_ref(), clock.now_ms()).await {
            tracing::error!(%error, "the acquirer's accounts could not be compared; they are tried again");
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(LOOK_MS)) => {}
            _ = stop.changed() => {}
        }
    }
}

async fn in_turn<A: Acquirer>(
    ledger: &Books,
    settlements: &Settlements,
    acquirer: &A,
    now_ms: UnixMs,
) -> Result<(), StoreError> {
    if !ledger.take_duty(DUTY, now_ms, now_ms + DUTY_MS_MAX).await? {
        return Ok(());
    }
    let done = settlements.settle_due(acquirer, now_ms).await;
    ledger.leave_duty(DUTY).await?;
    done
}

impl Settlements {
    /// Fetches and compares what is due, of every merchant.
    ///
    /// # Errors
    /// When the database refuses. One merchant's trouble holds up no other.
    pub async fn settle_due<A: Acquirer>(&self, acquirer: &A, now_ms: UnixMs) -> Result<(), StoreError> {
        let rows = sqlx::query("SELECT id FROM merchants ORDER BY id").fetch_all(self.db.reader()).await?;
        let mut refused = None;
        for row in &rows {
            if let Err(error) = self.settle_merchant(acquirer, parsed(row, "id")?, now_ms).await {
                refused = Some(error);
            }
        }
        refused.map_or(Ok(()), Err)
    }

    async fn settle_merchant<A: Acquirer>(
        &self,
        acquirer: &A,
        merchant_id: MerchantId,
        now_ms: UnixMs,
    ) -> Result<(), StoreError> {
        let calendar = Journal::of(self.db.clone()).calendar(merchant_id).await?;
        if let Some(first_ms) = self.first_payment_ms(merchant_id).await? {
            let today = calendar.when(now_ms).day;
            let first = calendar.when(first_ms).day.max(today - SETTLEMENT_DAYS_BACK);
            for day in first..today {
                let (from_ms, to_ms) = calendar.window(day);
                if to_ms + SETTLEMENT_LAG_MS <= now_ms {
                    self.fetch(acquirer, Account { merchant_id, day, from_ms, to_ms }, now_ms).await?;
                }
            }
        }
        for day in self.days_to_compare(merchant_id, now_ms).await? {
            self.reconcile(merchant_id, day, now_ms).await?;
        }
        Ok(())
    }

    /// Asks for the account of a day, unless a whole one is here.
    async fn fetch<A: Acquirer>(&self, acquirer: &A, account: Account, now_ms: UnixMs) -> Result<(), StoreError> {
        let merchant = account.merchant_id.to_string();
        if self.current(&merchant, account.day).await?.is_some_and(|(_, is_complete)| is_complete) {
            return Ok(());
        }
        match acquirer.settlement(now_ms, account).await {
            Ok(Some(statement)) if statement.is_complete => {
                let bytes = file::write(&statement);
                self.import(account.merchant_id, statement, bytes.as_bytes(), now_ms).await?;
            }
            // Its accounts come as files, or it is not ready with this one.
            Ok(_) => {}
            Err(error) => tracing::warn!(day = account.day, %error, "the acquirer's account is still to come"),
        }
        Ok(())
    }

    /// When this merchant's first payment came.
    async fn first_payment_ms(&self, merchant_id: MerchantId) -> Result<Option<UnixMs>, StoreError> {
        let first = sqlx::query("SELECT at_ms FROM payment_events WHERE merchant_id = $1 ORDER BY change LIMIT 1");
        let row = first.bind(merchant_id.to_string()).fetch_optional(self.db.reader()).await?;
        row.map(|row| Ok(row.try_get("at_ms")?)).transpose()
    }
}
