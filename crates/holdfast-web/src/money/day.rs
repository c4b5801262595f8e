//! The business day's tally, changed in the transaction that stores the payment which it counts.

use super::Money;
use crate::idb::{CHAIN, KEYSET, Transaction};
use holdfast_core::outbox::StoreFault;
use holdfast_core::policy::DayTally;
use holdfast_wire::policy::PolicyDocument;
use holdfast_wire::stored::StoredDay;

const DAY: &str = "day";
const POLICY: &str = "policy";

impl Money {
    /// The day as it is kept.
    pub async fn day(&self) -> Result<Option<DayTally>, StoreFault> {
        read_day(&self.connection.read(&[CHAIN]).await?).await
    }

    /// Makes of the day that is kept what `turn` says, in one transaction, and keeps it where that is another one.
    pub async fn turn_day(&self, turn: impl FnOnce(Option<DayTally>) -> DayTally) -> Result<DayTally, StoreFault> {
        let writing = self.connection.write(&[CHAIN]).await?;
        let held = read_day(&writing).await?;
        let turned = turn(held.clone());
        if held.as_ref() != Some(&turned) {
            put_day(&writing, &turned)?;
        }
        writing.commit().await?;
        Ok(turned)
    }

    /// The policy that was verified when it was kept.
    pub async fn policy(&self) -> Result<Option<PolicyDocument>, StoreFault> {
        let text = self.connection.read(&[KEYSET]).await?.get_text(KEYSET, POLICY).await?;
        Ok(text.and_then(|text| PolicyDocument::from_stored(&text).ok()))
    }

    /// Keeps a policy that was verified, unless a newer one of the same shop came in between.
    pub async fn put_policy(&self, policy: &PolicyDocument) -> Result<(), StoreFault> {
        let writing = self.connection.write(&[KEYSET]).await?;
        let held = writing.get_text(KEYSET, POLICY).await?.and_then(|text| PolicyDocument::from_stored(&text).ok());
        if held.is_none_or(|held| held.merchant_id != policy.merchant_id || held.version <= policy.version) {
            writing.put_text(KEYSET, POLICY, &policy.to_json())?;
        }
        writing.commit().await
    }
}

/// One that cannot be read counts as none: caps begin anew, no payment is lost.
pub(super) async fn read_day(transaction: &Transaction) -> Result<Option<DayTally>, StoreFault> {
    let text = transaction.get_text(CHAIN, DAY).await?;
    Ok(text.and_then(|text| StoredDay::from_json(&text).ok()?.to_core().ok()))
}

pub(super) fn put_day(writing: &Transaction, day: &DayTally) -> Result<(), StoreFault> {
    writing.put_text(CHAIN, DAY, &StoredDay::of(day).to_json())
}
