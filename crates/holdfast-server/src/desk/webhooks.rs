//! A merchant's webhooks as their owner sees and changes them.

use super::Desk;
use crate::hooks::make::{Ear, write};
use crate::hooks::message::message;
use crate::hooks::queue::switch;
use crate::hooks::secret::Fresh;
use crate::store::StoreError;
use crate::store::db::Conn;
use holdfast_core::limits::{WEBHOOK_OVERLAP_MS, WEBHOOKS_MAX};
use holdfast_core::time::UnixMs;
use holdfast_core::webhook::TEST;
use serde::Serialize;
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// An endpoint as its owner sees it. Times are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Webhook {
    pub id: String,
    pub url: String,
    /// The types that it is told; none means every one.
    pub events: Vec<String>,
    /// `on`, `off` (by its owner), `failed` (took nothing for five days) or `gone` (answered 410).
    pub state: String,
    /// Since when it took nothing.
    pub failing_since_ms: Option<i64>,
    /// Until when the secret before this one signs too.
    pub old_secret_until_ms: Option<i64>,
    pub waiting_count: i64,
    pub created_ms: i64,
}

/// An endpoint to be.
#[derive(Debug, Clone)]
pub struct NewWebhook {
    pub id: String,
    pub url: String,
    pub events: Vec<String>,
}

/// What is to be changed of an endpoint.
#[derive(Debug, Clone, Default)]
pub struct WebhookChange {
    pub url: Option<String>,
    pub events: Option<Vec<String>>,
    pub is_on: Option<bool>,
}

impl Desk {
    /// Every endpoint, the oldest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn webhooks(&self, now_ms: UnixMs) -> Result<Vec<Webhook>, StoreError> {
        let rows = sqlx::query(
            "SELECT e.*, (SELECT count(*) FROM webhook_deliveries d WHERE d.endpoint_id = e.id AND d.state = 'waiting')
               AS waiting_count
             FROM webhook_endpoints e WHERE e.merchant_id = $1 ORDER BY e.created_ms, e.id",
        )
        .bind(self.id())
        .fetch_all(self.db.reader())
        .await?;
        rows.iter().map(|row| webhook(row, now_ms)).collect()
    }

    /// One of them.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn webhook(&self, now_ms: UnixMs, id: &str) -> Result<Option<Webhook>, StoreError> {
        Ok(self.webhooks(now_ms).await?.into_iter().find(|webhook| webhook.id == id))
    }

    /// Adds an endpoint. What happens from now on is told. `false`: there are enough.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn add_webhook(&self, now_ms: UnixMs, new: NewWebhook, secret: &Fresh) -> Result<bool, StoreError> {
        let (merchant, wrapped) = (self.id(), secret.wrapped.clone());
        self.db.write(move |c| Box::pin(add(c, now_ms, merchant, new, wrapped))).await
    }

    /// Changes an endpoint. `false`: there is none such here.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn change_webhook(&self, now_ms: UnixMs, id: &str, change: WebhookChange) -> Result<bool, StoreError> {
        let (merchant, id) = (self.id(), id.to_owned());
        let write = self.db.write(move |c| {
            Box::pin(async move {
                let done = sqlx::query(
                    "UPDATE webhook_endpoints SET url = coalesce($1, url), events = coalesce($2, events)
                     WHERE id = $3 AND merchant_id = $4",
                )
                .bind(change.url)
                .bind(change.events.map(|events| events.join(" ")))
                .bind(&id)
                .bind(merchant)
                .execute(&mut *c)
                .await?;
                let is_there = done.rows_affected() == 1;
                if let Some(is_on) = change.is_on.filter(|_| is_there) {
                    switch(c, now_ms, &id, if is_on { "on" } else { "off" }).await?;
                }
                Ok(is_there)
            })
        });
        write.await
    }

    /// Gives an endpoint another secret; the one before signs for a day beside it.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn rotate_webhook(&self, now_ms: UnixMs, id: &str, secret: &Fresh) -> Result<bool, StoreError> {
        let (merchant, id, wrapped) = (self.id(), id.to_owned(), secret.wrapped.clone());
        let write = self.db.write(move |c| {
            Box::pin(async move {
                let done = sqlx::query(
                    "UPDATE webhook_endpoints SET old_secret = secret, old_until_ms = $1, secret = $2
                     WHERE id = $3 AND merchant_id = $4",
                )
                .bind(now_ms + WEBHOOK_OVERLAP_MS)
                .bind(wrapped)
                .bind(id)
                .bind(merchant)
                .execute(c)
                .await?;
                Ok(done.rows_affected() == 1)
            })
        });
        write.await
    }

    /// Removes an endpoint and what became of its deliveries. The messages stay for the others.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn remove_webhook(&self, id: &str) -> Result<bool, StoreError> {
        let (merchant, id) = (self.id(), id.to_owned());
        let write = self.db.write(move |c| {
            Box::pin(async move {
                if !holds(c, &merchant, &id).await? {
                    return Ok(false);
                }
                for text in [
                    "DELETE FROM webhook_deliveries WHERE endpoint_id = $1",
                    "DELETE FROM webhook_endpoints WHERE id = $1",
                ] {
                    sqlx::query(text).bind(&id).execute(&mut *c).await?;
                }
                Ok(true)
            })
        });
        write.await
    }

    /// Sends an event that means nothing to one endpoint, and gives its message's id. `None`: there is no such endpoint here.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn test_webhook(&self, now_ms: UnixMs, id: &str, random: [u8; 16]) -> Result<Option<String>, StoreError> {
        let (merchant_id, id) = (self.merchant_id, id.to_owned());
        let write = self.db.write(move |c| {
            Box::pin(async move {
                if !holds(c, &merchant_id.to_string(), &id).await? {
                    return Ok(None);
                }
                let source = format!("test/{}", holdfast_wire::b64::encode(random));
                let data = serde_json::json!({ "say": "This is a test. Nothing happened." });
                let made = message(merchant_id, TEST, source, now_ms, data);
                write(c, merchant_id, &made, &[Ear { id, events: String::new() }]).await?;
                Ok(Some(made.id))
            })
        });
        write.await
    }
}

