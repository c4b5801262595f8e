//! The shop's books: the job that writes them, and the reports that read them.
//!
//! [`Journal::book_due`] reads what happened to payments from `payment_events`, lets the rules of [`holdfast_core::books`] decide, and
//! writes their entries, the sums of the reports and its own place in the feed in one transaction. So an event is booked exactly once,
//! wherever the process ends. Nothing else writes to these tables.

mod calendar;
mod chargeback;
mod page;
mod read;
pub mod report;
pub mod runner;

#[cfg(test)]
pub(crate) mod tests;

pub use calendar::{Calendar, CalendarError};
pub use chargeback::{ChargedBack, charge_back_in};

use crate::store::books::row::parsed;
use crate::store::db::{Conn, Database, Dialect};
use crate::store::{Books, StoreError};
use holdfast_core::books::{Entry, Event, Happening, Labels, MoneyEvent, Standing, money, payment};
use holdfast_core::id::MerchantId;
use holdfast_core::limits::BOOKED_AT_ONCE_MAX;
use holdfast_core::time::UnixMs;
use page::{Page, Source};
use sqlx::Row as _;
use std::collections::HashMap;

/// The books.
#[derive(Debug, Clone)]
pub struct Journal {
    db: Database,
}

impl Journal {
    pub fn new(books: &Books) -> Self {
        Self::of(books.db().clone())
    }

    pub(crate) fn of(db: Database) -> Self {
        Self { db }
    }

    /// Books what is waiting, of every merchant, and says how many events that were.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn book_due(&self, now_ms: UnixMs) -> Result<usize, StoreError> {
        let (mut booked, mut refused) = (0, None);
        for merchant_id in self.behind().await? {
            // One merchant's trouble holds up no other.
            match self.book_all(merchant_id, now_ms).await {
                Ok(count) => booked += count,
                Err(error) => refused = Some(error),
            }
        }
        refused.map_or(Ok(booked), Err)
    }

    async fn book_all(&self, merchant_id: MerchantId, now_ms: UnixMs) -> Result<usize, StoreError> {
        let mut booked = 0;
        loop {
            let count = self.book_some(merchant_id, now_ms, BOOKED_AT_ONCE_MAX).await?;
            booked += count;
            if count < BOOKED_AT_ONCE_MAX {
                return Ok(booked);
            }
        }
    }

    /// Books up to `limit` events of one merchant, in one transaction.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn book_some(&self, merchant_id: MerchantId, now_ms: UnixMs, limit: usize) -> Result<usize, StoreError> {
        let dialect = self.db.dialect();
        self.db.write(move |c| Box::pin(book(c, dialect, merchant_id, now_ms, limit))).await
    }

    /// Books money that moved without a payment: a payout, cash. The same `id` again changes nothing.
    ///
    /// # Errors
    /// When the database refuses, or the amount is none.
    pub async fn post(&self, post: Post, now_ms: UnixMs) -> Result<bool, StoreError> {
        let dialect = self.db.dialect();
        self.db.write(move |c| Box::pin(async move { post_in(c, dialect, &post, now_ms).await })).await
    }

    /// Merchants whose books are behind their events.
    async fn behind(&self) -> Result<Vec<MerchantId>, StoreError> {
        let rows = sqlx::query(
            "SELECT m.id FROM merchants m LEFT JOIN book_cursors b ON b.merchant_id = m.id WHERE EXISTS
             (SELECT 1 FROM payment_events e WHERE e.merchant_id = m.id AND e.change > coalesce(b.last_change, 0)) ORDER BY m.id",
        )
        .fetch_all(self.db.reader())
        .await?;
        rows.iter().map(|row| parsed(row, "id")).collect()
    }
}

/// Money that moved without a payment.
#[derive(Debug, Clone)]
pub struct Post {
    pub merchant_id: MerchantId,
    /// Who it is known by, such as the acquirer's number of a payout: unique in its kind.
    pub id: String,
    pub event: MoneyEvent,
    pub currency: String,
    pub at_ms: UnixMs,
}

/// [`Journal::post`], in the caller's transaction.
///
/// # Errors
/// When the database refuses, or the amount is none.
pub async fn post_in(c: &mut Conn, dialect: Dialect, post: &Post, now_ms: UnixMs) -> Result<bool, StoreError> {
    let kind = match post.event {
        MoneyEvent::Payout { .. } => "payout",
        MoneyEvent::Cash { .. } => "cash",
    };
    let (_, last_entry) = hold_cursor(c, dialect, post.merchant_id).await?;
    let source = format!("{kind}/{}", post.id);
    if read::is_booked(c, post.merchant_id, &source).await? {
        return Ok(false);
    }
    let when = calendar::read(&mut *c, post.merchant_id).await?.when(post.at_ms);
    let entry = money(post.event, when).map_err(|error| StoreError::Database(error.to_string()))?;
    let mut page = Page::new(post.merchant_id, last_entry, now_ms);
    page.add(&Source { source: &source, key: kind, currency: &post.currency, labels: &Labels::default() }, &entry);
    let last_entry = page.write(c).await?;
    sqlx::query("UPDATE book_cursors SET last_entry = $1 WHERE merchant_id = $2")
        .bind(last_entry)
        .bind(post.merchant_id.to_string())
        .execute(c)
        .await?;
    Ok(true)
}

