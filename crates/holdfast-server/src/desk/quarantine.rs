//! What could not be taken as a payment and waits for the owner: who carried it up, why it is here, and what it claims to be.

use super::Desk;
use crate::store::StoreError;
use crate::store::books::row::damaged;
use holdfast_core::id::DeviceId;
use holdfast_core::time::UnixMs;
use holdfast_wire::record::RecordPayload;
use serde::{Deserialize, Serialize};
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// One string in quarantine. What it claims was not checked, or was found wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct QuarantineLine {
    /// For the next page.
    pub cursor: i64,
    pub record_hash: String,
    pub device_id: String,
    pub device_name: String,
    /// A reason of docs/protocol.md section 7 or 8.
    pub reason: String,
    pub received_ms: i64,
    pub claims: Option<Claims>,
    /// What the owner decided about it; none while it waits.
    pub decision: Option<Decision>,
}

/// What the owner decided about a string.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Decision {
    /// `released`: it became a payment after all. `written-off`: it never will.
    pub kind: String,
    pub at_ms: i64,
    /// The e-mail address of whoever decided.
    pub by: String,
    pub why: String,
}

/// One string as it came.
pub struct Held {
    pub device_id: DeviceId,
    pub reason: String,
    pub received_ms: UnixMs,
    pub raw: Vec<u8>,
    pub is_decided: bool,
}

/// How a string's wait ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Released,
    WrittenOff,
}

impl Verdict {
    fn as_str(self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::WrittenOff => "written-off",
        }
    }
}

/// What a string says about itself, if it can be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Claims {
    pub payment_id: String,
    pub number: String,
    pub amount_minor: i64,
    pub currency: String,
    pub brand: String,
    pub last4: String,
    pub created_ms: i64,
}

impl Desk {
    /// A page, newest first, before the line with this cursor: what waits, or what was decided.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn quarantine(
        &self,
        is_decided: bool,
        before: i64,
        limit: usize,
    ) -> Result<Vec<QuarantineLine>, StoreError> {
        let rows = sqlx::query(
            "SELECT q.id, q.record_hash, q.device_id, q.reason, q.raw, q.received_ms, q.claims, q.decision, q.decided_ms, q.decided_why,
               d.name AS device_name, u.email AS decided_by
             FROM quarantine q JOIN devices d ON d.id = q.device_id LEFT JOIN users u ON u.id = q.decided_by
             WHERE d.merchant_id = $1 AND q.id < $2 AND (CASE WHEN q.decision IS NULL THEN 0 ELSE 1 END) = $3
             ORDER BY q.id DESC LIMIT $4",
        )
        .bind(self.id())
        .bind(before)
        .bind(i64::from(is_decided))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(self.db.reader())
        .await?;
        rows.iter().map(line).collect()
    }

    /// How many strings wait for the owner.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn quarantine_count(&self) -> Result<i64, StoreError> {
        let row = sqlx::query(
            "SELECT count(*) AS count FROM quarantine q JOIN devices d ON d.id = q.device_id
             WHERE d.merchant_id = $1 AND q.decision IS NULL",
        )
        .bind(self.id())
        .fetch_one(self.db.reader())
        .await?;
        Ok(row.try_get("count")?)
    }

    /// One string as it came, if it is this merchant's.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn held(&self, id: i64) -> Result<Option<Held>, StoreError> {
        let found = sqlx::query(
            "SELECT q.device_id, q.reason, q.received_ms, q.raw, q.decision FROM quarantine q
             JOIN devices d ON d.id = q.device_id WHERE d.merchant_id = $1 AND q.id = $2",
        )
        .bind(self.id())
        .bind(id)
        .fetch_optional(self.db.reader())
        .await?;
        let Some(row) = found else { return Ok(None) };
        let device_id: &str = row.try_get("device_id")?;
        Ok(Some(Held {
            device_id: device_id.parse().map_err(|_| damaged("device id"))?,
            reason: row.try_get("reason")?,
            received_ms: row.try_get("received_ms")?,
            raw: row.try_get("raw")?,
            is_decided: row.try_get::<Option<String>, _>("decision")?.is_some(),
        }))
    }

    /// Ends a string's wait. What was sealed in it goes, and with it what kept a card key alive. `false`: it was decided before.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn settle_held(
        &self,
        now_ms: UnixMs,
        id: i64,
        verdict: Verdict,
        by: &str,
        why: String,
    ) -> Result<bool, StoreError> {
        let Some(held) = self.held(id).await? else { return Ok(false) };
        let claims = claims(&held.raw).and_then(|claims| serde_json::to_string(&claims).ok());
        let by = by.to_owned();
        let write = self.db.write(move |c| {
            Box::pin(async move {
                let done = sqlx::query(
                    "UPDATE quarantine SET decision = $1, decided_ms = $2, decided_by = $3, decided_why = $4, claims = $5, raw = $6,
                       card_key_kid = NULL WHERE id = $7 AND decision IS NULL",
                )
                .bind(verdict.as_str())
                .bind(now_ms)
                .bind(by)
                .bind(why)
                .bind(claims)
                .bind(Vec::new())
                .bind(id)
                .execute(c)
                .await?;
                Ok(done.rows_affected() == 1)
            })
        });
        write.await
    }
}

fn line(row: &AnyRow) -> Result<QuarantineLine, StoreError> {
    let raw: Vec<u8> = row.try_get("raw")?;
    let kept: Option<String> = row.try_get("claims")?;
    let decision = match row.try_get::<Option<String>, _>("decision")? {
        None => None,
        Some(kind) => Some(Decision {
            kind,
            at_ms: row.try_get("decided_ms")?,
            by: row.try_get("decided_by")?,
            why: row.try_get("decided_why")?,
        }),
    };
    Ok(QuarantineLine {
        cursor: row.try_get("id")?,
        record_hash: row.try_get("record_hash")?,
        device_id: row.try_get("device_id")?,
        device_name: row.try_get("device_name")?,
        reason: row.try_get("reason")?,
        received_ms: row.try_get("received_ms")?,
        claims: kept.map_or_else(|| claims(&raw), |kept| serde_json::from_str(&kept).ok()),
        decision,
    })
}

/// The envelope stays sealed: only what stands around it is read. Four characters are taken for the last four digits only when
/// they are digits, so that a forged record cannot bring a number to the page.
fn claims(raw: &[u8]) -> Option<Claims> {
    let parsed = RecordPayload::parse(std::str::from_utf8(raw).ok()?).ok()?;
    let record = parsed.claimed();
    let short = |text: &str, chars: usize| text.chars().take(chars).collect::<String>();
    let is_last4 = record.card.last4.len() == 4 && record.card.last4.bytes().all(|b| b.is_ascii_digit());
    Some(Claims {
        payment_id: short(&record.id, 36),
        number: short(&record.sale.number, 12),
        amount_minor: record.sale.total_minor,
        currency: short(&record.sale.currency, 3),
        brand: short(&record.card.brand, 12),
        last4: if is_last4 { record.card.last4.clone() } else { String::new() },
        created_ms: record.created_ms,
    })
}
