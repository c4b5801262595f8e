//! Codes that enrol a device: 128 random bits, ten minutes, once. Only a hash is kept.

use super::Desk;
use crate::people::{Found, People, PeopleError, Repeated};
use crate::store::StoreError;
use crate::store::db::Conn;
use holdfast_core::limits::ENROLMENT_CODE_MS;
use holdfast_core::time::UnixMs;
use holdfast_wire::b64;
use serde::{Deserialize, Serialize};

/// A fresh code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Code {
    pub code: String,
    pub expires_ms: i64,
}

/// Why there is no code.
#[derive(Debug, thiserror::Error)]
pub enum CodeError {
    /// The same Idempotency-Key came with another request.
    #[error("this Idempotency-Key was used for another request")]
    KeyReused,
    #[error("there is no such location here")]
    LocationUnknown,
    #[error(transparent)]
    People(#[from] PeopleError),
}

impl From<StoreError> for CodeError {
    fn from(error: StoreError) -> Self {
        Self::People(error.into())
    }
}

impl Desk {
    /// Makes a code for this merchant, or gives the one again that `repeated` got before.
    ///
    /// # Errors
    /// When the database refuses, there are no random numbers, or the key was used for something else.
    pub async fn make_code(
        &self,
        people: &People,
        now_ms: UnixMs,
        location_id: Option<String>,
        repeated: Option<Repeated>,
    ) -> Result<Code, CodeError> {
        if let Some(wanted) = &location_id
            && !self.locations().await?.iter().any(|location| location.id == *wanted)
        {
            return Err(CodeError::LocationUnknown);
        }
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|_| PeopleError::Random)?;
        let code = Code { code: b64::encode(random), expires_ms: now_ms + ENROLMENT_CODE_MS };
        let answer = people.seal_answer(&serde_json::to_vec(&code).unwrap_or_default())?;
        let (hash, merchant, expires_ms) = (b64::encode(b64::sha256(&code.code)), self.id(), code.expires_ms);
        let write = self.db.write(move |c| {
            Box::pin(async move {
                let found = match repeated {
                    Some(repeated) => repeated.look(c, now_ms, answer).await?,
                    None => Found::First,
                };
                if found == Found::First {
                    keep(c, now_ms, hash, merchant, expires_ms, location_id).await?;
                }
                Ok(found)
            })
        });
        match write.await? {
            Found::First => Ok(code),
            Found::Another => Err(CodeError::KeyReused),
            Found::Again(kept) => {
                let kept = people.open_answer(&kept)?;
                serde_json::from_slice(&kept).map_err(|_| CodeError::People(PeopleError::Wrap))
            }
        }
    }
}

async fn keep(
    c: &mut Conn,
    now_ms: UnixMs,
    hash: String,
    merchant: String,
    expires_ms: UnixMs,
    location_id: Option<String>,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM enrolment_codes WHERE expires_ms < $1").bind(now_ms).execute(&mut *c).await?;
    sqlx::query(
        "INSERT INTO enrolment_codes (code_hash, merchant_id, expires_ms, location_id) VALUES ($1, $2, $3, $4)",
    )
    .bind(hash)
    .bind(merchant)
    .bind(expires_ms)
    .bind(location_id)
    .execute(c)
    .await?;
    Ok(())
}
