//! A merchant's devices, and the locations where they stand.

use super::Desk;
use crate::store::StoreError;
use holdfast_core::id::DeviceId;
use holdfast_core::time::UnixMs;
use serde::Serialize;
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// A device as its owner sees it. Times are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct DeviceRow {
    pub id: String,
    pub number: i64,
    pub name: String,
    pub location_id: Option<String>,
    pub location_name: Option<String>,
    pub enrolled_ms: i64,
    pub revoked_ms: Option<i64>,
    /// When it last told about itself.
    pub seen_ms: Option<i64>,
    /// What it then still held.
    pub waiting_count: Option<i64>,
    pub waiting_minor: Option<i64>,
}

/// A place where devices stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Location {
    pub id: String,
    pub name: String,
}

impl Desk {
    /// Every device, by its number.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn devices(&self) -> Result<Vec<DeviceRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT d.id, d.number, d.name, d.location_id, d.enrolled_ms, d.revoked_ms, d.heartbeat_ms, d.waiting_count,
               d.waiting_minor, l.name AS location_name
             FROM devices d LEFT JOIN locations l ON l.id = d.location_id WHERE d.merchant_id = $1 AND d.kind = 'till'
             ORDER BY d.number",
        )
        .bind(self.id())
        .fetch_all(self.db.reader())
        .await?;
        rows.iter().map(device).collect()
    }

    /// Gives a device another name. `false`: there is no such device here.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn rename_device(&self, id: DeviceId, name: String) -> Result<bool, StoreError> {
        let merchant = self.id();
        let write = self.db.write(move |c| {
            Box::pin(async move {
                let done =
                    sqlx::query("UPDATE devices SET name = $1 WHERE id = $2 AND merchant_id = $3 AND kind = 'till'")
                        .bind(name)
                        .bind(id.to_string())
                        .bind(merchant)
                        .execute(c)
                        .await?;
                Ok(done.rows_affected() == 1)
            })
        });
        write.await
    }

    /// Ends a device's right to sell; what it still holds goes to quarantine. Doing it again changes nothing. `false`: there is
    /// no such device here.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn revoke_device(&self, now_ms: UnixMs, id: DeviceId) -> Result<bool, StoreError> {
        let merchant = self.id();
        let write = self.db.write(move |c| {
            Box::pin(async move {
                let done = sqlx::query(
                    "UPDATE devices SET revoked_ms = coalesce(revoked_ms, $1) WHERE id = $2 AND merchant_id = $3
                     AND kind = 'till'",
                )
                .bind(now_ms)
                .bind(id.to_string())
                .bind(merchant)
                .execute(c)
                .await?;
                Ok(done.rows_affected() == 1)
            })
        });
        write.await
    }

    /// # Errors
    /// When the database refuses.
    pub async fn locations(&self) -> Result<Vec<Location>, StoreError> {
        let rows = sqlx::query("SELECT id, name FROM locations WHERE merchant_id = $1 ORDER BY name, id")
            .bind(self.id())
            .fetch_all(self.db.reader())
            .await?;
        rows.iter().map(|row| Ok(Location { id: row.try_get("id")?, name: row.try_get("name")? })).collect()
    }

    /// # Errors
    /// When the database refuses.
    pub async fn add_location(&self, now_ms: UnixMs, id: String, name: String) -> Result<Location, StoreError> {
        let merchant = self.id();
        let write = self.db.write(move |c| {
            Box::pin(async move {
                sqlx::query("INSERT INTO locations (id, merchant_id, name, created_ms) VALUES ($1, $2, $3, $4)")
                    .bind(&id)
                    .bind(merchant)
                    .bind(&name)
                    .bind(now_ms)
                    .execute(c)
                    .await?;
                Ok(Location { id, name })
            })
        });
        write.await
    }
}

fn device(row: &AnyRow) -> Result<DeviceRow, StoreError> {
    Ok(DeviceRow {
        id: row.try_get("id")?,
        number: row.try_get("number")?,
        name: row.try_get("name")?,
        location_id: row.try_get("location_id")?,
        location_name: row.try_get("location_name")?,
        enrolled_ms: row.try_get("enrolled_ms")?,
        revoked_ms: row.try_get("revoked_ms")?,
        seen_ms: row.try_get("heartbeat_ms")?,
        waiting_count: row.try_get("waiting_count")?,
        waiting_minor: row.try_get("waiting_minor")?,
    })
}
