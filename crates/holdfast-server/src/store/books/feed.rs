//! Numbers of the feed of changes. A number is taken together with a lock on its feed that holds until the commit, so whoever
//! reads the feed never sees a number before those below it.

use super::Scope;
use crate::store::StoreError;
use crate::store::db::{Conn, Dialect};
use holdfast_core::id::MerchantId;
use sqlx::Row as _;

/// SQLite has one writer, and so one feed for all merchants.
const SHARED: &str = "all";

/// Takes `count` numbers in a row and gives the first.
pub async fn take(connection: &mut Conn, scope: Scope, merchant_id: MerchantId, count: i64) -> Result<i64, StoreError> {
    let feed = match scope.dialect {
        Dialect::Sqlite => SHARED.to_owned(),
        Dialect::Postgres => merchant_id.to_string(),
    };
    let row = sqlx::query(
        "INSERT INTO feeds (feed, last_change) VALUES ($1, $2) ON CONFLICT (feed)
         DO UPDATE SET last_change = feeds.last_change + excluded.last_change RETURNING last_change",
    )
    .bind(feed)
    .bind(count)
    .fetch_one(connection)
    .await?;
    let last: i64 = row.try_get("last_change")?;
    Ok(last - count + 1)
}
