//! Requests that a person may repeat: the first answer is kept under the key that came with it, and given again.

use super::{People, PeopleError};
use crate::store::StoreError;
use crate::store::db::Conn;
use holdfast_core::limits::REPEAT_MS;
use holdfast_core::time::UnixMs;
use holdfast_wire::b64;
use sqlx::Row as _;

/// A request that carries an Idempotency-Key.
#[derive(Debug, Clone)]
pub struct Repeated {
    subject: String,
    request_hash: String,
}

/// What was found under the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Nothing: the given answer is kept now.
    First,
    /// The answer to the first one, wrapped.
    Again(Vec<u8>),
    /// The same key with another request.
    Another,
}

impl Repeated {
    /// The same key of another person or of another route is another key.
    pub fn new(user_id: &str, route: &str, key: &str, request: &[u8]) -> Self {
        let subject = b64::encode(b64::sha256(format!("{user_id}\n{route}\n{key}")));
        Self { subject, request_hash: b64::encode(b64::sha256(request)) }
    }

    /// Looks, and keeps `answer` when nothing is there. In the transaction of what the answer tells.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn look(&self, c: &mut Conn, now_ms: UnixMs, answer: Vec<u8>) -> Result<Found, StoreError> {
        sqlx::query("DELETE FROM repeated_requests WHERE created_ms < $1")
            .bind(now_ms - REPEAT_MS)
            .execute(&mut *c)
            .await?;
        let kept = sqlx::query(
            "INSERT INTO repeated_requests (subject, request_hash, answer, created_ms) VALUES ($1, $2, $3, $4)
             ON CONFLICT (subject) DO NOTHING",
        )
        .bind(&self.subject)
        .bind(&self.request_hash)
        .bind(answer)
        .bind(now_ms)
        .execute(&mut *c)
        .await?;
        if kept.rows_affected() == 1 {
            return Ok(Found::First);
        }
        let row = sqlx::query("SELECT request_hash, answer FROM repeated_requests WHERE subject = $1")
            .bind(&self.subject)
            .fetch_one(c)
            .await?;
        if row.try_get::<&str, _>("request_hash")? != self.request_hash {
            return Ok(Found::Another);
        }
        Ok(Found::Again(row.try_get("answer")?))
    }
}

impl People {
    /// Answers may hold a secret, so they are kept wrapped.
    ///
    /// # Errors
    /// When the key does not wrap.
    pub fn seal_answer(&self, answer: &[u8]) -> Result<Vec<u8>, PeopleError> {
        self.wrap("repeated-request", answer)
    }

    /// # Errors
    /// When the key is not the one that wrapped it.
    pub fn open_answer(&self, kept: &[u8]) -> Result<Vec<u8>, PeopleError> {
        // Opened to be sent again to the person who got it the first time.
        Ok(self.unwrap("repeated-request", kept)?.expose().clone())
    }
}
