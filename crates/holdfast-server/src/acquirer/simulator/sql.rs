//! The simulator's ledger in a database: a file of its own beside SQLite's books, a schema of its own in PostgreSQL, where all replicas of
//! a demo have one acquirer.

use super::super::{AcquirerError, Decision, Known};
use super::book::{Book, Entry, EntryKind, LedgerView, Outcome, Verdict, judge, known_from, view_of};
use crate::store::db::{Conn, Database, Dialect, SIMULATOR};
use crate::store::{OpenError, Place, StoreError};
use sqlx::Row as _;
use sqlx::any::AnyRow;
use std::collections::BTreeMap;

/// A ledger in a database.
#[derive(Debug)]
pub struct SqlBook(Database);

impl SqlBook {
    /// Opens or makes it.
    ///
    /// # Errors
    /// When the database cannot be opened or holds no ledger of the simulator.
    pub async fn open(place: &Place) -> Result<Self, OpenError> {
        Ok(Self(Database::open(place, &SIMULATOR).await?))
    }

    async fn view_in(&self) -> Result<LedgerView, StoreError> {
        let rows = sqlx::query("SELECT * FROM entries ORDER BY id").fetch_all(self.0.reader()).await?;
        let entries = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let rows = sqlx::query("SELECT reference, kind, count FROM repeats").fetch_all(self.0.reader()).await?;
        let mut repeated_requests = 0;
        let mut repeated_captures = BTreeMap::new();
        for row in rows {
            let count = u32::try_from(row.try_get::<i64, _>("count")?).unwrap_or(u32::MAX);
            repeated_requests += count;
            if row.try_get::<&str, _>("kind")? == EntryKind::Capture.as_str() {
                repeated_captures.insert(row.try_get("reference")?, count);
            }
        }
        Ok(view_of(entries, repeated_requests, &repeated_captures))
    }
}

impl Book for SqlBook {
    async fn carry_out(&self, entry: Entry) -> Result<Decision, AcquirerError> {
        let dialect = self.0.dialect();
        let written = self.0.write(move |c| Box::pin(carry_out(c, dialect, entry))).await;
        written.map_err(|error| {
            tracing::error!(%error, "the acquirer simulator cannot use its ledger");
            // A commit whose answer was lost may have happened.
            AcquirerError::TimedOut
        })
    }

    async fn known(&self, reference: &str) -> Result<Known, AcquirerError> {
        let query = sqlx::query(OF_REFERENCE).bind(reference).fetch_all(self.0.reader());
        let rows = query.await.map_err(|error| unreachable(error.into()))?;
        let entries = rows.iter().map(read).collect::<Result<Vec<_>, _>>().map_err(unreachable)?;
        Ok(known_from(&entries))
    }

    async fn view(&self) -> Result<LedgerView, AcquirerError> {
        self.view_in().await.map_err(unreachable)
    }
}

const OF_REFERENCE: &str = "SELECT * FROM entries WHERE reference = $1 ORDER BY id";

async fn carry_out(connection: &mut Conn, dialect: Dialect, entry: Entry) -> Result<Decision, StoreError> {
    // Requests about one reference are carried out one after the other.
    if dialect == Dialect::Postgres {
        let lock = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
        sqlx::query(lock).bind(&entry.reference).execute(&mut *connection).await?;
    }
    let rows = sqlx::query(OF_REFERENCE).bind(&entry.reference).fetch_all(&mut *connection).await?;
    let earlier = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let (reference, kind) = (entry.reference.clone(), entry.kind);
    match judge(entry, &earlier) {
        Verdict::Write(entry) => {
            insert(connection, &entry).await?;
            Ok(entry.decision())
        }
        Verdict::Repeat(decision) | Verdict::Alarm(decision) => {
            sqlx::query(
                "INSERT INTO repeats (reference, kind, count) VALUES ($1, $2, 1)
                 ON CONFLICT (reference, kind) DO UPDATE SET count = repeats.count + 1",
            )
            .bind(reference)
            .bind(kind.as_str())
            .execute(connection)
            .await?;
            Ok(decision)
        }
    }
}

/// A simulator without its ledger carries nothing out, and looks from outside like an acquirer that is down.
fn unreachable(error: StoreError) -> AcquirerError {
    tracing::error!(%error, "the acquirer simulator cannot use its ledger");
    AcquirerError::Unreachable
}

async fn insert(connection: &mut Conn, entry: &Entry) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO entries (reference, kind, amount_minor, currency, approved, code, last4, approval_code, at_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(&entry.reference)
    .bind(entry.kind.as_str())
    .bind(entry.amount_minor)
    .bind(&entry.currency)
    .bind(i64::from(entry.result == Outcome::Approved))
    .bind(&entry.code)
    .bind(&entry.last4)
    .bind(&entry.approval_code)
    .bind(entry.at_ms)
    .execute(connection)
    .await?;
    Ok(())
}

fn read(row: &AnyRow) -> Result<Entry, StoreError> {
    let kind = EntryKind::from_str(row.try_get("kind")?);
    let is_approved = row.try_get::<i64, _>("approved")? != 0;
    Ok(Entry {
        reference: row.try_get("reference")?,
        kind: kind.ok_or_else(|| StoreError::Database("an entry of no known kind".to_owned()))?,
        amount_minor: row.try_get("amount_minor")?,
        currency: row.try_get("currency")?,
        result: if is_approved { Outcome::Approved } else { Outcome::Declined },
        code: row.try_get("code")?,
        last4: row.try_get("last4")?,
        at_ms: row.try_get("at_ms")?,
        approval_code: row.try_get("approval_code")?,
    })
}
