//! Payments that tills were told are stored and that the books do not hold.

use super::row::{damaged, hash_text, unsigned};
use crate::store::db::Conn;
use crate::store::{AckedPayment, Device, StoreError};
use holdfast_core::limits::MISSING_PER_DEVICE_MAX;
use holdfast_core::time::UnixMs;

/// Whether the books hold each; what they do not is written down.
pub async fn offered(
    connection: &mut Conn,
    now_ms: UnixMs,
    device: Device,
    acked: Vec<AckedPayment>,
) -> Result<Vec<Option<bool>>, StoreError> {
    let row = sqlx::query("SELECT count(*) AS count FROM missing_payments WHERE device_id = $1")
        .bind(device.id.to_string())
        .fetch_one(&mut *connection)
        .await?;
    let mut room = MISSING_PER_DEVICE_MAX.saturating_sub(unsigned(&row, "count")?);
    let mut known = Vec::with_capacity(acked.len());
    for payment in acked {
        known.push(if is_held(connection, &device, &payment).await? {
            Some(true)
        } else if room == 0 {
            None
        } else {
            room -= note(connection, now_ms, &device, &payment).await?;
            Some(false)
        });
    }
    Ok(known)
}

async fn is_held(connection: &mut Conn, device: &Device, payment: &AckedPayment) -> Result<bool, StoreError> {
    let found = sqlx::query(
        "SELECT 1 FROM payments WHERE id = $1 AND record_hash = $2 AND merchant_id = $3
         UNION ALL
         SELECT 1 FROM quarantine q JOIN devices d ON d.id = q.device_id WHERE q.record_hash = $2 AND d.merchant_id = $3",
    )
    .bind(payment.id.to_string())
    .bind(hash_text(&payment.record_hash))
    .bind(device.merchant_id.to_string())
    .fetch_optional(connection)
    .await?;
    Ok(found.is_some())
}

/// How many lines it took: none when it was there.
async fn note(
    connection: &mut Conn,
    now_ms: UnixMs,
    device: &Device,
    payment: &AckedPayment,
) -> Result<u64, StoreError> {
    let written = sqlx::query(
        "INSERT INTO missing_payments (merchant_id, device_id, payment_id, record_hash, seq, status, acked_ms, epoch,
           number, amount_minor, currency, brand, last4, created_ms, reported_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) ON CONFLICT DO NOTHING",
    )
    .bind(device.merchant_id.to_string())
    .bind(device.id.to_string())
    .bind(payment.id.to_string())
    .bind(hash_text(&payment.record_hash))
    .bind(i64::try_from(payment.seq).map_err(|_| damaged("sequence number"))?)
    .bind(&payment.status)
    .bind(payment.acked_ms)
    .bind(&payment.epoch)
    .bind(&payment.number)
    .bind(payment.amount_minor)
    .bind(&payment.currency)
    .bind(&payment.brand)
    .bind(&payment.last4)
    .bind(payment.created_ms)
    .bind(now_ms)
    .execute(connection)
    .await?;
    Ok(written.rows_affected())
}
