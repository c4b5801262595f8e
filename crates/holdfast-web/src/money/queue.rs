//! The queue of sealed payments: how one is written, taken back, read back, settled and put back.

use super::claims;
use super::day::{put_day, read_day};
use super::tally::{read_tally, retally};
use super::{HEAD, Money, OutboxRow, beginning, read_head};
use crate::idb::{CHAIN, OUTBOX, TOMBSTONES, Transaction};
use futures_util::future::{try_join, try_join3, try_join4, try_join5};
use holdfast_core::id::{PaymentId, RecordHash};
use holdfast_core::outbox::StoreFault;
use holdfast_core::policy::DayTally;
use holdfast_wire::b64::{hash_from_text, record_hash};
use holdfast_wire::stored::{ChainHead, StoredPayment, Tally, Tombstone};
use holdfast_wire::time::Head;

/// Everything that a payment's attempt must know of the stores before it, at one moment.
pub struct Attempt {
    /// The payment was acknowledged already.
    pub tombstone: Option<Tombstone>,
    /// It is there already.
    pub row: Option<OutboxRow>,
    /// What its record follows.
    pub head: ChainHead,
    /// What waits; `None` until the recovery has counted once.
    pub tally: Option<Tally>,
    /// What the business day has taken without an answer.
    pub day: Option<DayTally>,
}

impl Money {
    /// One transaction, whose work does not grow with the queue.
    pub async fn attempt(&self, id: PaymentId) -> Result<Attempt, StoreFault> {
        let id = id.to_string();
        let reading = self.connection.read(&[TOMBSTONES, OUTBOX, CHAIN]).await?;
        let (tombstone, row) = (stone(&reading, &id), row(&reading, &id));
        let (head, tally, day) = (read_head(&reading), read_tally(&reading), read_day(&reading));
        let (tombstone, row, head, tally, day) = try_join5(tombstone, row, head, tally, day).await?;
        Ok(Attempt { tombstone, row, head: head.unwrap_or_else(beginning), tally, day })
    }

    /// All rows that can be read, oldest first. A row that cannot is left where it is.
    pub async fn outbox(&self) -> Result<Vec<OutboxRow>, StoreFault> {
        let texts = self.connection.read(&[OUTBOX]).await?.all_texts(OUTBOX).await?;
        let mut rows: Vec<OutboxRow> = texts.iter().filter_map(|t| OutboxRow::read(t)).collect();
        rows.sort_by_key(|r| r.entry.seq);
        Ok(rows)
    }

    /// Ids of all rows.
    pub async fn outbox_ids(&self) -> Result<Vec<String>, StoreFault> {
        self.connection.read(&[OUTBOX]).await?.keys(OUTBOX).await
    }

