//! What the till shows: what waits, what was sent, and the history.

use super::enrol::ok_body;
use super::{Device, DeviceError, HistoryItem, PaymentPlace, WaitingPayment};
use crate::http::Call;
use crate::money::OutboxRow;
use crate::standing::{Open, ask};
use holdfast_core::id::PaymentId;
use holdfast_core::limits::HISTORY_PAGE_MAX;
use holdfast_wire::history::HistoryPage;
use holdfast_wire::stored::{MISSING, Tombstone};
use std::collections::BTreeSet;

/// Setting: the epoch of the server whose feed the cursor is of.
const FEED_EPOCH: &str = "feed-epoch";
const HISTORY_MS_MAX: i64 = 15_000;
/// More pages than a shop can fill between two looks; a feed that never ends must not be followed for ever.
const PAGES_MAX: usize = 50;

impl WaitingPayment {
    pub(super) fn of(row: &OutboxRow) -> Self {
        Self {
            id: row.entry.id,
            seq: row.entry.seq,
            offline: row.payload.offline,
            created_ms: row.payload.created_ms,
            expires_ms: row.entry.expires_ms,
            card: row.payload.card.clone(),
            sale: row.payload.sale.clone(),
            voided_ms: row.payload.void.as_ref().map(|void| void.at_ms),
        }
    }
}

impl Device {
    /// What waits on this device, oldest first.
    pub async fn waiting(&self) -> Result<Vec<WaitingPayment>, DeviceError> {
        self.read_new_rows().await?;
        let mut waiting: Vec<WaitingPayment> = self.inner.rows.borrow().values().cloned().collect();
        waiting.sort_by_key(|w| (w.seq, w.id));
        Ok(waiting)
    }

    /// Brings the rows in memory up to date with the database. Gives how many there are, with those that cannot be read.
    pub(super) async fn read_new_rows(&self) -> Result<usize, DeviceError> {
        let money = &self.shared().money;
        let ids: BTreeSet<String> = money.outbox_ids().await?.into_iter().collect();
        let unseen: Vec<String> = {
            let mut rows = self.inner.rows.borrow_mut();
            rows.retain(|id, _| ids.contains(id));
            ids.iter().filter(|id| !rows.contains_key(*id)).cloned().collect()
        };
        let read = money.outbox_rows(&unseen).await?;
        let mut rows = self.inner.rows.borrow_mut();
        rows.extend(read.iter().map(|row| (row.stored.id.clone(), WaitingPayment::of(row))));
        Ok(ids.len())
    }

    /// Where a payment is: resolves an open sale after a crash.
    pub async fn find_payment(&self, id: PaymentId) -> Result<PaymentPlace, DeviceError> {
        let money = &self.shared().money;
        if let Some(row) = money.outbox_row(id).await? {
            return Ok(PaymentPlace::Waiting(WaitingPayment::of(&row)));
        }
        Ok(money.tombstone(id).await?.map_or(PaymentPlace::Unknown, PaymentPlace::Sent))
    }

    /// Every payment that this till knows of, newest first.
    pub async fn history(&self) -> Result<Vec<HistoryItem>, DeviceError> {
        let mut items: Vec<HistoryItem> = self.missing().await?.into_iter().map(HistoryItem::Sent).collect();
        let mut ids: BTreeSet<String> = items.iter().map(HistoryItem::id).collect();
        // What an earlier server said of a payment that the present one lost is not so any more.
        let known = self.inner.shelf.history().await?.into_iter().filter(|view| ids.insert(view.id.clone()));
        items.extend(known.map(HistoryItem::Known));
        // A payment moves from the queue to the tombstones, never back: read in this order, none is missed.
        let waiting = self.waiting().await?;
        let money = &self.shared().money;
        let unknown: Vec<String> =
            money.tombstone_ids().await?.into_iter().filter(|id| ids.insert(id.clone())).collect();
        items.extend(money.tombstones_of(&unknown).await?.into_iter().map(HistoryItem::Sent));
        let waiting = waiting.into_iter().filter(|w| ids.insert(w.id.to_string()));
        items.extend(waiting.map(HistoryItem::Waiting));
        items.sort_by_key(|item| std::cmp::Reverse((item.taken_ms(), item.id())));
        Ok(items)
    }

    /// Payments that were stored at the server and that it lost: it came from a copy, or changed over to a standby.
    pub async fn missing(&self) -> Result<Vec<Tombstone>, DeviceError> {
        let money = &self.shared().money;
        if money.offered_epoch().await?.is_none_or(|offered| offered.missing_count == 0) {
            return Ok(Vec::new());
        }
        Ok(money.tombstones().await?.into_iter().filter(|stone| stone.status == MISSING).collect())
    }

    /// A server of another epoch counts its changes anew: then the feed is read from its beginning.
    async fn cursor(&self) -> Result<String, DeviceError> {
        let (shelf, offered) = (&self.inner.shelf, self.shared().money.offered_epoch().await?);
        let epoch = offered.map(|offered| offered.epoch).unwrap_or_default();
        if shelf.setting(FEED_EPOCH).await?.unwrap_or_default() != epoch {
            shelf.put_history(&[], Some("")).await?;
            shelf.put_setting(FEED_EPOCH, &epoch).await?;
        }
        Ok(shelf.history_cursor().await?)
    }

    /// Fetches what changed in the history. Gives the number of changed payments.
    pub async fn sync_history(&self) -> Result<usize, DeviceError> {
        let identity = self.shared().identity().ok_or(DeviceError::NotEnrolled)?;
        let mut changed = 0;
        for _ in 0..PAGES_MAX {
            let after = self.cursor().await?;
            let query = format!("after={after}&limit={HISTORY_PAGE_MAX}");
            let call = Call { query: &query, ..Call::get("/api/v1/payments", HISTORY_MS_MAX) };
            let body = ok_body(ask(self.shared(), &identity, call, Open::ToGoodOnly).await)?;
            let page = HistoryPage::from_json(&body).map_err(|_| DeviceError::NotHoldfast)?;
            // A cursor that needs escaping is none of ours.
            let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~');
            if !page.cursor.chars().all(is_plain) {
                return Err(DeviceError::NotHoldfast);
            }
            if !page.payments.is_empty() || page.cursor != after {
                self.inner.shelf.put_history(&page.payments, Some(&page.cursor)).await?;
            }
            changed += page.payments.len();
            if !page.more {
                break;
            }
        }
        Ok(changed)
    }
}
