//! What became of an endpoint's deliveries, and sending them again.

use super::Desk;
use super::webhooks::holds;
use crate::store::StoreError;
use crate::store::db::Conn;
use holdfast_core::limits::WEBHOOKS_REPLAYED_AT_ONCE_MAX;
use holdfast_core::time::UnixMs;
use holdfast_core::webhook::TEST;
use serde::Serialize;
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// A message on its way to an endpoint, or there. Times are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct DeliveryLine {
    /// The `webhook-id`.
    pub message_id: String,
    pub r#type: String,
    /// `waiting`, `delivered` or `failed`.
    pub state: String,
    pub attempts: i64,
    /// The last answer's status, or a word for why there was none.
    pub code: Option<String>,
    /// How the last answer began.
    pub excerpt: Option<String>,
    /// When the event happened.
    pub created_ms: i64,
    /// When it is tried next, while it waits.
    pub due_ms: Option<i64>,
    pub changed_ms: i64,
}

/// The last line of a page, for the next one.
pub type Before = (i64, String);

/// What is to be sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replay {
    One(String),
    /// Everything that the endpoint wants and that happened since then, also what it was never sent.
    Since(UnixMs),
}

impl Desk {
    /// A page, newest first; empty when there is no such endpoint here.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn deliveries(
        &self,
        endpoint_id: &str,
        before: Before,
        limit: usize,
    ) -> Result<Vec<DeliveryLine>, StoreError> {
        let rows = sqlx::query(
            "SELECT d.*, m.type FROM webhook_deliveries d JOIN webhook_endpoints e ON e.id = d.endpoint_id
             JOIN webhook_messages m ON m.id = d.message_id
             WHERE e.merchant_id = $1 AND e.id = $2 AND (d.created_ms < $3 OR (d.created_ms = $3 AND d.message_id < $4))
             ORDER BY d.created_ms DESC, d.message_id DESC LIMIT $5",
        )
        .bind(self.id())
        .bind(endpoint_id)
        .bind(before.0)
        .bind(before.1)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(self.db.reader())
        .await?;
        rows.iter().map(line).collect()
    }

    /// Sends again, under the same ids, and says how many. `None`: there is no such endpoint here. One that is off gets them when it
    /// is switched on.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn replay(&self, now_ms: UnixMs, endpoint_id: &str, what: Replay) -> Result<Option<u64>, StoreError> {
        let since_ms = match what {
            Replay::One(message_id) => return self.again(now_ms, endpoint_id, vec![message_id]).await,
            Replay::Since(since_ms) => since_ms,
        };
        let (mut after, mut count) = ((since_ms, String::new()), 0);
        loop {
            let page = self.wanted(endpoint_id, now_ms, &after).await?;
            let is_last = page.len() < WEBHOOKS_REPLAYED_AT_ONCE_MAX;
            if let Some(last) = page.last() {
                after = last.clone();
            }
            let ids = page.into_iter().map(|(_, id)| id).collect();
            let Some(again) = self.again(now_ms, endpoint_id, ids).await? else { return Ok(None) };
            count += again;
            if is_last {
                return Ok(Some(count));
            }
        }
    }

    /// The next messages that the endpoint wants, up to this moment.
    async fn wanted(
        &self,
        endpoint_id: &str,
        now_ms: UnixMs,
        after: &(UnixMs, String),
    ) -> Result<Vec<(UnixMs, String)>, StoreError> {
        let rows = sqlx::query(
            "SELECT m.created_ms, m.id FROM webhook_messages m JOIN webhook_endpoints e ON e.merchant_id = m.merchant_id
             WHERE e.id = $1 AND m.merchant_id = $2 AND m.created_ms <= $3 AND m.type <> $4
               AND (m.created_ms > $5 OR (m.created_ms = $5 AND m.id > $6))
               AND (e.events = '' OR ' ' || e.events || ' ' LIKE '% ' || m.type || ' %')
             ORDER BY m.created_ms, m.id LIMIT $7",
        )
        .bind(endpoint_id)
        .bind(self.id())
        .bind(now_ms)
        .bind(TEST)
        .bind(after.0)
        .bind(&after.1)
        .bind(i64::try_from(WEBHOOKS_REPLAYED_AT_ONCE_MAX).unwrap_or(i64::MAX))
        .fetch_all(self.db.reader())
        .await?;
        rows.iter().map(|row| Ok((row.try_get("created_ms")?, row.try_get("id")?))).collect()
    }

    async fn again(&self, now_ms: UnixMs, endpoint_id: &str, ids: Vec<String>) -> Result<Option<u64>, StoreError> {
        let (merchant, endpoint_id) = (self.id(), endpoint_id.to_owned());
        self.db.write(move |c| Box::pin(again(c, now_ms, merchant, endpoint_id, ids))).await
    }
}

async fn again(
    c: &mut Conn,
    now_ms: UnixMs,
    merchant: String,
    endpoint_id: String,
    ids: Vec<String>,
) -> Result<Option<u64>, StoreError> {
    if !holds(c, &merchant, &endpoint_id).await? {
        return Ok(None);
    }
    let mut count = 0;
    for id in ids {
        // One that is under way just now is let be: it is being sent.
        let done = sqlx::query(
            "INSERT INTO webhook_deliveries (endpoint_id, message_id, state, created_ms, due_ms, changed_ms)
             SELECT $1, m.id, 'waiting', m.created_ms, $3, $3 FROM webhook_messages m WHERE m.id = $2 AND m.merchant_id = $4
             ON CONFLICT (endpoint_id, message_id) DO UPDATE
             SET state = 'waiting', failures = 0, due_ms = excluded.due_ms, changed_ms = excluded.changed_ms
             WHERE webhook_deliveries.lease_until_ms <= excluded.due_ms",
        )
        .bind(&endpoint_id)
        .bind(id)
        .bind(now_ms)
        .bind(&merchant)
        .execute(&mut *c)
        .await?;
        count += done.rows_affected();
    }
    Ok(Some(count))
}

fn line(row: &AnyRow) -> Result<DeliveryLine, StoreError> {
    let state: String = row.try_get("state")?;
    let due_ms: i64 = row.try_get("due_ms")?;
    Ok(DeliveryLine {
        message_id: row.try_get("message_id")?,
        r#type: row.try_get("type")?,
        attempts: row.try_get("attempts")?,
        code: row.try_get("code")?,
        excerpt: row.try_get("excerpt")?,
        created_ms: row.try_get("created_ms")?,
        due_ms: (state == "waiting").then_some(due_ms),
        changed_ms: row.try_get("changed_ms")?,
        state,
    })
}
