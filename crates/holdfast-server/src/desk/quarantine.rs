//! What could not be taken as a payment and waits for the owner: who carried it up, why it is here, and what it claims to be.

use super::Desk;
use crate::store::StoreError;
use holdfast_wire::record::RecordPayload;
use serde::Serialize;
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
}

/// What a string says about itself, if it can be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
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
    /// A page, newest first, before the line with this cursor.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn quarantine(&self, before: i64, limit: usize) -> Result<Vec<QuarantineLine>, StoreError> {
        let rows = sqlx::query(
            "SELECT q.id, q.record_hash, q.device_id, q.reason, q.raw, q.received_ms, d.name AS device_name
             FROM quarantine q JOIN devices d ON d.id = q.device_id
             WHERE d.merchant_id = $1 AND q.id < $2 ORDER BY q.id DESC LIMIT $3",
        )
        .bind(self.id())
        .bind(before)
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
            "SELECT count(*) AS count FROM quarantine q JOIN devices d ON d.id = q.device_id WHERE d.merchant_id = $1",
        )
        .bind(self.id())
        .fetch_one(self.db.reader())
        .await?;
        Ok(row.try_get("count")?)
    }
}

fn line(row: &AnyRow) -> Result<QuarantineLine, StoreError> {
    let raw: Vec<u8> = row.try_get("raw")?;
    Ok(QuarantineLine {
        cursor: row.try_get("id")?,
        record_hash: row.try_get("record_hash")?,
        device_id: row.try_get("device_id")?,
        device_name: row.try_get("device_name")?,
        reason: row.try_get("reason")?,
        received_ms: row.try_get("received_ms")?,
        claims: claims(&raw),
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
