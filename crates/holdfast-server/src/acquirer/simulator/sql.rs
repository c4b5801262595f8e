//! The simulator's ledger in a database: a file of its own beside SQLite's books, a schema of its own in PostgreSQL, where all replicas of
//! a demo have one acquirer.

use super::super::{Account, AcquirerError, Decision, Known};
use super::book::{
    Book, Entry, EntryKind, LedgerView, Outcome, Request, Verdict, is_open_to_plans, judge, known_from, view_of,
};
use super::plan::{Dispute, Plan};
use crate::store::books::row::{parsed, small};
use crate::store::db::{Conn, Database, Dialect, SIMULATOR, rows};
use crate::store::together::{Answers, Together};
use crate::store::{OpenError, Place, StoreError};
use sqlx::Row as _;
use sqlx::any::AnyRow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A ledger in a database. Requests that wait are carried out in one transaction.
#[derive(Debug)]
pub struct SqlBook {
    db: Database,
    requests: Together<Request, Decision>,
}

impl SqlBook {
    /// Opens or makes it.
    ///
    /// # Errors
    /// When the database cannot be opened or holds no ledger of the simulator.
    pub async fn open(place: &Place) -> Result<Self, OpenError> {
        let db = Database::open(place, &SIMULATOR).await?;
        let writer = db.clone();
        let requests = Together::start(move |requests: Vec<Request>| {
            let writer = writer.clone();
            async move {
                let dialect = writer.dialect();
                writer.write(move |c| Box::pin(carry_out(c, dialect, requests))).await
            }
        });
        Ok(Self { db, requests })
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
        .fetch_all(self.db.reader())
        .await?;
        rows.iter().map(|row| Ok((read(row)?, read_plan(row)?))).collect()
    }

    async fn view_in(&self) -> Result<LedgerView, StoreError> {
        let rows = sqlx::query("SELECT * FROM entries ORDER BY id").fetch_all(self.db.reader()).await?;
        let entries = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let rows = sqlx::query("SELECT reference, kind, count FROM repeats").fetch_all(self.db.reader()).await?;
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
    async fn carry_out(&self, request: Request) -> Result<Decision, AcquirerError> {
        self.requests.ask(request).await.map_err(|error| {
            tracing::error!(%error, "the acquirer simulator cannot use its ledger");
            // A commit whose answer was lost may have happened.
            AcquirerError::TimedOut
        })
    }

    async fn known(&self, reference: &str) -> Result<Known, AcquirerError> {
        let query = sqlx::query(OF_REFERENCE).bind(reference).fetch_all(self.db.reader());
        let rows = query.await.map_err(|error| unreachable(error.into()))?;
        let entries = rows.iter().map(read).collect::<Result<Vec<_>, _>>().map_err(unreachable)?;
        Ok(known_from(&entries))
    }

    async fn of_account(&self, account: Account) -> Result<Vec<(Entry, Option<Plan>)>, AcquirerError> {
        self.account_in(account).await.map_err(unreachable)
    }

    async fn view(&self) -> Result<LedgerView, AcquirerError> {
        self.view_in().await.map_err(unreachable)
    }
}

const OF_REFERENCE: &str = "SELECT * FROM entries WHERE reference = $1 ORDER BY id";

/// Carries requests out one after the other, in one transaction. No other process carries out any about the same references meanwhile.
async fn carry_out(c: &mut Conn, dialect: Dialect, requests: Vec<Request>) -> Answers<Decision> {
    let references: BTreeSet<String> = requests.iter().map(|request| request.entry.reference.clone()).collect();
    if dialect == Dialect::Postgres {
        // In one order everywhere, so that two processes never wait for each other.
        let locks = references.iter().map(|reference| [reference.as_str().into()]).collect();
        let head = "SELECT pg_advisory_xact_lock(hashtextextended(v.column1, 0)) FROM (VALUES ";
        rows::write(c, head, ") AS v", locks).await?;
    }
    let mut earlier = entries(c, &references).await?;
    let mut codes = capture_codes(c, &requests).await?;
    let (mut fresh, mut plans, mut answers) = (Vec::new(), BTreeMap::new(), Vec::with_capacity(requests.len()));
    for Request { entry, plan } in requests {
        let (reference, kind) = (entry.reference.clone(), entry.kind);
        let earlier = earlier.entry(reference.clone()).or_default();
        if let Some(plan) = plan.filter(|_| is_open_to_plans(earlier)) {
            codes.insert(reference.clone(), plan.capture_code.clone());
            plans.insert(reference.clone(), plan);
        }
        let code = codes.get(&reference).and_then(Option::as_deref);
        answers.push(Ok(match judge(entry, earlier, code) {
            Verdict::Write(entry) => {
                let decision = entry.decision();
                earlier.push(entry.clone());
                fresh.push(entry);
                decision
            }
            Verdict::Repeat(decision) | Verdict::Alarm(decision) => {
                count_repeat(c, reference, kind).await?;
                decision
            }
        }));
    }
    keep_plans(c, plans).await?;
    insert(c, fresh).await?;
    Ok(answers)
}

async fn entries(c: &mut Conn, references: &BTreeSet<String>) -> Result<HashMap<String, Vec<Entry>>, StoreError> {
    let keys = references.iter().map(String::as_str);
    let mut found: HashMap<String, Vec<Entry>> = HashMap::new();
    for row in rows::read(c, "SELECT * FROM entries WHERE reference IN ", " ORDER BY id", None, keys).await? {
        let entry = read(&row)?;
        found.entry(entry.reference.clone()).or_default().push(entry);
    }
    Ok(found)
}

/// What the plans say that captures are refused with.
async fn capture_codes(c: &mut Conn, requests: &[Request]) -> Result<HashMap<String, Option<String>>, StoreError> {
    let captures = requests.iter().filter(|request| request.entry.kind == EntryKind::Capture);
    let keys = captures.map(|request| request.entry.reference.as_str());
    let found = rows::read(c, "SELECT reference, capture_code FROM plans WHERE reference IN ", "", None, keys).await?;
    found.iter().map(|row| Ok((row.try_get("reference")?, row.try_get("capture_code")?))).collect()
}

async fn count_repeat(c: &mut Conn, reference: String, kind: EntryKind) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO repeats (reference, kind, count) VALUES ($1, $2, 1)
         ON CONFLICT (reference, kind) DO UPDATE SET count = repeats.count + 1",
    )
    .bind(reference)
    .bind(kind.as_str())
    .execute(c)
    .await?;
    Ok(())
}

