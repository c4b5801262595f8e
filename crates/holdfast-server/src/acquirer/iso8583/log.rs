//! The log of exchanges: numbers given out, questions open, answers known. It is a part of the books, so every server that shares them
//! knows what any of them has open; it holds no card data.
//!
//! Whoever sends holds the exchange for as long as its answer can come, and no other server touches it meanwhile. After that another one may
//! take it over, and an answer that the first one gets then is not taken any more.

mod row;
mod stans;

use super::turn::Turn;
use crate::store::db::Conn;
use crate::store::{Books, StoreError};
use futures_util::future::BoxFuture;
use holdfast_core::time::{UnixMs, utc_day};
use row::read;
use stans::Stans;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What an exchange is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Authorisation,
    Capture,
    Reversal,
    Refund,
}

/// How far an exchange got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Open,
    Unsent,
    Answered,
    Reversed,
}

/// One request and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    pub reference: String,
    /// Which exchange of the payment, from 1.
    pub nth: i64,
    pub kind: Kind,
    pub number: u32,
    pub original: Option<i64>,
    pub stan: u32,
    pub rrn: String,
    pub sent_ms: UnixMs,
    pub amount_minor: i64,
    pub currency: String,
    pub state: State,
    pub sends: u32,
    pub code: Option<String>,
    pub approval_code: Option<String>,
}

/// What is about to be sent.
#[derive(Debug, Clone, Copy)]
pub struct New<'a> {
    pub reference: &'a str,
    pub kind: Kind,
    pub number: u32,
    pub original: Option<i64>,
    pub amount_minor: i64,
    pub currency: &'a str,
}

/// Why the log did not do it.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("the same was asked for and may stand, or another server is at it")]
    Taken,
    #[error("the day's numbers are used up; they begin anew at midnight UTC")]
    NumbersUsedUp,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The log in the books.
#[derive(Debug)]
pub struct Log {
    books: Arc<Books>,
    stans: Stans,
}

impl Log {
    pub fn new(books: Arc<Books>) -> Self {
        Self { books, stans: Stans::default() }
    }

    /// Lets go what a process that is no more had open. Called at the start, when no other process can hold anything.
    ///
    /// # Errors
    /// [`LogError::Store`].
    pub async fn release(&self, now_ms: UnixMs) -> Result<(), LogError> {
        if self.books.is_shared() {
            return Ok(());
        }
        let text = "UPDATE exchanges SET holder = NULL, held_until_ms = $1 WHERE state = 'open' AND holder IS NOT NULL";
        self.write(move |c| {
            Box::pin(async move { Ok(sqlx::query(text).bind(now_ms).execute(c).await?.rows_affected()) })
        })
        .await
        .map(drop)
    }

    /// The next STAN of the day, for a message that is about no payment.
    ///
    /// # Errors
    /// [`LogError`].
    pub async fn stan(&self, now_ms: UnixMs) -> Result<u32, LogError> {
        self.stans.next(&self.books, utc_day(now_ms)).await
    }

    /// Commits that something is about to be sent, under a number of its own, by whoever decided so upon `earlier`: all exchanges of the
    /// payment. `rrn` makes field 37 from the STAN and how many tries there were, unless the exchange continues another, whose number it then
    /// shares.
    ///
    /// # Errors
    /// [`LogError::Taken`] when there is more than `earlier`, or the same is open or answered.
    pub async fn begin(
        &self,
        turn: Turn,
        new: New<'_>,
        earlier: &[Exchange],
        shared_rrn: Option<&str>,
        rrn: impl Fn(u32, u32) -> String,
    ) -> Result<Exchange, LogError> {
        let stan = self.stan(turn.sent_ms).await?;
        let tries: BTreeSet<_> = earlier.iter().map(|exchange| exchange.rrn.as_str()).collect();
        let tries = u32::try_from(tries.len()).unwrap_or(u32::MAX);
        let exchange = Exchange {
            reference: new.reference.to_owned(),
            nth: earlier.last().map_or(0, |last| last.nth) + 1,
            kind: new.kind,
            number: new.number,
            original: new.original,
            stan,
            rrn: shared_rrn.map_or_else(|| rrn(stan, tries), str::to_owned),
            sent_ms: turn.sent_ms,
            amount_minor: new.amount_minor,
            currency: new.currency.to_owned(),
            state: State::Open,
            sends: 1,
            code: None,
            approval_code: None,
        };
        let (row, holder) = (exchange.clone(), self.books.replica().to_owned());
        let written = self.write(move |c| Box::pin(row::insert(c, row, holder, turn.until_ms))).await?;
        if written == 1 { Ok(exchange) } else { Err(LogError::Taken) }
    }

    /// Commits that this server is at an open exchange from now on. With `again` it is about to send it once more.
    ///
    /// # Errors
    /// [`LogError::Taken`] when another server holds it, or it is not open any more.
    pub async fn hold(&self, turn: Turn, exchange: &Exchange, again: bool) -> Result<(), LogError> {
        let text = "UPDATE exchanges SET holder = $1, held_until_ms = $2, sends = sends + $3
             WHERE reference = $4 AND nth = $5 AND state = 'open' AND (holder = $1 OR holder IS NULL OR held_until_ms <= $6)";
        let (holder, reference, nth) = (self.books.replica().to_owned(), exchange.reference.clone(), exchange.nth);
        let write = self.write(move |c| {
            Box::pin(async move {
                let query = sqlx::query(text).bind(holder).bind(turn.until_ms).bind(i64::from(again));
                Ok(query.bind(reference).bind(nth).bind(turn.now_ms).execute(c).await?.rows_affected())
            })
        });
        if write.await? == 1 { Ok(()) } else { Err(LogError::Taken) }
    }

