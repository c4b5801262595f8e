//! What a scrape asks the database. Every statement reads a queue or a handful of rows, never all payments: a scrape of
//! a shop with ten million payments costs what one of an empty shop costs.

use crate::http::Server;
use crate::keys::KeyHealth;
use crate::process::Clock as _;
use crate::store::{Database, StoreError};
use holdfast_core::time::UnixMs;
use sqlx::Row as _;

/// What the database told.
#[derive(Debug)]
pub struct Told {
    pub now_ms: UnixMs,
    /// Payments that are not settled, by state.
    pub waiting: Vec<(String, i64)>,
    /// When the oldest of them came in.
    pub oldest_received_ms: Option<UnixMs>,
    /// Jobs that are past their time and that nobody has taken on.
    pub jobs_due: i64,
    pub outbox: Vec<Topic>,
    pub quarantined: i64,
    pub keys: KeyHealth,
}

/// Tasks of one topic of the outbox.
#[derive(Debug)]
pub struct Topic {
    pub name: String,
    pub waiting: i64,
    /// Of these, those that have failed at least once.
    pub failing: i64,
    pub oldest_due_ms: UnixMs,
}

pub async fn collect(server: &Server) -> Result<Told, crate::keys::KeyError> {
    let now_ms = server.clock.now_ms();
    let db = server.ledger.db();
    let (waiting, oldest_received_ms) = waiting(db).await?;
    Ok(Told {
        now_ms,
        waiting,
        oldest_received_ms,
        jobs_due: number(
            db,
            "SELECT count(*) AS n FROM jobs WHERE due_ms <= $1 AND lease_until_ms <= $1",
            Some(now_ms),
        )
        .await?,
        outbox: outbox(db).await?,
        quarantined: number(db, "SELECT count(*) AS n FROM quarantine", None).await?,
        keys: server.keyring.health(now_ms).await?,
    })
}

async fn waiting(db: &Database) -> Result<(Vec<(String, i64)>, Option<UnixMs>), StoreError> {
    let rows = sqlx::query(
        "SELECT p.state AS state, count(*) AS n, min(p.received_ms) AS oldest FROM jobs j
         JOIN payments p ON p.id = j.payment_id GROUP BY p.state",
    )
    .fetch_all(db.reader())
    .await?;
    let mut found = Vec::new();
    let mut oldest: Option<UnixMs> = None;
    for row in rows {
        found.push((row.try_get("state")?, row.try_get("n")?));
        let received_ms: UnixMs = row.try_get("oldest")?;
        oldest = Some(oldest.map_or(received_ms, |oldest| oldest.min(received_ms)));
    }
    Ok((found, oldest))
}

async fn outbox(db: &Database) -> Result<Vec<Topic>, StoreError> {
    let rows = sqlx::query(
        "SELECT topic, count(*) AS n, count(CASE WHEN failures > 0 THEN 1 END) AS failing, min(due_ms) AS oldest
         FROM outbox_tasks GROUP BY topic",
    )
    .fetch_all(db.reader())
    .await?;
    let topic = |row: &sqlx::any::AnyRow| {
        Ok(Topic {
            name: row.try_get("topic")?,
            waiting: row.try_get("n")?,
            failing: row.try_get("failing")?,
            oldest_due_ms: row.try_get("oldest")?,
        })
    };
    rows.iter().map(topic).collect()
}

async fn number(db: &Database, text: &'static str, now_ms: Option<UnixMs>) -> Result<i64, StoreError> {
    let query = sqlx::query(text);
    let query = if let Some(now_ms) = now_ms { query.bind(now_ms) } else { query };
    Ok(query.fetch_one(db.reader()).await?.try_get("n")?)
}
