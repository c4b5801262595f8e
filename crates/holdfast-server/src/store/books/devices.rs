//! Devices and the codes that enrol them.

use super::row::{damaged, parsed, small};
use super::{Books, Scope};
use crate::store::db::Conn;
use crate::store::{Device, StoreError};
use holdfast_core::id::{DeviceId, MerchantId};
use holdfast_core::time::UnixMs;
use holdfast_crypto::es256::VerifyingKey;
use sqlx::AnyPool;
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// A device that asks to be enrolled.
#[derive(Debug, Clone)]
pub struct Enrolment {
    pub device_id: DeviceId,
    /// SHA-256 of the code, base64url.
    pub code_hash: String,
    pub name: String,
    pub key: VerifyingKey,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Enrolled {
    Yes {
        device_number: u32,
        merchant_id: MerchantId,
    },
    /// The code is unknown, used or expired. Deliberately not told apart.
    CodeRefused,
}

/// What a device told about itself.
#[derive(Debug, Clone)]
pub struct Heartbeat {
    pub head_seq: i64,
    pub head_hash: String,
    pub waiting_count: i64,
    pub waiting_minor: i64,
    /// The same by brand, entry and age, as JSON.
    pub risk: String,
}

impl Books {
    /// Keeps a new code, and forgets those that are over.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn add_enrolment_code(
        &self,
        now_ms: UnixMs,
        merchant_id: MerchantId,
        code_hash: String,
        expires_ms: UnixMs,
    ) -> Result<(), StoreError> {
        self.db
            .write(move |c| {
                Box::pin(async move {
                    sqlx::query("DELETE FROM enrolment_codes WHERE expires_ms < $1")
                        .bind(now_ms)
                        .execute(&mut *c)
                        .await?;
                    sqlx::query("INSERT INTO enrolment_codes (code_hash, merchant_id, expires_ms) VALUES ($1, $2, $3)")
                        .bind(code_hash)
                        .bind(merchant_id.to_string())
                        .bind(expires_ms)
                        .execute(c)
                        .await?;
                    Ok(())
                })
            })
            .await
    }

    /// Uses the code up and adds the device, in one transaction.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn enrol(&self, now_ms: UnixMs, enrolment: Enrolment) -> Result<Enrolled, StoreError> {
        let scope = self.scope();
        self.db.write(move |c| Box::pin(enrol(c, scope, now_ms, enrolment))).await
    }

    /// Ends a device's right to sell. What it still holds goes to quarantine.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn revoke_device(&self, now_ms: UnixMs, id: DeviceId) -> Result<(), StoreError> {
        self.db
            .write(move |c| {
                Box::pin(async move {
                    sqlx::query("UPDATE devices SET revoked_ms = $1 WHERE id = $2 AND revoked_ms IS NULL")
                        .bind(now_ms)
                        .bind(id.to_string())
                        .execute(c)
                        .await?;
                    Ok(())
                })
            })
            .await
    }

    /// Keeps what a device told.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn heartbeat(&self, now_ms: UnixMs, id: DeviceId, told: Heartbeat) -> Result<(), StoreError> {
        self.db.write(move |c| {
                Box::pin(async move {
                    sqlx::query(
                        "UPDATE devices SET heartbeat_ms = $1, told_seq = $2, told_hash = $3, waiting_count = $4, waiting_minor = $5,
                           told_risk = $6 WHERE id = $7",
                    )
                    .bind(now_ms)
                    .bind(told.head_seq)
                    .bind(told.head_hash)
                    .bind(told.waiting_count)
                    .bind(told.waiting_minor)
                    .bind(told.risk)
                    .bind(id.to_string())
                    .execute(c)
                    .await?;
                    Ok(())
                })
            })
            .await
    }

    /// The names of a merchant's devices, for the history.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn device_names(&self, merchant_id: MerchantId) -> Result<Vec<(DeviceId, String)>, StoreError> {
        let rows = sqlx::query("SELECT id, name FROM devices WHERE merchant_id = $1")
            .bind(merchant_id.to_string())
            .fetch_all(self.db.reader())
            .await?;
        rows.iter().map(|row| Ok((parsed(row, "id")?, row.try_get("name")?))).collect()
    }
}

async fn enrol(
    connection: &mut Conn,
    scope: Scope,
    now_ms: UnixMs,
    enrolment: Enrolment,
) -> Result<Enrolled, StoreError> {
    let used = sqlx::query(
        "UPDATE enrolment_codes SET used_ms = $1 WHERE code_hash = $2 AND used_ms IS NULL AND expires_ms > $1
           RETURNING merchant_id, location_id",
    )
    .bind(now_ms)
    .bind(enrolment.code_hash)
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = used else { return Ok(Enrolled::CodeRefused) };
    let merchant_id: MerchantId = parsed(&row, "merchant_id")?;
    let location_id: Option<String> = row.try_get("location_id")?;
    // Two devices that enrol at once must not take the same number.
    let lock = scope
        .dialect
        .pick("SELECT id FROM merchants WHERE id = $1", "SELECT id FROM merchants WHERE id = $1 FOR NO KEY UPDATE");
    sqlx::query(lock).bind(merchant_id.to_string()).fetch_one(&mut *connection).await?;
    let row = sqlx::query("SELECT coalesce(max(number), 0) + 1 AS number FROM devices WHERE merchant_id = $1")
        .bind(merchant_id.to_string())
        .fetch_one(&mut *connection)
        .await?;
    let device_number = small(&row, "number")?;
    sqlx::query(
        "INSERT INTO devices (id, merchant_id, number, name, x, y, enrolled_ms, location_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(enrolment.device_id.to_string())
    .bind(merchant_id.to_string())
    .bind(i64::from(device_number))
    .bind(enrolment.name)
    .bind(enrolment.key.x())
    .bind(enrolment.key.y())
    .bind(now_ms)
    .bind(location_id)
    .execute(connection)
    .await?;
    Ok(Enrolled::Yes { device_number, merchant_id })
}

pub async fn find(reader: &AnyPool, id: DeviceId) -> Result<Option<Device>, StoreError> {
    let found = sqlx::query("SELECT * FROM devices WHERE id = $1").bind(id.to_string()).fetch_optional(reader).await?;
    found.as_ref().map(device).transpose()
}

fn device(row: &AnyRow) -> Result<Device, StoreError> {
    Ok(Device {
        id: parsed(row, "id")?,
        merchant_id: parsed(row, "merchant_id")?,
        number: small(row, "number")?,
        name: row.try_get("name")?,
        key: VerifyingKey::parse(row.try_get("x")?, row.try_get("y")?).map_err(|_| damaged("device key"))?,
        revoked_ms: row.try_get("revoked_ms")?,
    })
}
