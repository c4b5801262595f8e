//! The queue of deliveries: taking some on, and writing what became of one.
//!
//! A delivery that was taken on is leased. Who holds a lease that is over writes nothing any more: another one has it by now.

use super::Hooks;
use crate::mail::notice::{self, Notice};
use crate::store::StoreError;
use crate::store::books::row::{parsed, small};
use crate::store::db::Conn;
use holdfast_core::id::MerchantId;
use holdfast_core::limits::{WEBHOOK_FAILING_MS_MAX, WEBHOOK_KEPT_MS, WEBHOOKS_REPLAYED_AT_ONCE_MAX};
use holdfast_core::time::UnixMs;
use holdfast_core::webhook::retry_after_ms;
use holdfast_crypto::SecretBytes;
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// Longer than one call may take. After a crash a delivery comes again when this is over.
pub const LEASE_MS: i64 = 60_000;

/// A delivery that was taken on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub endpoint_id: String,
    pub message_id: String,
    pub failures: u32,
    lease_until_ms: UnixMs,
}

/// What a delivery needs to be sent.
pub struct Parcel {
    pub url: String,
    pub merchant_id: MerchantId,
    /// Those that sign now, the newest first.
    pub secrets: Vec<SecretBytes>,
    pub body: String,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    pub end: End,
    /// The status, or a word.
    pub code: String,
    pub excerpt: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Taken,
    /// Not now.
    Failed,
    /// 410: never again.
    Gone,
}

impl Hooks {
    /// Endpoints with something due.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn due(&self, now_ms: UnixMs) -> Result<Vec<String>, StoreError> {
        let rows = sqlx::query(
            "SELECT e.id FROM webhook_endpoints e WHERE e.state = 'on' AND EXISTS (SELECT 1 FROM webhook_deliveries d
             WHERE d.endpoint_id = e.id AND d.state = 'waiting' AND d.due_ms <= $1 AND d.lease_until_ms <= $1) ORDER BY e.id",
        )
        .bind(now_ms)
        .fetch_all(self.db.reader())
        .await?;
        rows.iter().map(|row| Ok(row.try_get("id")?)).collect()
    }

    /// Leases up to `limit` of an endpoint's deliveries that are due, the oldest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn claim(&self, endpoint_id: String, now_ms: UnixMs, limit: usize) -> Result<Vec<Delivery>, StoreError> {
        let text = self.db.dialect().pick(
            "UPDATE webhook_deliveries SET lease_until_ms = $1 WHERE endpoint_id = $2 AND message_id IN
               (SELECT message_id FROM webhook_deliveries WHERE endpoint_id = $2 AND state = 'waiting' AND due_ms <= $3
                AND lease_until_ms <= $3 ORDER BY due_ms, created_ms, message_id LIMIT $4)
             RETURNING *",
            "UPDATE webhook_deliveries SET lease_until_ms = $1 WHERE endpoint_id = $2 AND message_id IN
               (SELECT message_id FROM webhook_deliveries WHERE endpoint_id = $2 AND state = 'waiting' AND due_ms <= $3
                AND lease_until_ms <= $3 ORDER BY due_ms, created_ms, message_id LIMIT $4 FOR UPDATE SKIP LOCKED)
             RETURNING *",
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let write = self.db.write(move |c| {
            Box::pin(async move {
                let query = sqlx::query(text).bind(now_ms + LEASE_MS).bind(endpoint_id).bind(now_ms).bind(limit);
                query.fetch_all(c).await?.iter().map(delivery).collect::<Result<Vec<_>, _>>()
            })
        });
        write.await
    }

    /// What is to be sent. `None`: endpoint or message are gone.
    ///
    /// # Errors
    /// When the database refuses, or a secret cannot be opened.
    pub async fn parcel(&self, now_ms: UnixMs, delivery: &Delivery) -> Result<Option<Parcel>, StoreError> {
        let found = sqlx::query(
            "SELECT e.id, e.url, e.merchant_id, e.secret, e.old_secret, e.old_until_ms, m.body
             FROM webhook_endpoints e JOIN webhook_messages m ON m.id = $2 WHERE e.id = $1",
        )
        .bind(&delivery.endpoint_id)
        .bind(&delivery.message_id)
        .fetch_optional(self.db.reader())
        .await?;
        let Some(row) = found else { return Ok(None) };
        let open = |wrapped: Vec<u8>| {
            self.open_secret(&delivery.endpoint_id, &wrapped).map_err(|error| StoreError::Database(error.to_string()))
        };
        let mut secrets = vec![open(row.try_get("secret")?)?];
        if row.try_get::<Option<i64>, _>("old_until_ms")?.is_some_and(|until| until > now_ms) {
            secrets.extend(row.try_get::<Option<Vec<u8>>, _>("old_secret")?.map(open).transpose()?);
        }
        let (url, body) = (row.try_get("url")?, row.try_get("body")?);
        Ok(Some(Parcel { url, merchant_id: parsed(&row, "merchant_id")?, secrets, body }))
    }

    /// Writes how an attempt ended, and what follows from it: another one, or the endpoint's end and a letter to its owners.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the lease is over, or the database refuses.
    pub async fn end(
        &self,
        now_ms: UnixMs,
        delivery: Delivery,
        attempt: Attempt,
        random: u32,
    ) -> Result<(), StoreError> {
        let retry_ms = retry_after_ms(delivery.failures + 1, random).map(|ms| ms.min(self.retry_ms_max.unwrap_or(ms)));
        self.db.write(move |c| Box::pin(end(c, now_ms, delivery, attempt, retry_ms))).await
    }

    /// Gives back what a process that is no more had taken on. Called at the start, when no other process can hold anything.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn release_leases(&self) -> Result<(), StoreError> {
        let write = self.db.write(|c| {
            Box::pin(async move {
                let text =
                    "UPDATE webhook_deliveries SET lease_until_ms = 0 WHERE state = 'waiting' AND lease_until_ms > 0";
                sqlx::query(text).execute(c).await?;
                Ok(())
            })
        });
        write.await
    }

    /// Forgets messages that are older than they are kept. What is still waiting stays.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn forget(&self, now_ms: UnixMs) -> Result<(), StoreError> {
        self.db.write(move |c| Box::pin(forget(c, now_ms - WEBHOOK_KEPT_MS))).await
    }
}