    /// These rows, as far as they are there and can be read.
    pub async fn outbox_rows(&self, ids: &[String]) -> Result<Vec<OutboxRow>, StoreFault> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let texts = self.connection.read(&[OUTBOX]).await?.get_texts(OUTBOX, ids).await?;
        Ok(texts.iter().filter_map(|t| OutboxRow::read(t)).collect())
    }

    pub async fn outbox_row(&self, id: PaymentId) -> Result<Option<OutboxRow>, StoreFault> {
        row(&self.connection.read(&[OUTBOX]).await?, &id.to_string()).await
    }

    pub async fn tombstones(&self) -> Result<Vec<Tombstone>, StoreFault> {
        let texts = self.connection.read(&[TOMBSTONES]).await?.all_texts(TOMBSTONES).await?;
        Ok(texts.iter().filter_map(|t| Tombstone::from_json(t).ok()).collect())
    }

    /// Ids of all tombstones.
    pub async fn tombstone_ids(&self) -> Result<Vec<String>, StoreFault> {
        self.connection.read(&[TOMBSTONES]).await?.keys(TOMBSTONES).await
    }

    /// These tombstones, as far as they are there.
    pub async fn tombstones_of(&self, ids: &[String]) -> Result<Vec<Tombstone>, StoreFault> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let texts = self.connection.read(&[TOMBSTONES]).await?.get_texts(TOMBSTONES, ids).await?;
        Ok(texts.iter().filter_map(|t| Tombstone::from_json(t).ok()).collect())
    }

    pub async fn tombstone(&self, id: PaymentId) -> Result<Option<Tombstone>, StoreFault> {
        stone(&self.connection.read(&[TOMBSTONES]).await?, &id.to_string()).await
    }

    /// Writes a record and moves the head. With `prev`, refused when the head is another: somebody else wrote in between.
    /// A record that is there already is written again as it is. `sale_number`: the counter is at least this.
    pub async fn commit(
        &self,
        stored: &StoredPayment,
        prev: Option<&Head>,
        sale_number: u64,
    ) -> Result<(), StoreFault> {
        self.commit_with(stored, prev, sale_number, None).await
    }

    /// The same, with the business day as it is after this payment.
    pub async fn commit_with(
        &self,
        stored: &StoredPayment,
        prev: Option<&Head>,
        sale_number: u64,
        day: Option<&DayTally>,
    ) -> Result<(), StoreFault> {
        let total_minor = stored.payload().map_err(|_| StoreFault::Mismatch)?.sale.total_minor;
        let writing = self.connection.write(&[OUTBOX, CHAIN]).await?;
        let text = writing.get_text(OUTBOX, &stored.id);
        let (text, head, tally) = try_join3(text, read_head(&writing), read_tally(&writing)).await?;
        let there = text.as_deref().and_then(OutboxRow::read);
        if there.as_ref().is_some_and(|there| there.stored != *stored) {
            return Err(StoreFault::Mismatch);
        }
        let mut head = head.unwrap_or_else(beginning);
        if there.is_none() && prev.is_some_and(|prev| head.head != *prev) {
            return Err(StoreFault::Broken);
        }
        if head.head.seq < stored.seq {
            head.head = Head { seq: stored.seq, hash: stored.hash.clone() };
        }
        head.sale_number = head.sale_number.max(sale_number);
        writing.put_text(CHAIN, HEAD, &head.to_json())?;
        writing.put_text(OUTBOX, &stored.id, &stored.to_json())?;
        if text.is_none() {
            // A row that is there already may have been sent.
            claims::unsent(&writing, stored)?;
            retally(&writing, tally, |tally| tally.with(total_minor))?;
        }
        if let Some(day) = day.filter(|_| there.is_none()) {
            put_day(&writing, day)?;
        }
        writing.commit().await
    }

    /// Undoes a commit that failed: a row that cannot be read goes, and the head goes back if it stands at this record. If the row is
    /// there and whole, or its tombstone is, nothing is changed and it fails: an uploader may have sent it already.
    pub async fn uncommit(&self, stored: &StoredPayment, prev: &Head) -> Result<(), StoreFault> {
        let writing = self.connection.write(&[OUTBOX, CHAIN, TOMBSTONES]).await?;
        let text = writing.get_text(OUTBOX, &stored.id);
        let (text, stone, head, tally) =
            try_join4(text, stone(&writing, &stored.id), read_head(&writing), read_tally(&writing)).await?;
        let there = text.as_deref().and_then(OutboxRow::read);
        let is_there = there.as_ref().is_some_and(|there| there.stored.hash == stored.hash);
        if is_there || stone.is_some() {
            return Err(StoreFault::Mismatch);
        }
        if text.is_some() && there.is_none() {
            writing.delete(OUTBOX, &stored.id)?;
            claims::forget(&writing, &stored.id)?;
            let total_minor = stored.payload().map_or(0, |p| p.sale.total_minor);
            retally(&writing, tally, |tally| tally.without(total_minor))?;
        }
        let head = head.unwrap_or_else(beginning);
        if head.head.hash == stored.hash {
            let head = ChainHead { head: prev.clone(), ..head };
            writing.put_text(CHAIN, HEAD, &head.to_json())?;
        }
        writing.commit().await
    }

    /// The hash of what a new transaction reads. A payment that was acknowledged in between is found by its tombstone.
    pub async fn read_back(&self, id: &str) -> Result<Option<RecordHash>, StoreFault> {
        let reading = self.connection.read(&[OUTBOX, TOMBSTONES]).await?;
        let (row, stone) = try_join(row(&reading, id), stone(&reading, id)).await?;
        Ok(match (row, stone) {
            (Some(row), _) => Some(record_hash(&row.stored.record)),
            (None, stone) => stone.and_then(|stone| hash_from_text(&stone.hash)),
        })
    }

    /// Puts a record of the journal back, unless it was acknowledged or is there. Says whether it was put.
    pub async fn put_back(&self, stored: &StoredPayment) -> Result<bool, StoreFault> {
        let writing = self.connection.write(&[OUTBOX, TOMBSTONES, CHAIN]).await?;
        let text = writing.get_text(OUTBOX, &stored.id);
        let (text, stone, tally) = try_join3(text, stone(&writing, &stored.id), read_tally(&writing)).await?;
        let acknowledged = stone.is_some_and(|s| s.hash == stored.hash);
        let put = !acknowledged && text.as_deref().and_then(OutboxRow::read).is_none();
        if put {
            writing.put_text(OUTBOX, &stored.id, &stored.to_json())?;
            let waits_minor = OutboxRow::read(&stored.to_json()).and_then(|row| row.waiting_minor());
            if let (None, Some(total_minor)) = (text, waits_minor) {
                retally(&writing, tally, |tally| tally.with(total_minor))?;
            }
        }
        writing.commit().await?;
        Ok(put)
    }

    /// Forgets tombstones.
    pub async fn forget(&self, ids: &[String]) -> Result<(), StoreFault> {
        let writing = self.connection.write(&[TOMBSTONES]).await?;
        for id in ids {
            writing.delete(TOMBSTONES, id)?;
        }
        writing.commit().await
    }
}

/// A row that can be read; one that cannot counts as not there, so that a whole copy may replace it.
pub(super) async fn row(transaction: &Transaction, id: &str) -> Result<Option<OutboxRow>, StoreFault> {
    Ok(transaction.get_text(OUTBOX, id).await?.and_then(|t| OutboxRow::read(&t)))
}

pub(super) async fn stone(transaction: &Transaction, id: &str) -> Result<Option<Tombstone>, StoreFault> {
    Ok(transaction.get_text(TOMBSTONES, id).await?.and_then(|t| Tombstone::from_json(&t).ok()))
}

/// The id and hash of a tombstone, for the engine.
pub fn tombstone_key(stone: &Tombstone) -> Option<(PaymentId, RecordHash)> {
    Some((stone.id.parse().ok()?, hash_from_text(&stone.hash)?))
}
