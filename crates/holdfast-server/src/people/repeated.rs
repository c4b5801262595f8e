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
pub enum Begun {
    /// Nothing: the key is this request's now.
    First,
    /// The answer to the first one, wrapped.
    Again(Vec<u8>),
    /// The same key with another request.
    Another,
    /// The first one is still being worked on.
    InUse,
}

/// How long a request may be worked on. Whatever began earlier was cut off with its server, and may begin again.
const WORK_MS_MAX: i64 = 60_000;

impl Repeated {
    /// The same key of another person or of another route is another key.
    pub fn new(user_id: &str, route: &str, key: &str, request: &[u8]) -> Self {
        let subject = b64::encode(b64::sha256(format!("{user_id}\n{route}\n{key}")));
        Self { subject, request_hash: b64::encode(b64::sha256(request)) }
    }

    /// An empty answer stands for one that is still to come.
    async fn begin(&self, c: &mut Conn, now_ms: UnixMs) -> Result<Begun, StoreError> {
        sqlx::query("DELETE FROM repeated_requests WHERE created_ms < $1 OR (subject = $2 AND length(answer) = 0 AND created_ms < $3)")
            .bind(now_ms - REPEAT_MS)
            .bind(&self.subject)
            .bind(now_ms - WORK_MS_MAX)
            .execute(&mut *c)
            .await?;
        let kept = sqlx::query(
            "INSERT INTO repeated_requests (subject, request_hash, answer, created_ms) VALUES ($1, $2, $3, $4)
             ON CONFLICT (subject) DO NOTHING",
        )
        .bind(&self.subject)
        .bind(&self.request_hash)
        .bind(Vec::new())
        .bind(now_ms)
        .execute(&mut *c)
        .await?;
        if kept.rows_affected() == 1 {
            return Ok(Begun::First);
        }
        let row = sqlx::query("SELECT request_hash, answer FROM repeated_requests WHERE subject = $1")
            .bind(&self.subject)
            .fetch_one(c)
            .await?;
        if row.try_get::<&str, _>("request_hash")? != self.request_hash {
            return Ok(Begun::Another);
        }
        let answer: Vec<u8> = row.try_get("answer")?;
        Ok(if answer.is_empty() { Begun::InUse } else { Begun::Again(answer) })
    }
}

impl People {
    /// Takes the key for this request, or says what became of the first one.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn begin(&self, now_ms: UnixMs, repeated: &Repeated) -> Result<Begun, PeopleError> {
        let repeated = repeated.clone();
        let write = self.db.write(move |c| Box::pin(async move { repeated.begin(c, now_ms).await }));
        Ok(write.await?)
    }

    /// Keeps the answer, for whoever asks again.
    ///
    /// # Errors
    /// When the database refuses, or the key does not wrap.
    pub async fn finish(&self, now_ms: UnixMs, repeated: &Repeated, answer: &[u8]) -> Result<(), PeopleError> {
        let (subject, answer) = (repeated.subject.clone(), self.seal_answer(answer)?);
        let write = self.db.write(move |c| {
            Box::pin(async move {
                sqlx::query("UPDATE repeated_requests SET answer = $1, created_ms = $2 WHERE subject = $3")
                    .bind(answer)
                    .bind(now_ms)
                    .bind(subject)
                    .execute(c)
                    .await?;
                Ok(())
            })
        });
        Ok(write.await?)
    }

    /// Frees the key: the request was refused and changed nothing.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn give_up(&self, repeated: &Repeated) -> Result<(), PeopleError> {
        let subject = repeated.subject.clone();
        let write = self.db.write(move |c| {
            Box::pin(async move {
                sqlx::query("DELETE FROM repeated_requests WHERE subject = $1").bind(subject).execute(c).await?;
                Ok(())
            })
        });
        Ok(write.await?)
    }

    /// Answers may hold a secret, so they are kept wrapped.
    ///
    /// # Errors
    /// When the key does not wrap.
    fn seal_answer(&self, answer: &[u8]) -> Result<Vec<u8>, PeopleError> {
        self.wrap("repeated-request", answer)
    }

    /// # Errors
    /// When the key is not the one that wrapped it.
    pub fn open_answer(&self, kept: &[u8]) -> Result<Vec<u8>, PeopleError> {
        // Opened to be sent again to the person who got it the first time.
        Ok(self.unwrap("repeated-request", kept)?.expose().clone())
    }
}