/// The business day of an instant, in the caller's transaction.
///
/// # Errors
/// When the database refuses.
pub(crate) async fn day_in(c: &mut Conn, merchant_id: MerchantId, at_ms: UnixMs) -> Result<i64, StoreError> {
    Ok(calendar::read(c, merchant_id).await?.when(at_ms).day)
}

async fn book(
    c: &mut Conn,
    dialect: Dialect,
    merchant_id: MerchantId,
    now_ms: UnixMs,
    limit: usize,
) -> Result<usize, StoreError> {
    let (last_change, last_entry) = hold_cursor(c, dialect, merchant_id).await?;
    let mut events = read::events(c, merchant_id, last_change, limit).await?;
    let Some(last) = events.last().map(|event| event.change) else { return Ok(0) };
    let calendar = calendar::read(&mut *c, merchant_id).await?;
    let categories = read::categories(c, merchant_id).await?;
    // Where one that was made in place of another stands is read by itself below: few are.
    let payments = events.iter().filter(|event| event.replaces.is_none()).map(|event| event.payment_id.as_str());
    let mut standings = read::standings(c, merchant_id, payments.collect()).await?;
    let mut page = Page::new(merchant_id, last_entry, now_ms);
    for event in events.iter_mut().filter(|event| event.what != Happening::Nothing) {
        let standing = match standings.get(&event.payment_id) {
            Some(standing) => *standing,
            None => {
                let from = read::beginning(c, merchant_id, event.replaces.take(), &standings).await?;
                read::standing(c, merchant_id, &event.payment_id, from).await?
            }
        };
        let standing = book_event(&mut page, event, standing, &calendar, &categories);
        standings.insert(event.payment_id.clone(), standing);
    }
    let last_entry = page.write(c).await?;
    sqlx::query("UPDATE book_cursors SET last_change = $1, last_entry = $2 WHERE merchant_id = $3")
        .bind(last)
        .bind(last_entry)
        .bind(merchant_id.to_string())
        .execute(c)
        .await?;
    Ok(events.len())
}

/// Adds an event's entries to the page, and says where the payment stands after them.
fn book_event(
    page: &mut Page,
    event: &mut read::Happened,
    standing: Standing,
    calendar: &Calendar,
    categories: &HashMap<String, String>,
) -> Standing {
    let entries = event.sold(calendar, categories).and_then(|sold| {
        let entries = payment(&sold, standing, Event { what: event.what, when: calendar.when(event.at_ms) })?;
        Ok((sold.tender(), entries))
    });
    let (tender, entries) = match entries {
        Ok(entries) => entries,
        Err(error) => {
            // It must not hold up the others. It stays to be seen in the history, with its amount.
            tracing::error!(payment = %event.payment_id, %error, "a payment is not in the books");
            return standing;
        }
    };
    let labels = Labels {
        device_id: std::mem::take(&mut event.device_id),
        staff: std::mem::take(&mut event.staff),
        tender: Some(tender),
        offline: event.offline,
    };
    let is_cash = tender == holdfast_core::books::Tender::Cash;
    let after = |standing: Standing, entry: &Entry| standing.after(entry.reason(), is_cash, entry.refunded_minor());
    for entry in &entries {
        let key = format!("{}/{}", event.change, entry.reason().name());
        page.add(&Source { source: &event.payment_id, key: &key, currency: &event.currency, labels: &labels }, entry);
    }
    entries.iter().fold(standing, after)
}

/// The last event and the last entry that are booked. Where there are several writers, no other one books this merchant's events
/// before the commit.
pub(crate) async fn hold_cursor(
    c: &mut Conn,
    dialect: Dialect,
    merchant_id: MerchantId,
) -> Result<(i64, i64), StoreError> {
    let id = merchant_id.to_string();
    sqlx::query(
        "INSERT INTO book_cursors (merchant_id, last_change, last_entry) VALUES ($1, 0, 0) ON CONFLICT (merchant_id) DO NOTHING",
    )
    .bind(&id)
    .execute(&mut *c)
    .await?;
    let text = dialect.pick(
        "SELECT last_change, last_entry FROM book_cursors WHERE merchant_id = $1",
        "SELECT last_change, last_entry FROM book_cursors WHERE merchant_id = $1 FOR UPDATE",
    );
    let row = sqlx::query(text).bind(&id).fetch_one(c).await?;
    Ok((row.try_get("last_change")?, row.try_get("last_entry")?))
}
