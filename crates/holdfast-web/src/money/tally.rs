//! How much waits, counted where it changes. It decides caps and reports, never what is kept or deleted; the recovery counts anew.

use super::{Money, OutboxRow};
use crate::idb::{CHAIN, OUTBOX, Transaction};
use futures_util::future::try_join;
use holdfast_core::outbox::StoreFault;
use holdfast_wire::stored::Tally;

const TALLY: &str = "tally";

impl Money {
    /// What waits, as it was counted last; `None` until the recovery has counted once.
    pub async fn tally(&self) -> Result<Option<Tally>, StoreFault> {
        read_tally(&self.connection.read(&[CHAIN]).await?).await
    }

    /// Counts anew, if `seen` is not what is held: after an earlier version changed the queue, which kept no count, or after a wipe.
    pub async fn count_anew(&self, seen: Tally) -> Result<(), StoreFault> {
        if self.tally().await? == Some(seen) {
            return Ok(());
        }
        let writing = self.connection.write(&[OUTBOX, CHAIN]).await?;
        let (ids, texts) = try_join(writing.keys(OUTBOX), writing.all_texts(OUTBOX)).await?;
        let rows: Vec<OutboxRow> = texts.iter().filter_map(|text| OutboxRow::read(text)).collect();
        writing.put_text(CHAIN, TALLY, &tally(ids.len(), &rows).to_json())?;
        writing.commit().await
    }
}

/// A row that cannot be read is counted, with no amount. A void is not: nothing of it waits to be charged.
pub fn tally(count: usize, rows: &[OutboxRow]) -> Tally {
    let waiting = || rows.iter().filter_map(OutboxRow::waiting_minor);
    let void_count = rows.len() - waiting().count();
    let total_minor = waiting().fold(0, i64::saturating_add);
    Tally { v: holdfast_wire::V, count: count.saturating_sub(void_count) as u64, total_minor }
}

/// One that cannot be read counts as none.
pub(super) async fn read_tally(transaction: &Transaction) -> Result<Option<Tally>, StoreFault> {
    Ok(transaction.get_text(CHAIN, TALLY).await?.and_then(|text| Tally::from_json(&text).ok()))
}

/// Puts what `change` makes of it. Without a count to start from there is nothing to change.
pub(super) fn retally(
    writing: &Transaction,
    held: Option<Tally>,
    change: impl FnOnce(Tally) -> Tally,
) -> Result<(), StoreFault> {
    match held {
        Some(held) => writing.put_text(CHAIN, TALLY, &change(held).to_json()),
        None => Ok(()),
    }
}
