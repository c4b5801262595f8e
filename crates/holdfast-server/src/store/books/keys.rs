//! Keys at rest, and the log of what happened to them.

use super::Books;
use super::row::{flag, unsigned};
use crate::store::StoreError;
use crate::store::db::Conn;
use holdfast_core::keys::KeyTimes;
use holdfast_core::time::UnixMs;
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// A card key as it is kept.
#[derive(Debug, Clone)]
pub struct CardKeyRow {
    pub kid: String,
    pub n: String,
    pub e: String,
    pub times: KeyTimes,
    pub is_destroyed: bool,
    /// Records, waiting or in quarantine, whose envelopes need it.
    pub unopened_count: u64,
}

/// A key-set signer, its private half wrapped.
#[derive(Debug, Clone)]
pub struct SignerRow {
    pub kid: String,
    pub private: Vec<u8>,
    pub cert: String,
    pub not_before_ms: UnixMs,
    pub not_after_ms: UnixMs,
}

/// An acknowledgement key, its private half wrapped.
#[derive(Debug, Clone)]
pub struct AckKeyRow {
    pub kid: String,
    pub private: Vec<u8>,
    pub x: String,
    pub y: String,
}

/// A key set as it was signed.
#[derive(Debug, Clone)]
pub struct KeySetRow {
    pub version: u64,
    pub jws: String,
    pub expires_ms: UnixMs,
}

/// One line of the key log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyLogRow {
    pub at_ms: UnixMs,
    pub kid: String,
    pub event: String,
    pub reason: String,
}

/// One thing to write about keys. Each is logged in the same transaction.
#[derive(Debug, Clone)]
pub enum KeyWrite {
    Signer(SignerRow),
    AckKey(AckKeyRow),
    CardKey { kid: String, n: String, e: String, private: Vec<u8>, times: KeyTimes },
    Destroy { kid: String },
    KeySet { version: u64, jws: String, expires_ms: UnixMs, reason: String },
}

impl Books {
    /// Writes keys and their log lines in one transaction.
    ///
    /// # Errors
    /// When the database refuses, also for a key set version that is taken.
    pub async fn write_keys(&self, now_ms: UnixMs, writes: Vec<KeyWrite>) -> Result<(), StoreError> {
        self.db
            .write(move |c| {
                Box::pin(async move {
                    for write in writes {
                        write_one(c, now_ms, write).await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    /// Every card key, destroyed ones included, oldest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn card_keys(&self) -> Result<Vec<CardKeyRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT kid, n, e, not_before_ms, use_until_ms, accept_until_ms, CASE WHEN private IS NULL THEN 1 ELSE 0 END AS is_destroyed,
               (SELECT count(*) FROM payments p WHERE p.card_key_kid = k.kid)
               + (SELECT count(*) FROM quarantine q WHERE q.card_key_kid = k.kid) AS unopened_count
             FROM card_keys k ORDER BY not_before_ms",
        )
        .fetch_all(self.db.reader())
        .await?;
        rows.iter().map(card_key).collect()
    }

    /// The wrapped private half: `None` for an unknown key, `Some(None)` for a destroyed one.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn private_card_key(&self, kid: &str) -> Result<Option<Option<Vec<u8>>>, StoreError> {
        let found = sqlx::query("SELECT private FROM card_keys WHERE kid = $1")
            .bind(kid)
            .fetch_optional(self.db.reader())
            .await?;
        Ok(found.map(|row| row.try_get("private")).transpose()?)
    }

    /// The signer whose certificate holds longest.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn newest_signer(&self) -> Result<Option<SignerRow>, StoreError> {
        let found = sqlx::query("SELECT * FROM signers ORDER BY not_after_ms DESC, not_before_ms DESC LIMIT 1")
            .fetch_optional(self.db.reader())
            .await?;
        let read = |row: AnyRow| -> Result<SignerRow, sqlx::Error> {
            Ok(SignerRow {
                kid: row.try_get("kid")?,
                private: row.try_get("private")?,
                cert: row.try_get("cert")?,
                not_before_ms: row.try_get("not_before_ms")?,
                not_after_ms: row.try_get("not_after_ms")?,
            })
        };
        Ok(found.map(read).transpose()?)
    }

    /// The acknowledgement key in use.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn newest_ack_key(&self) -> Result<Option<AckKeyRow>, StoreError> {
        let found = sqlx::query("SELECT * FROM ack_keys ORDER BY created_ms DESC LIMIT 1")
            .fetch_optional(self.db.reader())
            .await?;
        let read = |row: AnyRow| -> Result<AckKeyRow, sqlx::Error> {
            Ok(AckKeyRow {
                kid: row.try_get("kid")?,
                private: row.try_get("private")?,
                x: row.try_get("x")?,
                y: row.try_get("y")?,
            })
        };
        Ok(found.map(read).transpose()?)
    }

    /// The key set with the highest version.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn newest_key_set(&self) -> Result<Option<KeySetRow>, StoreError> {
        let found = sqlx::query("SELECT * FROM key_sets ORDER BY version DESC LIMIT 1")
            .fetch_optional(self.db.reader())
            .await?;
        let Some(row) = found else { return Ok(None) };
        Ok(Some(KeySetRow {
            version: unsigned(&row, "version")?,
            jws: row.try_get("jws")?,
            expires_ms: row.try_get("expires_ms")?,
        }))
    }

