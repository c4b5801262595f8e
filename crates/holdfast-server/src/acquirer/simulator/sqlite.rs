//! The simulator's ledger in a file of its own, so that it survives a killed server as a real acquirer would.

use super::super::{AcquirerError, Decision, Known};
use super::book::{Book, Entry, EntryKind, LedgerView, Outcome, Verdict, judge, known_from, view_of};
use crate::store::OpenError;
use crate::store::db::migrated;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Connection as _, Row as _};
use std::collections::BTreeMap;
use std::path::Path;
use tokio::sync::Mutex;

const MIGRATIONS: &[(i64, &str, &str)] =
    &[(1, "ledger", include_str!("../../../migrations/simulator/0001_ledger.sql"))];

/// A ledger in SQLite. One connection: requests are carried out one after the other.
#[derive(Debug)]
pub struct SqliteBook(Mutex<SqliteConnection>);

impl SqliteBook {
    /// Opens or makes the file.
    ///
    /// # Errors
    /// When the file cannot be opened or is no ledger of the simulator.
    pub async fn open(path: &Path) -> Result<Self, OpenError> {
        Ok(Self(Mutex::new(migrated(path, MIGRATIONS).await?)))
    }

    async fn carry_out_in(&self, entry: Entry) -> Result<Decision, sqlx::Error> {
        let mut connection = self.0.lock().await;
        let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
        let earlier = entries_of(&mut tx, &entry.reference).await?;
        let (reference, kind) = (entry.reference.clone(), entry.kind);
        let (decision, repeated) = match judge(entry, &earlier) {
            Verdict::Write(entry) => {
                insert(&mut tx, &entry).await?;
                (entry.decision(), false)
            }
            Verdict::Repeat(decision) | Verdict::Alarm(decision) => (decision, true),
        };
        if repeated {
            sqlx::query("INSERT INTO repeats (reference, kind, count) VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET count = count + 1")
                .bind(&reference)
                .bind(kind.as_str())
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(decision)
    }

    async fn view_in(&self) -> Result<LedgerView, sqlx::Error> {
        let mut connection = self.0.lock().await;
        let rows = sqlx::query("SELECT * FROM entries ORDER BY id").fetch_all(&mut *connection).await?;
        let entries = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let rows = sqlx::query("SELECT reference, kind, count FROM repeats").fetch_all(&mut *connection).await?;
        let mut repeated_requests = 0;
        let mut repeated_captures = BTreeMap::new();
        for row in rows {
            let count: u32 = row.try_get("count")?;
            repeated_requests += count;
            if row.try_get::<&str, _>("kind")? == EntryKind::Capture.as_str() {
                repeated_captures.insert(row.try_get("reference")?, count);
            }
        }
        Ok(view_of(entries, repeated_requests, &repeated_captures))
    }
}

impl Book for SqliteBook {
    async fn carry_out(&self, entry: Entry) -> Result<Decision, AcquirerError> {
        self.carry_out_in(entry).await.map_err(unreachable)
    }

    async fn known(&self, reference: &str) -> Result<Known, AcquirerError> {
        let mut connection = self.0.lock().await;
        entries_of(&mut connection, reference).await.map(|entries| known_from(&entries)).map_err(unreachable)
    }

    async fn view(&self) -> Result<LedgerView, AcquirerError> {
        self.view_in().await.map_err(unreachable)
    }
}

/// A simulator without its ledger carries nothing out, and looks from outside like an acquirer that is down.
fn unreachable(error: sqlx::Error) -> AcquirerError {
    tracing::error!(%error, "the acquirer simulator cannot use its ledger");
    AcquirerError::Unreachable
}

async fn entries_of(connection: &mut SqliteConnection, reference: &str) -> Result<Vec<Entry>, sqlx::Error> {
    let rows = sqlx::query("SELECT * FROM entries WHERE reference = ? ORDER BY id")
        .bind(reference)
        .fetch_all(connection)
        .await?;
    rows.iter().map(read).collect()
}

async fn insert(connection: &mut SqliteConnection, entry: &Entry) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO entries (reference, kind, amount_minor, currency, approved, code, last4, approval_code, at_ms)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(&entry.reference)
    .bind(entry.kind.as_str())
    .bind(entry.amount_minor)
    .bind(&entry.currency)
    .bind(entry.result == Outcome::Approved)
    .bind(&entry.code)
    .bind(&entry.last4)
    .bind(&entry.approval_code)
    .bind(entry.at_ms)
    .execute(connection)
    .await?;
    Ok(())
}

fn read(row: &SqliteRow) -> Result<Entry, sqlx::Error> {
    let kind: &str = row.try_get("kind")?;
    Ok(Entry {
        reference: row.try_get("reference")?,
        kind: EntryKind::from_str(kind).ok_or_else(|| sqlx::Error::Decode("an entry of no known kind".into()))?,
        amount_minor: row.try_get("amount_minor")?,
        currency: row.try_get("currency")?,
        result: if row.try_get("approved")? { Outcome::Approved } else { Outcome::Declined },
        code: row.try_get("code")?,
        last4: row.try_get("last4")?,
        at_ms: row.try_get("at_ms")?,
        approval_code: row.try_get("approval_code")?,
    })
}