/// Whether the endpoint is this merchant's.
pub(super) async fn holds(c: &mut Conn, merchant: &str, id: &str) -> Result<bool, StoreError> {
    let found = sqlx::query("SELECT 1 FROM webhook_endpoints WHERE id = $1 AND merchant_id = $2")
        .bind(id)
        .bind(merchant)
        .fetch_optional(c)
        .await?;
    Ok(found.is_some())
}

async fn add(
    c: &mut Conn,
    now_ms: UnixMs,
    merchant: String,
    new: NewWebhook,
    wrapped: Vec<u8>,
) -> Result<bool, StoreError> {
    // From here on, what happens is told. Where the merchant had an endpoint before, nothing in between is left out. Its row is
    // held to the end: two that are added at once are counted one after the other.
    sqlx::query(
        "INSERT INTO webhook_cursors (merchant_id, last_change)
         SELECT $1, coalesce(max(change), 0) FROM payment_events WHERE merchant_id = $1
         ON CONFLICT (merchant_id) DO UPDATE SET last_change = webhook_cursors.last_change",
    )
    .bind(&merchant)
    .execute(&mut *c)
    .await?;
    let row = sqlx::query("SELECT count(*) AS count FROM webhook_endpoints WHERE merchant_id = $1")
        .bind(&merchant)
        .fetch_one(&mut *c)
        .await?;
    if row.try_get::<i64, _>("count")? >= i64::try_from(WEBHOOKS_MAX).unwrap_or(i64::MAX) {
        return Ok(false);
    }
    sqlx::query(
        "INSERT INTO webhook_endpoints (id, merchant_id, url, events, state, secret, created_ms)
         VALUES ($1, $2, $3, $4, 'on', $5, $6)",
    )
    .bind(new.id)
    .bind(merchant)
    .bind(new.url)
    .bind(new.events.join(" "))
    .bind(wrapped)
    .bind(now_ms)
    .execute(c)
    .await?;
    Ok(true)
}

fn webhook(row: &AnyRow, now_ms: UnixMs) -> Result<Webhook, StoreError> {
    let events: &str = row.try_get("events")?;
    Ok(Webhook {
        id: row.try_get("id")?,
        url: row.try_get("url")?,
        events: events.split(' ').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
        state: row.try_get("state")?,
        failing_since_ms: row.try_get("failing_since_ms")?,
        old_secret_until_ms: row.try_get::<Option<i64>, _>("old_until_ms")?.filter(|until| *until > now_ms),
        waiting_count: row.try_get("waiting_count")?,
        created_ms: row.try_get("created_ms")?,
    })
}
