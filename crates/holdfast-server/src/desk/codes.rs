//! Codes that enrol a device: 128 random bits, ten minutes, once. Only a hash is kept.

use super::Desk;
use crate::people::PeopleError;
use crate::store::StoreError;
use crate::store::db::Conn;
use holdfast_core::limits::ENROLMENT_CODE_MS;
use holdfast_core::time::UnixMs;
use holdfast_wire::b64;

/// A fresh code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    pub code: String,
    pub expires_ms: i64,
}

/// Why there is no code.
#[derive(Debug, thiserror::Error)]
pub enum CodeError {
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
    /// Makes a code for this merchant.
    ///
    /// # Errors
    /// When the database refuses, there are no random numbers, or the location is not this merchant's.
    pub async fn make_code(&self, now_ms: UnixMs, location_id: Option<String>) -> Result<Code, CodeError> {
        if let Some(wanted) = &location_id
            && !self.locations().await?.iter().any(|location| location.id == *wanted)
        {
            return Err(CodeError::LocationUnknown);
        }
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|_| PeopleError::Random)?;
        let code = Code { code: b64::encode(random), expires_ms: now_ms + ENROLMENT_CODE_MS };
        let (hash, merchant, expires_ms) = (b64::encode(b64::sha256(&code.code)), self.id(), code.expires_ms);
        let write = self.db.write(move |c| Box::pin(keep(c, now_ms, hash, merchant, expires_ms, location_id)));
        write.await?;
        Ok(code)
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