    /// The key log, oldest line first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn key_log(&self) -> Result<Vec<KeyLogRow>, StoreError> {
        let rows = sqlx::query("SELECT * FROM key_log ORDER BY id").fetch_all(self.db.reader()).await?;
        let read = |row: &AnyRow| -> Result<KeyLogRow, StoreError> {
            Ok(KeyLogRow {
                at_ms: row.try_get("at_ms")?,
                kid: row.try_get("kid")?,
                event: row.try_get("event")?,
                reason: row.try_get("reason")?,
            })
        };
        rows.iter().map(read).collect()
    }
}

fn card_key(row: &AnyRow) -> Result<CardKeyRow, StoreError> {
    Ok(CardKeyRow {
        kid: row.try_get("kid")?,
        n: row.try_get("n")?,
        e: row.try_get("e")?,
        times: KeyTimes {
            not_before_ms: row.try_get("not_before_ms")?,
            use_until_ms: row.try_get("use_until_ms")?,
            accept_until_ms: row.try_get("accept_until_ms")?,
        },
        is_destroyed: flag(row, "is_destroyed")?,
        unopened_count: unsigned(row, "unopened_count")?,
    })
}

async fn write_one(connection: &mut Conn, now_ms: UnixMs, write: KeyWrite) -> Result<(), StoreError> {
    let (kid, event, reason) = match write {
        KeyWrite::Signer(signer) => {
            sqlx::query(
                "INSERT INTO signers (kid, private, cert, not_before_ms, not_after_ms) VALUES ($1, $2, $3, $4, $5)",
            )
            .bind(&signer.kid)
            .bind(signer.private)
            .bind(signer.cert)
            .bind(signer.not_before_ms)
            .bind(signer.not_after_ms)
            .execute(&mut *connection)
            .await?;
            (signer.kid, "created", "the key-set signer's certificate was missing or near its end".to_owned())
        }
        KeyWrite::AckKey(key) => {
            sqlx::query("INSERT INTO ack_keys (kid, private, x, y, created_ms) VALUES ($1, $2, $3, $4, $5)")
                .bind(&key.kid)
                .bind(key.private)
                .bind(key.x)
                .bind(key.y)
                .bind(now_ms)
                .execute(&mut *connection)
                .await?;
            (key.kid, "created", "there was no acknowledgement key".to_owned())
        }
        KeyWrite::CardKey { kid, n, e, private, times } => {
            sqlx::query(
                "INSERT INTO card_keys (kid, n, e, private, not_before_ms, use_until_ms, accept_until_ms) VALUES ($1, $2, $3, $4, $5, $6, $7)",
            )
            .bind(&kid)
            .bind(n)
            .bind(e)
            .bind(private)
            .bind(times.not_before_ms)
            .bind(times.use_until_ms)
            .bind(times.accept_until_ms)
            .execute(&mut *connection)
            .await?;
            (kid, "created", "its day is today or within the days ahead".to_owned())
        }
        KeyWrite::Destroy { kid } => {
            // Asked again inside the transaction: a record that arrived since the decision keeps its key.
            let gone = sqlx::query(
                "UPDATE card_keys SET private = NULL, destroyed_ms = $1 WHERE kid = $2 AND private IS NOT NULL
                   AND NOT EXISTS (SELECT 1 FROM payments WHERE card_key_kid = $2)
                   AND NOT EXISTS (SELECT 1 FROM quarantine WHERE card_key_kid = $2)",
            )
            .bind(now_ms)
            .bind(&kid)
            .execute(&mut *connection)
            .await?;
            if gone.rows_affected() == 0 {
                return Ok(());
            }
            (kid, "destroyed", "its time to accept is over and no unopened record names it".to_owned())
        }
        KeyWrite::KeySet { version, jws, expires_ms, reason } => {
            sqlx::query("INSERT INTO key_sets (version, jws, issued_ms, expires_ms) VALUES ($1, $2, $3, $4)")
                .bind(i64::try_from(version).unwrap_or(i64::MAX))
                .bind(jws)
                .bind(now_ms)
                .bind(expires_ms)
                .execute(&mut *connection)
                .await?;
            (format!("keyset-{version}"), "published", reason)
        }
    };
    sqlx::query("INSERT INTO key_log (at_ms, kid, event, reason) VALUES ($1, $2, $3, $4)")
        .bind(now_ms)
        .bind(kid)
        .bind(event)
        .bind(reason)
        .execute(connection)
        .await?;
    Ok(())
}
