//! Keys at rest, and the log of what happened to them.

use super::groups::KeyHandle;
use super::row::unsigned;
use super::{Books, keylog, set_meta};
use crate::store::StoreError;
use crate::store::db::{Conn, rows};
use crate::store::together::Answers;
use holdfast_core::keys::KeyTimes;
use holdfast_core::time::UnixMs;
use sqlx::any::AnyRow;
use sqlx::{AnyPool, Row as _};
use std::collections::{BTreeSet, HashMap};

/// Row of `meta`: the epoch in which the newest key set was published.
const KEY_SET_EPOCH: &str = "key-set-epoch";

/// A card key as it is kept.
#[derive(Debug, Clone)]
pub struct CardKeyRow {
    pub kid: String,
    pub n: String,
    pub e: String,
    pub times: KeyTimes,
    pub withdrawn_ms: Option<UnixMs>,
    pub destroyed_ms: Option<UnixMs>,
    /// The key store's handle: the wrapped private half, or where a token keeps it. `None` once destroyed.
    pub handle: Option<Vec<u8>>,
    /// Records, waiting or in quarantine, whose envelopes need it.
    pub unopened_count: u64,
}

impl CardKeyRow {
    pub fn is_destroyed(&self) -> bool {
        self.handle.is_none()
    }
}

/// A key-set signer, its private half wrapped; empty once a newer one took its place.
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

/// A signer that waits for its certificate, its private half wrapped.
#[derive(Debug, Clone)]
pub struct SignerRequestRow {
    pub kid: String,
    pub private: Vec<u8>,
    pub x: String,
    pub y: String,
}

/// One thing to write about keys. Each is logged in the same transaction.
#[derive(Debug, Clone)]
pub enum KeyWrite {
    Signer(SignerRow),
    AckKey(AckKeyRow),
    CardKey {
        kid: String,
        n: String,
        e: String,
        handle: Vec<u8>,
        times: KeyTimes,
    },
    Withdraw {
        kid: String,
        reason: String,
    },
    Destroy {
        kid: String,
    },
    /// Wipes the private halves of every signer but this one.
    DestroySignersBut {
        kid: String,
    },
    SignerRequest(SignerRequestRow),
    /// A line of the log about something that is not in these tables.
    Note {
        kid: String,
        event: &'static str,
        reason: String,
    },
    KeySet {
        version: u64,
        jws: String,
        expires_ms: UnixMs,
        reason: String,
        /// Of the books that publish it.
        epoch: String,
    },
}

/// Handles of keys, for many who ask at once.
pub async fn handles(reader: AnyPool, kids: Vec<String>) -> Answers<Option<KeyHandle>> {
    let mut c = reader.acquire().await?;
    let keys: BTreeSet<&str> = kids.iter().map(String::as_str).collect();
    let found = rows::read(&mut c, "SELECT kid, n, private FROM card_keys WHERE kid IN ", "", None, keys).await?;
    let handle = |row: &AnyRow| Ok((row.try_get("kid")?, (row.try_get("n")?, row.try_get("private")?)));
    let handles = found.iter().map(handle).collect::<Result<HashMap<String, KeyHandle>, StoreError>>()?;
    Ok(kids.iter().map(|kid| Ok(handles.get(kid).cloned())).collect())
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
            "SELECT kid, n, e, not_before_ms, use_until_ms, accept_until_ms, withdrawn_ms, destroyed_ms, private,
               (SELECT count(*) FROM payments p WHERE p.card_key_kid = k.kid)
               + (SELECT count(*) FROM quarantine q WHERE q.card_key_kid = k.kid) AS unopened_count
             FROM card_keys k ORDER BY not_before_ms, kid",
        )
        .fetch_all(self.db.reader())
        .await?;
        rows.iter().map(card_key).collect()
    }

    /// A key's modulus and its store's handle: `None` for an unknown key, a handle of `None` for a destroyed one.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn card_key_handle(&self, kid: &str) -> Result<Option<KeyHandle>, StoreError> {
        self.groups.key_handles.ask(kid.to_owned()).await
    }

    /// Every signer, the one to use first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn signers(&self) -> Result<Vec<SignerRow>, StoreError> {
        let rows = sqlx::query("SELECT * FROM signers ORDER BY not_before_ms DESC, not_after_ms DESC")
            .fetch_all(self.db.reader())
            .await?;
        rows.iter().map(signer).collect()
    }

    /// The newest signer whose private half is there.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn newest_signer(&self) -> Result<Option<SignerRow>, StoreError> {
        Ok(self.signers().await?.into_iter().find(|signer| !signer.private.is_empty()))
    }

    /// A signer that waits for its certificate.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn signer_request(&self, kid: &str) -> Result<Option<SignerRequestRow>, StoreError> {
        let found = sqlx::query("SELECT * FROM signer_requests WHERE kid = $1")
            .bind(kid)
            .fetch_optional(self.db.reader())
            .await?;
        let read = |row: AnyRow| -> Result<SignerRequestRow, sqlx::Error> {
            Ok(SignerRequestRow {
                kid: row.try_get("kid")?,
                private: row.try_get("private")?,
                x: row.try_get("x")?,
                y: row.try_get("y")?,
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
        found.as_ref().map(key_set).transpose()
    }

    /// The epoch in which the newest key set was published; `None` for one that an older program published.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn key_set_epoch(&self) -> Result<Option<String>, StoreError> {
        Ok(sqlx::query_scalar("SELECT value FROM meta WHERE name = $1")
            .bind(KEY_SET_EPOCH)
            .fetch_optional(self.db.reader())
            .await?)
    }

    /// Every key set, oldest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn key_sets(&self) -> Result<Vec<KeySetRow>, StoreError> {
        let rows = sqlx::query("SELECT * FROM key_sets ORDER BY version").fetch_all(self.db.reader()).await?;
        rows.iter().map(key_set).collect()
    }
}