    /// Commits what became of an exchange that this server holds, with the answer if there is one, and lets it go. `false` when another server has
    /// taken it over meanwhile: then nothing is written.
    ///
    /// # Errors
    /// [`LogError::Store`].
    pub async fn leave(
        &self,
        exchange: &Exchange,
        state: State,
        now_ms: UnixMs,
        answer: Option<(&str, Option<&str>)>,
    ) -> Result<bool, LogError> {
        let text = "UPDATE exchanges SET state = $1, held_until_ms = $2, code = coalesce($3, code),
             approval_code = coalesce($4, approval_code), answered_ms = CASE WHEN $3 IS NULL THEN answered_ms ELSE $2 END
             WHERE reference = $5 AND nth = $6 AND state = 'open' AND holder = $7";
        let (code, approval_code) = answer.unzip();
        let (code, approval_code) = (code.map(str::to_owned), approval_code.flatten().map(str::to_owned));
        let (reference, nth) = (exchange.reference.clone(), exchange.nth);
        let holder = self.books.replica().to_owned();
        let write = self.write(move |c| {
            Box::pin(async move {
                let query = sqlx::query(text).bind(state.as_str()).bind(now_ms).bind(code).bind(approval_code);
                Ok(query.bind(reference).bind(nth).bind(holder).execute(c).await?.rows_affected())
            })
        });
        Ok(write.await? == 1)
    }

    /// Commits that a reversal was confirmed, and with it that its original is taken back.
    ///
    /// # Errors
    /// [`LogError::Store`].
    pub async fn reversed(
        &self,
        reversal: &Exchange,
        original: &Exchange,
        now_ms: UnixMs,
        code: &str,
    ) -> Result<(), LogError> {
        let (reference, code) = (reversal.reference.clone(), code.to_owned());
        let (reversal, original) = (reversal.nth, original.nth);
        let write = self.write(move |c| {
            Box::pin(async move {
                let text = "UPDATE exchanges SET state = 'answered', code = $1, answered_ms = $2 WHERE reference = $3 AND nth = $4";
                let query = sqlx::query(text).bind(code).bind(now_ms).bind(&reference).bind(reversal);
                query.execute(&mut *c).await?;
                let text = "UPDATE exchanges SET state = 'reversed' WHERE reference = $1 AND nth = $2";
                Ok(sqlx::query(text).bind(&reference).bind(original).execute(c).await?.rows_affected())
            })
        });
        write.await.map(drop)
    }

    /// The acquirer approved what it had confirmed to be taken back: the reversal is open again.
    ///
    /// # Errors
    /// [`LogError::Store`].
    pub async fn reopen_reversal(&self, original: &Exchange, now_ms: UnixMs) -> Result<(), LogError> {
        let text = "UPDATE exchanges SET state = 'open', holder = NULL, held_until_ms = $1
             WHERE reference = $2 AND original = $3 AND kind = 'reversal' AND state = 'answered'";
        let (reference, nth) = (original.reference.clone(), original.nth);
        let write = self.write(move |c| {
            Box::pin(async move {
                Ok(sqlx::query(text).bind(now_ms).bind(reference).bind(nth).execute(c).await?.rows_affected())
            })
        });
        write.await.map(drop)
    }

    /// Every exchange of a payment, oldest first.
    ///
    /// # Errors
    /// [`LogError::Store`].
    pub async fn of(&self, reference: &str) -> Result<Vec<Exchange>, LogError> {
        let text = "SELECT * FROM exchanges WHERE reference = $1 ORDER BY nth";
        let rows = sqlx::query(text).bind(reference).fetch_all(self.books.db().reader()).await;
        Ok(rows.map_err(StoreError::from)?.iter().map(read).collect::<Result<_, _>>()?)
    }

    /// The latest exchange of these numbers, for an answer that nobody waits for.
    ///
    /// # Errors
    /// [`LogError::Store`].
    pub async fn by_numbers(&self, stan: u32, rrn: &str) -> Result<Option<Exchange>, LogError> {
        let text = "SELECT * FROM exchanges WHERE stan = $1 AND rrn = $2 ORDER BY sent_ms DESC LIMIT 1";
        let query = sqlx::query(text).bind(i64::from(stan)).bind(rrn);
        let row = query.fetch_optional(self.books.db().reader()).await.map_err(StoreError::from)?;
        Ok(row.as_ref().map(read).transpose()?)
    }

    /// Payments of which something was left open before then, and nobody holds it.
    ///
    /// # Errors
    /// [`LogError::Store`].
    pub async fn left_open(&self, before_ms: UnixMs, limit: i64) -> Result<Vec<String>, LogError> {
        let text = "SELECT reference FROM exchanges WHERE state = 'open' AND held_until_ms <= $1
             ORDER BY held_until_ms, reference LIMIT $2";
        let query = sqlx::query_scalar(text).bind(before_ms).bind(limit);
        Ok(query.fetch_all(self.books.db().reader()).await.map_err(StoreError::from)?)
    }

    /// Writes in one transaction, and gives the number of rows back that it changed.
    async fn write<F>(&self, work: F) -> Result<u64, LogError>
    where
        F: for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<u64, StoreError>> + Send + 'static,
    {
        Ok(self.books.db().write(work).await?)
    }
}
