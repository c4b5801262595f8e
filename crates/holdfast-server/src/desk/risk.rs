//! What may be lost now: what the tills hold, as they last told, and what the server itself keeps for an acquirer that is away.

use super::Desk;
use crate::store::StoreError;
use crate::store::books::row::damaged;
use holdfast_core::card::{Brand, Entry};
use holdfast_core::policy::{Age, Meter};
use holdfast_core::time::UnixMs;
use holdfast_wire::policy::RateWire;
use holdfast_wire::time::RiskWire;
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// The shop's loss meter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Risk {
    pub currency: String,
    pub meter: Meter,
}

type Sum = (Brand, Entry, Age, usize, i64);

impl Desk {
    /// The meter across the devices and the server.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn risk(&self, now_ms: UnixMs) -> Result<Risk, StoreError> {
        let (now, rates) = (self.policy().await?, self.decline_rates().await?);
        let mut policy = now.settings.to_core().map_err(|_| damaged("policy"))?;
        policy.rates = rates.iter().filter_map(|rate| RateWire::to_core(rate).ok()).collect();
        let told = sqlx::query(
            "SELECT told_risk FROM devices WHERE merchant_id = $1 AND revoked_ms IS NULL AND told_risk IS NOT NULL",
        )
        .bind(self.id())
        .fetch_all(self.db.reader())
        .await?;
        let mut sums: Vec<Sum> = Vec::new();
        for row in &told {
            // What an unknown version told counts for nothing: the till tells it again.
            let told: Vec<RiskWire> = serde_json::from_str(row.try_get("told_risk")?).unwrap_or_default();
            told.iter().filter_map(RiskWire::to_core).for_each(|sum| add(&mut sums, sum));
        }
        // A payment that is on its way has a job: few have, however many there are.
        let kept = sqlx::query(
            "SELECT p.brand, p.entry, p.amount_minor, p.taken_ms FROM jobs j JOIN payments p ON p.id = j.payment_id
             WHERE p.merchant_id = $1 AND p.state IN ('received', 'authorising')",
        )
        .bind(self.id())
        .fetch_all(self.db.reader())
        .await?;
        for row in &kept {
            add(&mut sums, waits(row, now_ms, policy.window_ms)?);
        }
        Ok(Risk { currency: now.currency, meter: policy.meter_of(sums) })
    }
}

fn add(sums: &mut Vec<Sum>, more: Sum) {
    match sums.iter_mut().find(|sum| (sum.0, sum.1, sum.2) == (more.0, more.1, more.2)) {
        Some(sum) => {
            sum.3 = sum.3.saturating_add(more.3);
            sum.4 = sum.4.saturating_add(more.4);
        }
        None => sums.push(more),
    }
}

fn waits(row: &AnyRow, now_ms: UnixMs, window_ms: i64) -> Result<Sum, StoreError> {
    let entry = Entry::from_name(row.try_get("entry")?).ok_or_else(|| damaged("entry"))?;
    let taken_ms: i64 = row.try_get("taken_ms")?;
    // It arrived in time, so it is not lost with its window any more.
    let age = Age::of(taken_ms.saturating_add(window_ms), now_ms, window_ms).min(Age::Last);
    Ok((Brand::from_name(row.try_get("brand")?), entry, age, 1, row.try_get("amount_minor")?))
}