fn delivery(row: &AnyRow) -> Result<Delivery, StoreError> {
    Ok(Delivery {
        endpoint_id: row.try_get("endpoint_id")?,
        message_id: row.try_get("message_id")?,
        failures: small(row, "failures")?,
        lease_until_ms: row.try_get("lease_until_ms")?,
    })
}

async fn end(
    c: &mut Conn,
    now_ms: UnixMs,
    delivery: Delivery,
    attempt: Attempt,
    retry_ms: Option<i64>,
) -> Result<(), StoreError> {
    let (state, due_ms) = match (attempt.end, retry_ms) {
        (End::Taken, _) => ("delivered", now_ms),
        (End::Gone, _) | (End::Failed, None) => ("failed", now_ms),
        (End::Failed, Some(wait_ms)) => ("waiting", now_ms + wait_ms),
    };
    let written = sqlx::query(
        "UPDATE webhook_deliveries SET state = $1, due_ms = $2, attempts = attempts + 1, failures = $3, code = $4, excerpt = $5,
           changed_ms = $6, lease_until_ms = 0
         WHERE endpoint_id = $7 AND message_id = $8 AND lease_until_ms = $9",
    )
    .bind(state)
    .bind(due_ms)
    .bind(if attempt.end == End::Taken { 0 } else { i64::from(delivery.failures) + 1 })
    .bind(attempt.code)
    .bind(attempt.excerpt)
    .bind(now_ms)
    .bind(&delivery.endpoint_id)
    .bind(&delivery.message_id)
    .bind(delivery.lease_until_ms)
    .execute(&mut *c)
    .await?;
    if written.rows_affected() != 1 {
        return Err(StoreError::Conflict);
    }
    if attempt.end == End::Taken {
        sqlx::query(
            "UPDATE webhook_endpoints SET failing_since_ms = NULL WHERE id = $1 AND failing_since_ms IS NOT NULL",
        )
        .bind(&delivery.endpoint_id)
        .execute(c)
        .await?;
        return Ok(());
    }
    failed(c, now_ms, &delivery.endpoint_id, attempt.end == End::Gone).await
}