fn signer(row: &AnyRow) -> Result<SignerRow, StoreError> {
    Ok(SignerRow {
        kid: row.try_get("kid")?,
        private: row.try_get("private")?,
        cert: row.try_get("cert")?,
        not_before_ms: row.try_get("not_before_ms")?,
        not_after_ms: row.try_get("not_after_ms")?,
    })
}

fn key_set(row: &AnyRow) -> Result<KeySetRow, StoreError> {
    Ok(KeySetRow {
        version: unsigned(row, "version")?,
        jws: row.try_get("jws")?,
        expires_ms: row.try_get("expires_ms")?,
    })
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
        withdrawn_ms: row.try_get("withdrawn_ms")?,
        destroyed_ms: row.try_get("destroyed_ms")?,
        handle: row.try_get("private")?,
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
            sqlx::query("DELETE FROM signer_requests WHERE kid = $1")
                .bind(&signer.kid)
                .execute(&mut *connection)
                .await?;
            (signer.kid, "created", "a root certified it to sign key sets".to_owned())
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
        KeyWrite::CardKey { kid, n, e, handle, times } => {
            sqlx::query(
                "INSERT INTO card_keys (kid, n, e, private, not_before_ms, use_until_ms, accept_until_ms) VALUES ($1, $2, $3, $4, $5, $6, $7)",
            )
            .bind(&kid)
            .bind(n)
            .bind(e)
            .bind(handle)
            .bind(times.not_before_ms)
            .bind(times.use_until_ms)
            .bind(times.accept_until_ms)
            .execute(&mut *connection)
            .await?;
            (kid, "created", "its day is today or within the days ahead".to_owned())
        }
        KeyWrite::Withdraw { kid, reason } => {
            sqlx::query("UPDATE card_keys SET withdrawn_ms = $1 WHERE kid = $2 AND withdrawn_ms IS NULL")
                .bind(now_ms)
                .bind(&kid)
                .execute(&mut *connection)
                .await?;
            (kid, "withdrawn", reason)
        }
        KeyWrite::DestroySignersBut { kid } => return destroy_signers_but(connection, now_ms, &kid).await,
        KeyWrite::SignerRequest(request) => {
            sqlx::query("INSERT INTO signer_requests (kid, private, x, y, created_ms) VALUES ($1, $2, $3, $4, $5)")
                .bind(&request.kid)
                .bind(request.private)
                .bind(request.x)
                .bind(request.y)
                .bind(now_ms)
                .execute(&mut *connection)
                .await?;
            (request.kid, "requested", "a signer that waits for its certificate".to_owned())
        }
        KeyWrite::Note { kid, event, reason } => (kid, event, reason),
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
        KeyWrite::KeySet { version, jws, expires_ms, reason, epoch } => {
            sqlx::query("INSERT INTO key_sets (version, jws, issued_ms, expires_ms) VALUES ($1, $2, $3, $4)")
                .bind(i64::try_from(version).unwrap_or(i64::MAX))
                .bind(jws)
                .bind(now_ms)
                .bind(expires_ms)
                .execute(&mut *connection)
                .await?;
            set_meta(connection, KEY_SET_EPOCH, epoch).await?;
            (format!("keyset-{version}"), "published", reason)
        }
    };
    keylog::append(connection, now_ms, &kid, event, &reason).await
}

async fn destroy_signers_but(connection: &mut Conn, now_ms: UnixMs, kid: &str) -> Result<(), StoreError> {
    let rows = sqlx::query("SELECT * FROM signers WHERE kid <> $1 AND destroyed_ms IS NULL ORDER BY not_before_ms")
        .bind(kid)
        .fetch_all(&mut *connection)
        .await?;
    for old in rows.iter().map(signer).collect::<Result<Vec<_>, _>>()? {
        sqlx::query("UPDATE signers SET private = $1, destroyed_ms = $2 WHERE kid = $3")
            .bind(Vec::new())
            .bind(now_ms)
            .bind(&old.kid)
            .execute(&mut *connection)
            .await?;
        keylog::append(connection, now_ms, &old.kid, "destroyed", "another signer took its place").await?;
    }
    Ok(())
}
