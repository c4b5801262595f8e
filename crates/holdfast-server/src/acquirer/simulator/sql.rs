//! The simulator's ledger in a database: a file of its own beside SQLite's books, a schema of its own in PostgreSQL, where all replicas of
//! a demo have one acquirer.

use super::super::{Account, AcquirerError, Decision, Known};
use super::book::{Book, Entry, EntryKind, LedgerView, Outcome, Verdict, judge, known_from, view_of};
use super::plan::{Dispute, Plan};
use crate::store::books::row::{parsed, small};
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

    async fn account_in(&self, account: Account) -> Result<Vec<(Entry, Option<Plan>)>, StoreError> {
        // What is older than the plans belongs to the demo's one merchant.
        let rows = sqlx::query(
            "SELECT e.*, p.merchant_id, p.capture_code, p.dispute_reason, p.dispute_after_ms
             FROM entries e LEFT JOIN plans p ON p.reference = e.reference
             WHERE (p.merchant_id IS NULL OR p.merchant_id = $1) AND e.approved = 1 AND e.kind IN ('capture', 'refund')
               AND ((e.at_ms >= $2 AND e.at_ms < $3)
                 OR (e.at_ms + p.dispute_after_ms >= $2 AND e.at_ms + p.dispute_after_ms < $3)) ORDER BY e.id",
        )
        .bind(account.merchant_id.to_string())
        .bind(account.from_ms)
        .bind(account.to_ms)
        .fetch_all(self.0.reader())
        .await?;
        rows.iter().map(|row| Ok((read(row)?, read_plan(row)?))).collect()
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

    async fn plan(&self, reference: &str, plan: Plan) -> Result<(), AcquirerError> {
        let reference = reference.to_owned();
        self.0.write(move |c| Box::pin(keep_plan(c, reference, plan))).await.map_err(unreachable)
    }

    async fn capture_code(&self, reference: &str) -> Result<Option<String>, AcquirerError> {
        let found = sqlx::query("SELECT capture_code FROM plans WHERE reference = $1").bind(reference);
        let row = found.fetch_optional(self.0.reader()).await.map_err(|error| unreachable(error.into()))?;
        let code = row.map(|row| row.try_get("capture_code")).transpose();
        Ok(code.map_err(|error| unreachable(error.into()))?.flatten())
    }

    async fn of_account(&self, account: Account) -> Result<Vec<(Entry, Option<Plan>)>, AcquirerError> {
        self.account_in(account).await.map_err(unreachable)
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
        "INSERT INTO entries (reference, kind, number, amount_minor, currency, approved, code, last4, approval_code, at_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(&entry.reference)
    .bind(entry.kind.as_str())
    .bind(i64::from(entry.number))
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

async fn keep_plan(c: &mut Conn, reference: String, plan: Plan) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO plans (reference, merchant_id, capture_code, dispute_reason, dispute_after_ms) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (reference) DO UPDATE SET capture_code = excluded.capture_code, dispute_reason = excluded.dispute_reason,
         dispute_after_ms = excluded.dispute_after_ms WHERE NOT EXISTS (SELECT 1 FROM entries e
             WHERE e.reference = excluded.reference AND e.kind = 'authorisation' AND e.approved = 1)",
    )
    .bind(reference)
    .bind(plan.merchant_id.to_string())
    .bind(plan.capture_code)
    .bind(plan.dispute.as_ref().map(|dispute| dispute.reason.clone()))
    .bind(plan.dispute.as_ref().map(|dispute| dispute.after_ms))
    .execute(c)
    .await?;
    Ok(())
}

fn read_plan(row: &AnyRow) -> Result<Option<Plan>, StoreError> {
    if row.try_get::<Option<&str>, _>("merchant_id")?.is_none() {
        return Ok(None);
    }
    let reason: Option<String> = row.try_get("dispute_reason")?;
    let after_ms: Option<i64> = row.try_get("dispute_after_ms")?;
    Ok(Some(Plan {
        merchant_id: parsed(row, "merchant_id")?,
        capture_code: row.try_get("capture_code")?,
        dispute: reason.zip(after_ms).map(|(reason, after_ms)| Dispute { reason, after_ms }),
    }))
}

fn read(row: &AnyRow) -> Result<Entry, StoreError> {
    let kind = EntryKind::from_str(row.try_get("kind")?);
    let is_approved = row.try_get::<i64, _>("approved")? != 0;
    Ok(Entry {
        reference: row.try_get("reference")?,
        kind: kind.ok_or_else(|| StoreError::Database("an entry of no known kind".to_owned()))?,
        number: small(row, "number")?,
        amount_minor: row.try_get("amount_minor")?,
        currency: row.try_get("currency")?,
        result: if is_approved { Outcome::Approved } else { Outcome::Declined },
        code: row.try_get("code")?,
        last4: row.try_get("last4")?,
        at_ms: row.try_get("at_ms")?,
        approval_code: row.try_get("approval_code")?,
    })
}
