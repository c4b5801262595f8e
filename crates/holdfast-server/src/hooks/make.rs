//! Makes messages of events: each once, in the transaction that also writes how far it came.

use super::Hooks;
use super::message::{Message, Told, message, payment};
use crate::store::StoreError;
use crate::store::books::row::{flag, parsed};
use crate::store::db::{Conn, Dialect};
use holdfast_core::id::MerchantId;
use holdfast_core::limits::WEBHOOKS_MADE_AT_ONCE_MAX;
use holdfast_core::time::UnixMs;
use holdfast_core::webhook::of_state;
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// An event that is no payment's, such as a payout.
#[derive(Debug, Clone)]
pub struct Event {
    pub merchant_id: MerchantId,
    /// One of [`holdfast_core::webhook::EVENTS`].
    pub kind: &'static str,
    /// What it is known by, such as `payout/<number>`: unique in its merchant.
    pub source: String,
    pub at_ms: UnixMs,
    /// The fields that docs/webhooks.md names for this type.
    pub data: serde_json::Value,
}

/// Tells an event, in the transaction that it happens in. A merchant that never had an endpoint keeps no messages.
///
/// # Errors
/// When the database refuses.
pub async fn tell(c: &mut Conn, event: Event) -> Result<(), StoreError> {
    let has_any = sqlx::query("SELECT 1 FROM webhook_cursors WHERE merchant_id = $1")
        .bind(event.merchant_id.to_string())
        .fetch_optional(&mut *c)
        .await?;
    if has_any.is_none() {
        return Ok(());
    }
    let ears = ears(c, event.merchant_id).await?;
    let made = message(event.merchant_id, event.kind, event.source, event.at_ms, event.data);
    write(c, event.merchant_id, &made, &ears).await
}

/// An endpoint that listens.
#[derive(Debug, Clone)]
pub struct Ear {
    pub id: String,
    pub events: String,
}

impl Ear {
    pub fn hears(&self, kind: &str) -> bool {
        self.events.is_empty() || self.events.split(' ').any(|wanted| wanted == kind)
    }
}

impl Hooks {
    /// Turns what happened into messages, of every merchant with an endpoint, and says how many events that were.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn make_due(&self) -> Result<usize, StoreError> {
        let rows = sqlx::query(
            "SELECT w.merchant_id FROM webhook_cursors w WHERE EXISTS (SELECT 1 FROM payment_events e
             WHERE e.merchant_id = w.merchant_id AND e.change > w.last_change) ORDER BY w.merchant_id",
        )
        .fetch_all(self.db.reader())
        .await?;
        let (mut made, mut refused) = (0, None);
        for row in &rows {
            let merchant_id = parsed(row, "merchant_id")?;
            // One merchant's trouble holds up no other.
            match self.make_all(merchant_id).await {
                Ok(count) => made += count,
                Err(error) => refused = Some(error),
            }
        }
        refused.map_or(Ok(made), Err)
    }

    async fn make_all(&self, merchant_id: MerchantId) -> Result<usize, StoreError> {
        let (dialect, mut made) = (self.db.dialect(), 0);
        loop {
            let count = self.db.write(move |c| Box::pin(make(c, dialect, merchant_id))).await?;
            made += count;
            if count < WEBHOOKS_MADE_AT_ONCE_MAX {
                return Ok(made);
            }
        }
    }
}

