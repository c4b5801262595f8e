//! How a shop's tills behave: their lock, and the tips that they offer.

use super::Books;
use super::row::flag;
use super::shop::{tips, tips_text};
use crate::store::StoreError;
use crate::store::db::Conn;
use holdfast_core::id::MerchantId;
use holdfast_wire::team::TipsWire;
use sqlx::Row as _;

/// The settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TillSettings {
    pub must_sign_in: bool,
    pub idle_lock_ms: i64,
    pub staff_on_receipts: bool,
    pub tips: TipsWire,
}

impl Books {
    /// # Errors
    /// When the database refuses.
    pub async fn till_settings(&self, merchant_id: MerchantId) -> Result<TillSettings, StoreError> {
        let row =
            sqlx::query("SELECT must_sign_in, idle_lock_ms, staff_on_receipts, tips FROM merchants WHERE id = $1")
                .bind(merchant_id.to_string())
                .fetch_one(self.db.reader())
                .await?;
        Ok(TillSettings {
            must_sign_in: flag(&row, "must_sign_in")?,
            idle_lock_ms: row.try_get("idle_lock_ms")?,
            staff_on_receipts: flag(&row, "staff_on_receipts")?,
            tips: tips(&row)?,
        })
    }

    /// # Errors
    /// When the database refuses.
    pub async fn set_till_settings(&self, merchant_id: MerchantId, to: TillSettings) -> Result<(), StoreError> {
        self.db.write(move |c| Box::pin(set(c, merchant_id, to))).await
    }
}

async fn set(c: &mut Conn, merchant_id: MerchantId, to: TillSettings) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE merchants SET must_sign_in = $1, idle_lock_ms = $2, staff_on_receipts = $3, tips = $4 WHERE id = $5",
    )
    .bind(i64::from(to.must_sign_in))
    .bind(to.idle_lock_ms)
    .bind(i64::from(to.staff_on_receipts))
    .bind(tips_text(&to.tips))
    .bind(merchant_id.to_string())
    .execute(c)
    .await?;
    Ok(())
}
