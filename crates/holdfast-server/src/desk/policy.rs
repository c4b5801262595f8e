//! What a merchant's tills may take without an answer, as its owner sees and changes it.

use super::Desk;
use crate::store::StoreError;
use crate::store::books::row::{damaged, unsigned};
use crate::store::db::{Conn, Dialect};
use holdfast_core::card::Entry;
use holdfast_core::limits::WINDOW_MS_MAX;
use holdfast_core::policy::{Caps, Tried};
use holdfast_core::time::UnixMs;
use holdfast_wire::policy::{PolicySettings, RateWire};
use serde::Serialize;
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// Payments, the newest first, whose ends tell how often cards are declined.
const HISTORY_MAX: i64 = 20_000;

/// What holds now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyNow {
    /// How often it was changed.
    pub number: i64,
    pub currency: String,
    pub settings: PolicySettings,
}

/// One change. Times are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct PolicyChange {
    pub number: i64,
    pub at_ms: i64,
    /// A person's name or address; null for what the shop began with.
    pub who: Option<String>,
    pub settings: PolicySettings,
}

impl Desk {
    /// The settings that hold now.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn policy(&self) -> Result<PolicyNow, StoreError> {
        let row = sqlx::query(NEWEST).bind(self.id()).fetch_one(self.db.reader()).await?;
        now(&row)
    }

    /// Sets them, and keeps who did it. The same again is no change. `by`: `user:<id>`.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn set_policy(&self, now_ms: UnixMs, by: String, settings: PolicySettings) -> Result<(), StoreError> {
        let (merchant, dialect) = (self.id(), self.db.dialect());
        self.db.write(move |c| Box::pin(set(c, dialect, now_ms, merchant, by, settings))).await
    }

    /// What was changed, the newest first; the last line is what the shop began with.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn policy_changes(&self, limit: usize) -> Result<Vec<PolicyChange>, StoreError> {
        let rows = sqlx::query(
            "SELECT p.number, p.at_ms, p.settings, u.name, u.email FROM policy_changes p
               LEFT JOIN users u ON 'user:' || u.id = p.by_whom WHERE p.merchant_id = $1 ORDER BY p.number DESC LIMIT $2",
        )
        .bind(self.id())
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(self.db.reader())
        .await?;
        rows.iter().map(change).collect()
    }

    /// How often the shop's cards were declined, by brand and entry, the prior for small numbers included.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn decline_rates(&self) -> Result<Vec<RateWire>, StoreError> {
        let rows = sqlx::query(
            "SELECT brand, entry, count(*) AS count, count(CASE WHEN state = 'declined' THEN 1 END) AS declined FROM
               (SELECT brand, entry, state FROM payments WHERE merchant_id = $1
                  AND state IN ('captured', 'partly-refunded', 'refunded', 'declined') ORDER BY change DESC LIMIT $2) AS ended
             GROUP BY brand, entry ORDER BY brand, entry",
        )
        .bind(self.id())
        .bind(HISTORY_MAX)
        .fetch_all(self.db.reader())
        .await?;
        rows.iter().map(rate).collect()
    }
}

const NEWEST: &str = "SELECT m.currency, m.window_ms, m.payment_minor_max, m.keyed_minor_max, m.total_minor_max, p.number, p.settings
     FROM merchants m LEFT JOIN policy_changes p ON p.merchant_id = m.id WHERE m.id = $1 ORDER BY p.number DESC LIMIT 1";

fn now(row: &AnyRow) -> Result<PolicyNow, StoreError> {
    let number: Option<i64> = row.try_get("number")?;
    let settings: Option<String> = row.try_get("settings")?;
    let settings = match settings {
        Some(text) => read(&text)?,
        None => {
            let caps = Caps::of(
                row.try_get("payment_minor_max")?,
                row.try_get("keyed_minor_max")?,
                row.try_get("total_minor_max")?,
            );
            PolicySettings::of(row.try_get("window_ms")?, caps)
        }
    };
    Ok(PolicyNow { number: number.unwrap_or(0), currency: row.try_get("currency")?, settings })
}

fn read(text: &str) -> Result<PolicySettings, StoreError> {
    PolicySettings::from_json(text).map_err(|_| damaged("policy"))
}

async fn set(
    c: &mut Conn,
    dialect: Dialect,
    now_ms: UnixMs,
    merchant: String,
    by: String,
    settings: PolicySettings,
) -> Result<(), StoreError> {
    // Two changes at once follow one another.
    let lock = dialect
        .pick("SELECT id FROM merchants WHERE id = $1", "SELECT id FROM merchants WHERE id = $1 FOR NO KEY UPDATE");
    sqlx::query(lock).bind(&merchant).fetch_one(&mut *c).await?;
    let row = sqlx::query(NEWEST).bind(&merchant).fetch_one(&mut *c).await?;
    let held = now(&row)?;
    if held.settings == settings {
        return Ok(());
    }
    if row.try_get::<Option<i64>, _>("number")?.is_none() {
        keep(c, &merchant, 0, 0, "server", &held.settings).await?;
    }
    keep(c, &merchant, held.number + 1, now_ms, &by, &settings).await?;
    // A till of an earlier version reads these with the shop.
    sqlx::query(
        "UPDATE merchants SET window_ms = $1, payment_minor_max = $2, keyed_minor_max = $3, total_minor_max = $4 WHERE id = $5",
    )
    .bind(settings.window_ms)
    .bind(settings.payment_minor_max)
    .bind(settings.keyed_minor_max)
    .bind(settings.total_minor_max)
    .bind(merchant)
    .execute(c)
    .await?;
    Ok(())
}

async fn keep(
    c: &mut Conn,
    merchant: &str,
    number: i64,
    at_ms: UnixMs,
    by: &str,
    settings: &PolicySettings,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO policy_changes (merchant_id, number, at_ms, by_whom, settings, window_ms) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(merchant)
    .bind(number)
    .bind(at_ms)
    .bind(by)
    .bind(settings.to_json())
    .bind(settings.window_ms.clamp(0, WINDOW_MS_MAX))
    .execute(c)
    .await?;
    Ok(())
}

fn change(row: &AnyRow) -> Result<PolicyChange, StoreError> {
    let (name, email): (Option<String>, Option<String>) = (row.try_get("name")?, row.try_get("email")?);
    Ok(PolicyChange {
        number: row.try_get("number")?,
        at_ms: row.try_get("at_ms")?,
        who: name.filter(|name| !name.is_empty()).or(email),
        settings: read(row.try_get("settings")?)?,
    })
}

fn rate(row: &AnyRow) -> Result<RateWire, StoreError> {
    let entry: String = row.try_get("entry")?;
    let known = Entry::from_name(&entry).ok_or_else(|| damaged("entry"))?;
    let tried = Tried { count: unsigned(row, "count")?, declined_count: unsigned(row, "declined")? };
    Ok(RateWire {
        brand: row.try_get("brand")?,
        entry,
        declined_bp: tried.declined_bp(known),
        count: tried.count,
        declined_count: tried.declined_count,
    })
}
