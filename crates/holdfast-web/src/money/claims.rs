//! Who comes first: the uploader that claims a payment before it sends it, or the seller who voids it before that.
//!
//! A mark beside each payment says that nobody has claimed it. It is written with the payment and goes before the first send, so that a payment
//! without one (restored from the journal, or of an earlier version) counts as sent. Marks lie in the chain's store: a store of their own would
//! raise the database's version, and a worker of before could not open it.

use super::queue::row;
use super::tally::{read_tally, retally};
use super::{HEAD, Money, OutboxRow, beginning, read_head};
use crate::idb::{CHAIN, OUTBOX, Transaction};
use futures_util::future::{try_join_all, try_join4};
use holdfast_core::outbox::{Entry, StoreFault};
use holdfast_wire::stored::StoredPayment;
use holdfast_wire::time::Head;

/// What became of a swap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swapped {
    /// The void is in the payment's place.
    Done,
    /// The payment may have been sent.
    Claimed,
}

impl Money {
    /// Before a batch is sent: its rows, as far as they are still there as they were, and from now on nobody voids them here.
    pub async fn claim(&self, batch: &[Entry]) -> Result<Vec<OutboxRow>, StoreFault> {
        let writing = self.connection.write(&[OUTBOX, CHAIN]).await?;
        let found = batch.iter().map(async |entry| {
            let id = entry.id.to_string();
            Ok(row(&writing, &id).await?.filter(|row| row.entry.hash == entry.hash))
        });
        let rows: Vec<OutboxRow> = try_join_all(found).await?.into_iter().flatten().collect();
        for row in &rows {
            forget(&writing, &row.stored.id)?;
        }
        writing.commit().await?;
        Ok(rows)
    }

    /// Puts a void in its payment's place and moves the chain's head to it, if nobody has claimed the payment. With `prev`, refused when the
    /// head is another. A void that is there already is left as it is.
    pub async fn swap(&self, void: &StoredPayment, prev: Option<&Head>) -> Result<Swapped, StoreFault> {
        let writing = self.connection.write(&[OUTBOX, CHAIN]).await?;
        let mark = mark(&void.id);
        let (there, mark, head, tally) = try_join4(
            row(&writing, &void.id),
            writing.get_text(CHAIN, &mark),
            read_head(&writing),
            read_tally(&writing),
        )
        .await?;
        let Some(there) = there else { return Ok(Swapped::Claimed) };
        if there.stored.hash == void.hash {
            return Ok(Swapped::Done);
        }
        if void.voids.as_ref() != Some(&there.stored.hash) || mark != void.voids {
            return Ok(Swapped::Claimed);
        }
        let mut head = head.unwrap_or_else(beginning);
        if prev.is_some_and(|prev| head.head != *prev) {
            return Err(StoreFault::Broken);
        }
        if head.head.seq < void.seq {
            head.head = Head { seq: void.seq, hash: void.hash.clone() };
        }
        writing.put_text(CHAIN, HEAD, &head.to_json())?;
        writing.put_text(OUTBOX, &void.id, &void.to_json())?;
        forget(&writing, &void.id)?;
        let total_minor = there.waiting_minor().unwrap_or_default();
        retally(&writing, tally, |tally| tally.without(total_minor))?;
        writing.commit().await?;
        Ok(Swapped::Done)
    }

    /// Which of these payments nobody has claimed, by the hash in their marks.
    pub async fn unsent(&self, ids: &[String]) -> Result<Vec<(String, String)>, StoreFault> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let reading = self.connection.read(&[CHAIN]).await?;
        let marks = ids.iter().map(async |id| {
            let hash = reading.get_text(CHAIN, &mark(id)).await?;
            Ok(hash.map(|hash| (id.clone(), hash)))
        });
        Ok(try_join_all(marks).await?.into_iter().flatten().collect())
    }
}

/// Notes that nobody has claimed it.
pub(super) fn unsent(writing: &Transaction, stored: &StoredPayment) -> Result<(), StoreFault> {
    writing.put_text(CHAIN, &mark(&stored.id), &stored.hash)
}

pub(super) fn forget(writing: &Transaction, id: &str) -> Result<(), StoreFault> {
    writing.delete(CHAIN, &mark(id))
}

fn mark(id: &str) -> String {
    format!("unsent-{id}")
}
