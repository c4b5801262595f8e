//! Paying again: the payments of one sale, and a new one in the place of the last.

use super::{Books, Scope, feed, instructions, payments};
use crate::store::db::Conn;
use crate::store::{Device, Payment, StoreError};
use holdfast_core::id::{MerchantId, PaymentId};
use holdfast_core::limits::PAY_AGAIN_MAX;
use holdfast_core::payment::PaymentState;
use holdfast_core::time::UnixMs;
use sqlx::Row as _;

/// A payment in the place of another.
#[derive(Debug, Clone)]
pub struct Anew {
    /// The one that it replaces, and its `change` as it was read.
    pub last: PaymentId,
    pub change: i64,
    /// What stands for the merchant's live receipts; made with the first payment.
    pub device: Device,
    pub payment: Box<Payment>,
}

impl Books {
    /// The payments of the sale that this one belongs to, the first one first. Empty when there is no such payment.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn payments_of_sale(&self, id: PaymentId) -> Result<Vec<Payment>, StoreError> {
        let mut all: Vec<Payment> = payments::find(self.db.reader(), id).await?.into_iter().collect();
        while let Some(before) = all.first().and_then(|payment| payment.again.replaces)
            && all.len() <= PAY_AGAIN_MAX
        {
            all.splice(0..0, payments::find(self.db.reader(), before).await?);
        }
        while let Some(next) = all.last().and_then(|payment| payment.again.replaced_by)
            && all.len() <= PAY_AGAIN_MAX
        {
            all.extend(payments::find(self.db.reader(), next).await?);
        }
        Ok(all)
    }

    /// Keeps a payment in the place of another, with its job, and wipes what was sealed in that one. `false`: the new one's id is taken.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the other is not as it was read, or is being worked on: read it again.
    pub async fn pay_again(&self, now_ms: UnixMs, anew: Anew) -> Result<bool, StoreError> {
        let scope = self.scope();
        let is_kept = self.db.write(move |c| Box::pin(take(c, scope, now_ms, anew))).await?;
        if is_kept {
            self.on_move.tell(PaymentState::Received.name());
        }
        Ok(is_kept)
    }

    /// Notes that an unpaid sale was settled in another way: from now on it cannot be paid again. `false`: it is no such payment.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn settle_otherwise(
        &self,
        now_ms: UnixMs,
        merchant_id: MerchantId,
        id: PaymentId,
        user_id: String,
    ) -> Result<bool, StoreError> {
        let scope = self.scope();
        self.db.write(move |c| Box::pin(settle(c, scope, now_ms, merchant_id, id, user_id))).await
    }
}

async fn take(connection: &mut Conn, scope: Scope, now_ms: UnixMs, anew: Anew) -> Result<bool, StoreError> {
    let Anew { last, change, device, payment } = anew;
    hold(connection, scope, last, change).await?;
    let taken = sqlx::query("SELECT 1 FROM payments WHERE id = $1 OR (device_id = $2 AND seq = $3)")
        .bind(payment.id.to_string())
        .bind(device.id.to_string())
        .bind(i64::try_from(payment.seq).unwrap_or(i64::MAX))
        .fetch_optional(&mut *connection)
        .await?;
    if taken.is_some() {
        return Ok(false);
    }
    sqlx::query(
        "INSERT INTO devices (id, merchant_id, number, name, x, y, enrolled_ms, kind)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'receipt') ON CONFLICT (id) DO NOTHING",
    )
    .bind(device.id.to_string())
    .bind(device.merchant_id.to_string())
    .bind(i64::from(device.number))
    .bind(device.name)
    .bind(device.key.x())
    .bind(device.key.y())
    .bind(now_ms)
    .execute(&mut *connection)
    .await?;
    let first = feed::take(connection, scope, payment.merchant_id, 2).await?;
    payments::insert(connection, scope, now_ms, std::slice::from_ref(&*payment), first + 1).await?;
    instructions::call(connection, now_ms, payment.id).await?;
    sqlx::query("UPDATE payments SET replaced_by = $1, change = $2, record = NULL, card_key_kid = NULL WHERE id = $3")
        .bind(payment.id.to_string())
        .bind(first)
        .bind(last.to_string())
        .execute(&mut *connection)
        .await?;
    sqlx::query("DELETE FROM jobs WHERE payment_id = $1").bind(last.to_string()).execute(connection).await?;
    Ok(true)
}

/// The payment as it was read, with nothing under way. Where there are several writers, no other one changes it before this one's commit.
async fn hold(connection: &mut Conn, scope: Scope, id: PaymentId, change: i64) -> Result<(), StoreError> {
    let text = scope.dialect.pick(
        "SELECT change FROM payments WHERE id = $1",
        "SELECT change FROM payments WHERE id = $1 FOR NO KEY UPDATE",
    );
    let found = sqlx::query(text).bind(id.to_string()).fetch_optional(&mut *connection).await?;
    let found: Option<i64> = found.map(|row| row.try_get("change")).transpose()?;
    let open = sqlx::query("SELECT 1 FROM instructions WHERE payment_id = $1 AND progress IN ('asked', 'sent')")
        .bind(id.to_string())
        .fetch_optional(connection)
        .await?;
    if found == Some(change) && open.is_none() { Ok(()) } else { Err(StoreError::Conflict) }
}

async fn settle(
    connection: &mut Conn,
    scope: Scope,
    now_ms: UnixMs,
    merchant_id: MerchantId,
    id: PaymentId,
    user_id: String,
) -> Result<bool, StoreError> {
    let change = feed::take(connection, scope, merchant_id, 1).await?;
    let done = sqlx::query(
        "UPDATE payments SET settled_otherwise_ms = $1, settled_otherwise_by = $2, change = $3
         WHERE id = $4 AND merchant_id = $5 AND state IN ('declined', 'expired') AND replaced_by IS NULL
           AND settled_otherwise_ms IS NULL",
    )
    .bind(now_ms)
    .bind(user_id)
    .bind(change)
    .bind(id.to_string())
    .bind(merchant_id.to_string())
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}
