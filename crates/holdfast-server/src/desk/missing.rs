//! What tills were told is stored and is gone: named to the owner with its amount.

use super::Desk;
use crate::store::StoreError;
use serde::Serialize;
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// One payment that is missing, as its till names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct MissingLine {
    /// For the next page.
    pub cursor: i64,
    pub payment_id: String,
    pub device_id: String,
    pub device_name: String,
    pub number: String,
    pub amount_minor: i64,
    pub currency: String,
    pub brand: String,
    pub last4: String,
    pub created_ms: i64,
    /// When the till was told, and as what.
    pub acked_ms: i64,
    pub status: String,
    pub reported_ms: i64,
}

/// One that came in after all is missing no more.
const STILL: &str = "NOT EXISTS (SELECT 1 FROM payments p WHERE p.id = m.payment_id AND p.record_hash = m.record_hash)";

impl Desk {
    /// A page, newest report first, before the line with this cursor.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn missing(&self, before: i64, limit: usize) -> Result<Vec<MissingLine>, StoreError> {
        let sql = format!(
            "SELECT m.*, d.name AS device_name FROM missing_payments m JOIN devices d ON d.id = m.device_id
             WHERE m.merchant_id = $1 AND m.id < $2 AND {STILL} ORDER BY m.id DESC LIMIT $3"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(self.id())
            .bind(before)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(self.db.reader())
            .await?;
        rows.iter().map(line).collect()
    }

    /// How many are missing.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn missing_count(&self) -> Result<i64, StoreError> {
        let sql = format!("SELECT count(*) AS count FROM missing_payments m WHERE m.merchant_id = $1 AND {STILL}");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(self.id()).fetch_one(self.db.reader()).await?;
        Ok(row.try_get("count")?)
    }
}

fn line(row: &AnyRow) -> Result<MissingLine, StoreError> {
    Ok(MissingLine {
        cursor: row.try_get("id")?,
        payment_id: row.try_get("payment_id")?,
        device_id: row.try_get("device_id")?,
        device_name: row.try_get("device_name")?,
        number: row.try_get("number")?,
        amount_minor: row.try_get("amount_minor")?,
        currency: row.try_get("currency")?,
        brand: row.try_get("brand")?,
        last4: row.try_get("last4")?,
        created_ms: row.try_get("created_ms")?,
        acked_ms: row.try_get("acked_ms")?,
        status: row.try_get("status")?,
        reported_ms: row.try_get("reported_ms")?,
    })
}
