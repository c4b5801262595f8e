//! Exchanges with an ISO 8583 acquirer that come from another file: the log of their own that earlier versions kept beside the books, and the
//! books that a copy takes the place of. Money may be open in them, and only they know the numbers that a reversal must name.

use super::CareError;
use crate::store::db::{BOOKS, Conn, Database};
use crate::store::{Place, StoreError};
use holdfast_core::time::UnixMs;
use sqlx::Row as _;
use sqlx::any::AnyRow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// What a file knows.
#[derive(Debug, Default)]
pub struct Exchanges {
    /// By payment, oldest first.
    rows: Vec<Exchange>,
    stans: Vec<(i64, i64)>,
}

/// A row of `exchanges`, as it is.
#[derive(Debug, Clone)]
struct Exchange {
    reference: String,
    nth: i64,
    kind: String,
    number: i64,
    original: Option<i64>,
    day: i64,
    stan: i64,
    rrn: String,
    sent_ms: UnixMs,
    amount_minor: i64,
    currency: String,
    state: String,
    sends: i64,
    code: Option<String>,
    approval_code: Option<String>,
    answered_ms: Option<UnixMs>,
}

/// The log counted its rows; the books count them by payment.
const OF_LOG: &str =
    "WITH n AS (SELECT id, row_number() OVER (PARTITION BY reference ORDER BY id) AS nth FROM exchanges)
     SELECT e.*, n.nth, o.nth AS original_nth FROM exchanges e JOIN n ON n.id = e.id LEFT JOIN n o ON o.id = e.original
     ORDER BY e.reference, n.nth";
const OF_BOOKS: &str = "SELECT e.*, e.original AS original_nth FROM exchanges e ORDER BY reference, nth";

/// Takes the log of an earlier version into the books, if there is one at `log`, and gives the name under which it is kept from then on.
///
/// # Errors
/// When it cannot be read, or the books refuse. It stays where it is then.
pub async fn import_log(db: &Database, log: &Path, epoch: &str, now_ms: UnixMs) -> Result<Option<PathBuf>, CareError> {
    if !log.exists() {
        return Ok(None);
    }
    let exchanges = read(log, OF_LOG).await?;
    let count = exchanges.rows.len();
    take(db, exchanges, epoch).await?;
    let kept = super::restore::beside(log, &format!(".imported-{now_ms}"));
    std::fs::rename(log, &kept).map_err(|source| CareError::Io { path: log.to_owned(), source })?;
    tracing::info!(count, log = %kept.display(), "the acquirer's log of exchanges is a part of the books now");
    Ok(Some(kept))
}

/// What the books at `path` know. Nothing, where they are older than that.
///
/// # Errors
/// When they cannot be read.
pub async fn of_books(path: &Path) -> Result<Exchanges, CareError> {
    let db = Database::connect(&Place::Sqlite(path.to_owned()), &BOOKS).await?;
    let has = "SELECT count(*) AS n FROM sqlite_master WHERE type = 'table' AND name = 'exchanges'";
    let is_there = super::number(&db, has).await;
    db.close().await;
    if is_there? == 0 { Ok(Exchanges::default()) } else { read(path, OF_BOOKS).await }
}

/// Writes what another file knows into the books. What both know is as that file says.
///
/// # Errors
/// When the database refuses.
pub async fn take(db: &Database, exchanges: Exchanges, epoch: &str) -> Result<(), StoreError> {
    let epoch = epoch.to_owned();
    let write = db.write(move |c| {
        Box::pin(async move {
            for payment in exchanges.rows.chunk_by(|a, b| a.reference == b.reference) {
                take_payment(c, payment).await?;
            }
            for (day, last) in exchanges.stans {
                sqlx::query(
                    "INSERT INTO stans (day, last, epoch) VALUES ($1, $2, $3) ON CONFLICT (day) DO UPDATE
                     SET last = CASE WHEN stans.last > excluded.last THEN stans.last ELSE excluded.last END, epoch = excluded.epoch",
                )
                .bind(day)
                .bind(last)
                .bind(&epoch)
                .execute(&mut *c)
                .await?;
            }
            Ok(())
        })
    });
    write.await
}