/// Notes since when an endpoint fails, and switches it off when that is long enough.
async fn failed(c: &mut Conn, now_ms: UnixMs, endpoint_id: &str, is_gone: bool) -> Result<(), StoreError> {
    let row = sqlx::query(
        "UPDATE webhook_endpoints SET failing_since_ms = coalesce(failing_since_ms, $1) WHERE id = $2
         RETURNING failing_since_ms, merchant_id, url, state",
    )
    .bind(now_ms)
    .bind(endpoint_id)
    .fetch_one(&mut *c)
    .await?;
    let since_ms: i64 = row.try_get("failing_since_ms")?;
    let is_long = now_ms - since_ms >= WEBHOOK_FAILING_MS_MAX;
    if row.try_get::<&str, _>("state")? != "on" || !(is_gone || is_long) {
        return Ok(());
    }
    let state = if is_gone { "gone" } else { "failed" };
    switch(c, now_ms, endpoint_id, state).await?;
    let url: String = row.try_get("url")?;
    let merchant_id = parsed(&row, "merchant_id")?;
    let why = if is_gone { "It answered 410 Gone." } else { "It took nothing for five days." };
    let notice = Notice {
        key: format!("webhook/{endpoint_id}/{now_ms}"),
        subject: "A webhook was switched off".to_owned(),
        text: format!(
            "The webhook to {url} was switched off. {why}\n\nNothing is lost yet: what happens from now on is kept for 30 days. When \
             the other side works again, switch the webhook on at /office/webhooks, and send again what it missed.\n"
        ),
    };
    tracing::warn!(endpoint = %endpoint_id, state, "a webhook was switched off");
    notice::tell_owners(c, now_ms, merchant_id, notice).await
}

/// Gives an endpoint another state. What waits for one that is off has failed: it can be sent again.
pub async fn switch(c: &mut Conn, now_ms: UnixMs, endpoint_id: &str, state: &'static str) -> Result<(), StoreError> {
    sqlx::query("UPDATE webhook_endpoints SET state = $1, failing_since_ms = NULL WHERE id = $2")
        .bind(state)
        .bind(endpoint_id)
        .execute(&mut *c)
        .await?;
    if state != "on" {
        sqlx::query(
            "UPDATE webhook_deliveries SET state = 'failed', changed_ms = $1, lease_until_ms = 0
             WHERE endpoint_id = $2 AND state = 'waiting'",
        )
        .bind(now_ms)
        .bind(endpoint_id)
        .execute(c)
        .await?;
    }
    Ok(())
}

async fn forget(c: &mut Conn, before_ms: UnixMs) -> Result<(), StoreError> {
    let old =
        "SELECT id FROM webhook_messages m WHERE m.created_ms < $1 AND NOT EXISTS (SELECT 1 FROM webhook_deliveries w
               WHERE w.message_id = m.id AND w.state = 'waiting') ORDER BY m.created_ms, m.id LIMIT $2";
    let rows = sqlx::query(old)
        .bind(before_ms)
        .bind(i64::try_from(WEBHOOKS_REPLAYED_AT_ONCE_MAX).unwrap_or(i64::MAX))
        .fetch_all(&mut *c)
        .await?;
    for row in &rows {
        let id: &str = row.try_get("id")?;
        sqlx::query("DELETE FROM webhook_deliveries WHERE message_id = $1").bind(id).execute(&mut *c).await?;
        sqlx::query("DELETE FROM webhook_messages WHERE id = $1").bind(id).execute(&mut *c).await?;
    }
    Ok(())
}
