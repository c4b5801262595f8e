//! Books that a card's bank took money back.

use super::page::{Page, Source};
use super::{calendar, hold_cursor, read};
use crate::store::StoreError;
use crate::store::db::{Conn, Dialect};
use holdfast_core::books::{Event, Happening, Labels, Standing, payment};
use holdfast_core::id::{MerchantId, PaymentId};
use holdfast_core::time::UnixMs;

/// A chargeback.
#[derive(Debug, Clone)]
pub struct ChargedBack {
    pub merchant_id: MerchantId,
    pub payment_id: PaymentId,
    /// Which one of the payment, from 1: once booked by it.
    pub number: i64,
    /// Positive.
    pub amount_minor: i64,
    pub currency: String,
    pub at_ms: UnixMs,
}

/// Books one, in the caller's transaction, which keeps that it is booked once.
///
/// # Errors
/// When the database refuses, or the payment is not there.
pub async fn charge_back_in(
    c: &mut Conn,
    dialect: Dialect,
    charged: &ChargedBack,
    now_ms: UnixMs,
) -> Result<(), StoreError> {
    let merchant_id = charged.merchant_id;
    let (_, last_entry) = hold_cursor(c, dialect, merchant_id).await?;
    let source = charged.payment_id.to_string();
    let calendar = calendar::read(&mut *c, merchant_id).await?;
    let what = Happening::ChargedBack { amount_minor: charged.amount_minor };
    let mut event = read::of_payment(c, merchant_id, &source, what, charged.at_ms).await?;
    let standing = read::standing(c, merchant_id, &source, Standing::default()).await?;
    let categories = read::categories(c, merchant_id).await?;
    let entries = event.sold(&calendar, &categories).and_then(|sold| {
        let entries = payment(&sold, standing, Event { what, when: calendar.when(charged.at_ms) })?;
        Ok((sold.tender(), entries))
    });
    let (tender, entries) = entries.map_err(|error| StoreError::Database(error.to_string()))?;
    let labels = Labels {
        device_id: std::mem::take(&mut event.device_id),
        staff: std::mem::take(&mut event.staff),
        tender: Some(tender),
        offline: event.offline,
    };
    let mut page = Page::new(merchant_id, last_entry, now_ms);
    for entry in &entries {
        let key = format!("chargeback/{}", charged.number);
        page.add(&Source { source: &source, key: &key, currency: &charged.currency, labels: &labels }, entry);
    }
    let last_entry = page.write(c).await?;
    sqlx::query("UPDATE book_cursors SET last_entry = $1 WHERE merchant_id = $2")
        .bind(last_entry)
        .bind(merchant_id.to_string())
        .execute(c)
        .await?;
    Ok(())
}