/// What is new of a payment comes behind what is known of it.
async fn take_payment(c: &mut Conn, payment: &[Exchange]) -> Result<(), StoreError> {
    let Some(first) = payment.first() else { return Ok(()) };
    let rows = sqlx::query("SELECT nth, day, stan FROM exchanges WHERE reference = $1 ORDER BY nth")
        .bind(&first.reference)
        .fetch_all(&mut *c)
        .await?;
    let known = |row: &AnyRow| Ok(((row.try_get("day")?, row.try_get("stan")?), row.try_get("nth")?));
    let known: HashMap<(i64, i64), i64> = rows.iter().map(known).collect::<Result<_, StoreError>>()?;
    let mut last = known.values().copied().max().unwrap_or(0);
    let mut places: HashMap<i64, i64> = HashMap::new();
    for exchange in payment {
        let place = known.get(&(exchange.day, exchange.stan)).copied().unwrap_or_else(|| {
            last += 1;
            last
        });
        places.insert(exchange.nth, place);
        let original = exchange.original.and_then(|original| places.get(&original).copied());
        write(c, Exchange { nth: place, original, ..exchange.clone() }).await?;
    }
    Ok(())
}

async fn write(c: &mut Conn, row: Exchange) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO exchanges (reference, nth, kind, number, original, day, stan, rrn, sent_ms, amount_minor, currency, state, sends,
           code, approval_code, answered_ms, imported)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 1)
         ON CONFLICT (reference, nth) DO UPDATE SET state = excluded.state, sends = excluded.sends, code = excluded.code,
           approval_code = excluded.approval_code, answered_ms = excluded.answered_ms, holder = NULL, held_until_ms = 0",
    )
    .bind(row.reference)
    .bind(row.nth)
    .bind(row.kind)
    .bind(row.number)
    .bind(row.original)
    .bind(row.day)
    .bind(row.stan)
    .bind(row.rrn)
    .bind(row.sent_ms)
    .bind(row.amount_minor)
    .bind(row.currency)
    .bind(row.state)
    .bind(row.sends)
    .bind(row.code)
    .bind(row.approval_code)
    .bind(row.answered_ms)
    .execute(c)
    .await?;
    Ok(())
}

async fn read(path: &Path, text: &'static str) -> Result<Exchanges, CareError> {
    let db = Database::connect(&Place::Sqlite(path.to_owned()), &BOOKS).await?;
    let read = read_all(&db, text).await;
    // Its last connection moves the write-ahead log into the file.
    db.close().await;
    Ok(read?)
}

async fn read_all(db: &Database, text: &'static str) -> Result<Exchanges, StoreError> {
    let rows = sqlx::query(text).fetch_all(db.reader()).await?;
    let rows = rows.iter().map(exchange).collect::<Result<_, _>>()?;
    let stans = sqlx::query("SELECT day, last FROM stans").fetch_all(db.reader()).await?;
    let stans =
        stans.iter().map(|row| Ok((row.try_get("day")?, row.try_get("last")?))).collect::<Result<_, StoreError>>()?;
    Ok(Exchanges { rows, stans })
}

fn exchange(row: &AnyRow) -> Result<Exchange, StoreError> {
    Ok(Exchange {
        reference: row.try_get("reference")?,
        nth: row.try_get("nth")?,
        kind: row.try_get("kind")?,
        number: row.try_get("number")?,
        original: row.try_get("original_nth")?,
        day: row.try_get("day")?,
        stan: row.try_get("stan")?,
        rrn: row.try_get("rrn")?,
        sent_ms: row.try_get("sent_ms")?,
        amount_minor: row.try_get("amount_minor")?,
        currency: row.try_get("currency")?,
        state: row.try_get("state")?,
        sends: row.try_get("sends")?,
        code: row.try_get("code")?,
        approval_code: row.try_get("approval_code")?,
        answered_ms: row.try_get("answered_ms")?,
    })
}
