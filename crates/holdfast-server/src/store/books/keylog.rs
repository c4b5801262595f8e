//! The key log: append only, each line bound to the one before it.

use super::Books;
use super::row::unsigned;
use crate::store::StoreError;
use crate::store::db::Conn;
use holdfast_core::time::UnixMs;
use holdfast_wire::keylog::{KeyLogEntry, KeyLogHead};
use sqlx::Row as _;
use sqlx::any::AnyRow;

const COLUMNS: &str = "id, at_ms, kid, event, reason, prev";

/// Writes the next line in the caller's transaction. Two writers at once: one of them fails on the number, and comes again.
pub(super) async fn append(
    connection: &mut Conn,
    now_ms: UnixMs,
    kid: &str,
    event: &str,
    reason: &str,
) -> Result<(), StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM key_log ORDER BY id DESC LIMIT 1");
    let last = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_optional(&mut *connection).await?;
    let head = match last.as_ref().map(line).transpose()? {
        Some(last) if is_of_before(&last) => {
            let sql = format!("SELECT {COLUMNS} FROM key_log ORDER BY id");
            let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(&mut *connection).await?;
            bound(&rows)?.last().map(KeyLogEntry::head)
        }
        last => last.as_ref().map(KeyLogEntry::head),
    };
    let KeyLogHead { n, hash: prev } = head.unwrap_or(KeyLogHead { n: 0, hash: String::new() });
    sqlx::query("INSERT INTO key_log (id, at_ms, kid, event, reason, prev) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(i64::try_from(n + 1).unwrap_or(i64::MAX))
        .bind(now_ms)
        .bind(kid)
        .bind(event)
        .bind(reason.replace('\n', " "))
        .bind(prev)
        .execute(connection)
        .await?;
    Ok(())
}

impl Books {
    /// The whole key log, oldest line first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn key_log(&self) -> Result<Vec<KeyLogEntry>, StoreError> {
        self.key_log_after(0, usize::MAX).await
    }

    /// Up to `limit` lines after line `n`, oldest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn key_log_after(&self, n: u64, limit: usize) -> Result<Vec<KeyLogEntry>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM key_log WHERE id > $1 ORDER BY id LIMIT $2");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(i64::try_from(n).unwrap_or(i64::MAX))
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(self.db.reader())
            .await?;
        if rows.first().map(line).transpose()?.is_some_and(|first| is_of_before(&first)) {
            let sql = format!("SELECT {COLUMNS} FROM key_log ORDER BY id");
            let all = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(self.db.reader()).await?;
            return Ok(bound(&all)?.into_iter().filter(|entry| entry.n > n).take(limit).collect());
        }
        bound(&rows)
    }

    /// Where the log stands.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn key_log_head(&self) -> Result<Option<KeyLogHead>, StoreError> {
        let last: Option<i64> = sqlx::query_scalar("SELECT max(id) FROM key_log").fetch_one(self.db.reader()).await?;
        let Some(last) = last.and_then(|last| u64::try_from(last).ok()) else { return Ok(None) };
        Ok(self.key_log_after(last - 1, 1).await?.last().map(KeyLogEntry::head))
    }
}

/// Written before lines were bound to each other.
fn is_of_before(entry: &KeyLogEntry) -> bool {
    entry.prev.is_empty() && entry.n > 1
}

/// Reads rows, and works out what lines of before do not carry. Only a beginning of the log may be without.
fn bound(rows: &[AnyRow]) -> Result<Vec<KeyLogEntry>, StoreError> {
    let mut entries: Vec<KeyLogEntry> = Vec::with_capacity(rows.len());
    let mut is_beginning = true;
    for row in rows {
        let mut entry = line(row)?;
        is_beginning &= entry.prev.is_empty();
        if let Some(last) = entries.last().filter(|_| is_beginning) {
            entry.prev = last.hash();
        }
        entries.push(entry);
    }
    Ok(entries)
}

fn line(row: &AnyRow) -> Result<KeyLogEntry, StoreError> {
    Ok(KeyLogEntry {
        n: unsigned(row, "id")?,
        at_ms: row.try_get("at_ms")?,
        kid: row.try_get("kid")?,
        event: row.try_get("event")?,
        reason: row.try_get("reason")?,
        prev: row.try_get("prev")?,
    })
}