/// A simulator without its ledger carries nothing out, and looks from outside like an acquirer that is down.
fn unreachable(error: StoreError) -> AcquirerError {
    tracing::error!(%error, "the acquirer simulator cannot use its ledger");
    AcquirerError::Unreachable
}

async fn insert(c: &mut Conn, entries: Vec<Entry>) -> Result<(), StoreError> {
    let columns = |entry: Entry| {
        [
            entry.reference.into(),
            entry.kind.as_str().into(),
            i64::from(entry.number).into(),
            entry.amount_minor.into(),
            entry.currency.into(),
            (entry.result == Outcome::Approved).into(),
            entry.code.into(),
            entry.last4.into(),
            entry.approval_code.into(),
            entry.at_ms.into(),
        ]
    };
    let head = "INSERT INTO entries (reference, kind, number, amount_minor, currency, approved, code, last4, approval_code, at_ms) VALUES ";
    rows::write(c, head, "", entries.into_iter().map(columns).collect()).await
}

async fn keep_plans(c: &mut Conn, plans: BTreeMap<String, Plan>) -> Result<(), StoreError> {
    let columns = |(reference, plan): (String, Plan)| {
        let (reason, after_ms) = plan.dispute.map(|dispute| (dispute.reason, dispute.after_ms)).unzip();
        [
            reference.into(),
            plan.merchant_id.to_string().into(),
            plan.capture_code.into(),
            reason.into(),
            after_ms.into(),
        ]
    };
    let head = "INSERT INTO plans (reference, merchant_id, capture_code, dispute_reason, dispute_after_ms) VALUES ";
    let tail = " ON CONFLICT (reference) DO UPDATE SET capture_code = excluded.capture_code, dispute_reason = excluded.dispute_reason,
        dispute_after_ms = excluded.dispute_after_ms";
    rows::write(c, head, tail, plans.into_iter().map(columns).collect()).await
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