/// One page of events.
async fn make(c: &mut Conn, dialect: Dialect, merchant_id: MerchantId) -> Result<usize, StoreError> {
    let id = merchant_id.to_string();
    // Where there are several writers, no other one makes this merchant's messages before the commit.
    let text = dialect.pick(
        "SELECT last_change FROM webhook_cursors WHERE merchant_id = $1",
        "SELECT last_change FROM webhook_cursors WHERE merchant_id = $1 FOR UPDATE",
    );
    let Some(cursor) = sqlx::query(text).bind(&id).fetch_optional(&mut *c).await? else { return Ok(0) };
    let rows = sqlx::query(
        "SELECT e.change, e.state, e.reason, e.at_ms, e.amount_minor, e.currency, p.id, p.number, p.tax_minor, p.tip_minor, p.staff, p.brand,
           p.last4, p.offline, p.taken_ms, p.device_id, p.replaces
         FROM payment_events e JOIN payments p ON p.id = e.payment_id
         WHERE e.merchant_id = $1 AND e.change > $2 ORDER BY e.change LIMIT $3",
    )
    .bind(&id)
    .bind(cursor.try_get::<i64, _>("last_change")?)
    .bind(i64::try_from(WEBHOOKS_MADE_AT_ONCE_MAX).unwrap_or(i64::MAX))
    .fetch_all(&mut *c)
    .await?;
    let told = rows.iter().map(told).collect::<Result<Vec<_>, _>>()?;
    let Some(last) = told.last().map(|told| told.change) else { return Ok(0) };
    let ears = ears(c, merchant_id).await?;
    for told in &told {
        let Some(kind) = of_state(&told.state) else { continue };
        let made = message(merchant_id, kind, format!("payment/{}", told.change), told.at_ms, payment(told));
        write(c, merchant_id, &made, &ears).await?;
    }
    sqlx::query("UPDATE webhook_cursors SET last_change = $1 WHERE merchant_id = $2")
        .bind(last)
        .bind(id)
        .execute(c)
        .await?;
    Ok(told.len())
}

/// The endpoints that listen now.
async fn ears(c: &mut Conn, merchant_id: MerchantId) -> Result<Vec<Ear>, StoreError> {
    let rows =
        sqlx::query("SELECT id, events FROM webhook_endpoints WHERE merchant_id = $1 AND state = 'on' ORDER BY id")
            .bind(merchant_id.to_string())
            .fetch_all(c)
            .await?;
    rows.iter().map(|row| Ok(Ear { id: row.try_get("id")?, events: row.try_get("events")? })).collect()
}

/// Keeps a message, and a delivery for each endpoint that wants it. One that is there already stays as it is.
pub async fn write(c: &mut Conn, merchant_id: MerchantId, made: &Message, ears: &[Ear]) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO webhook_messages (id, merchant_id, type, source, body, created_ms) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (id) DO NOTHING",
    )
    .bind(&made.id)
    .bind(merchant_id.to_string())
    .bind(&made.kind)
    .bind(&made.source)
    .bind(&made.body)
    .bind(made.at_ms)
    .execute(&mut *c)
    .await?;
    for ear in ears.iter().filter(|ear| ear.hears(&made.kind)) {
        sqlx::query(
            "INSERT INTO webhook_deliveries (endpoint_id, message_id, state, created_ms, due_ms, changed_ms)
             VALUES ($1, $2, 'waiting', $3, $3, $3) ON CONFLICT (endpoint_id, message_id) DO NOTHING",
        )
        .bind(&ear.id)
        .bind(&made.id)
        .bind(made.at_ms)
        .execute(&mut *c)
        .await?;
    }
    Ok(())
}

fn told(row: &AnyRow) -> Result<Told, StoreError> {
    Ok(Told {
        change: row.try_get("change")?,
        state: row.try_get("state")?,
        reason: row.try_get("reason")?,
        at_ms: row.try_get("at_ms")?,
        id: row.try_get("id")?,
        number: row.try_get("number")?,
        amount_minor: row.try_get("amount_minor")?,
        tax_minor: row.try_get("tax_minor")?,
        tip_minor: row.try_get("tip_minor")?,
        staff_id: row.try_get("staff")?,
        currency: row.try_get("currency")?,
        brand: row.try_get("brand")?,
        last4: row.try_get("last4")?,
        offline: flag(row, "offline")?,
        taken_ms: row.try_get("taken_ms")?,
        device_id: row.try_get("device_id")?,
        replaces: row.try_get("replaces")?,
    })
}
