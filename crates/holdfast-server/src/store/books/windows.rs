//! The offline windows of merchants, for what arrived at many times.

use super::row::{damaged, parsed};
use crate::store::StoreError;
use crate::store::db::{Conn, rows};
use holdfast_core::id::MerchantId;
use holdfast_core::limits::WINDOW_MS_MAX;
use holdfast_core::time::UnixMs;
use sqlx::Row as _;
use std::collections::{BTreeSet, HashMap};

/// What the shop said when: at, window.
type Changes = Vec<(UnixMs, i64)>;

/// Windows as they were and are. One that was shortened holds on for as long as a till may have been offline and not know of it.
pub struct Windows(HashMap<MerchantId, (i64, Changes)>);

impl Windows {
    /// Reads what is needed for payments of these merchants that arrived then.
    pub async fn read(c: &mut Conn, arrived: Vec<(MerchantId, UnixMs)>) -> Result<Self, StoreError> {
        let merchants: BTreeSet<String> = arrived.iter().map(|(merchant_id, _)| merchant_id.to_string()).collect();
        let earliest = arrived.iter().map(|(_, at_ms)| known_since(*at_ms)).min().unwrap_or(0);
        let head = "SELECT id, window_ms FROM merchants WHERE id IN ";
        let mut windows = HashMap::new();
        for row in rows::read(c, head, "", None, merchants.iter().map(String::as_str)).await? {
            windows.insert(parsed(&row, "id")?, (row.try_get("window_ms")?, Changes::new()));
        }
        let head = "SELECT merchant_id, at_ms, window_ms FROM policy_changes p WHERE number >=
            (SELECT coalesce(max(number), 0) FROM policy_changes q WHERE q.merchant_id = p.merchant_id AND q.at_ms <= $1) AND merchant_id IN ";
        let changes = rows::read(c, head, " ORDER BY merchant_id, number", Some(earliest.into()), merchants).await?;
        for row in changes {
            let change = (row.try_get("at_ms")?, row.try_get("window_ms")?);
            windows.entry(parsed(&row, "merchant_id")?).or_default().1.push(change);
        }
        Ok(Self(windows))
    }

    /// The longest that a till could know of when it made what arrived at `at_ms`.
    pub fn of(&self, merchant_id: MerchantId, at_ms: UnixMs) -> Result<i64, StoreError> {
        let (now, changes) = self.0.get(&merchant_id).ok_or_else(|| damaged("merchant"))?;
        let since = changes.iter().rposition(|(at, _)| *at <= known_since(at_ms)).unwrap_or(0);
        let longest = changes.iter().skip(since).map(|(_, window_ms)| *window_ms).max();
        Ok(longest.unwrap_or(*now).clamp(0, WINDOW_MS_MAX))
    }
}

/// What a till that comes now had to know of.
fn known_since(at_ms: UnixMs) -> UnixMs {
    at_ms.saturating_sub(WINDOW_MS_MAX)
}
