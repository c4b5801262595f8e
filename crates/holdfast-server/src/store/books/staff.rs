//! Who sells at the tills.

use super::Books;
use super::row::{damaged, flag};
use crate::store::StoreError;
use crate::store::db::Conn;
use holdfast_core::id::{MerchantId, StaffId};
use holdfast_core::limits::STAFF_MAX;
use holdfast_core::staff::{StaffRole, first_name};
use holdfast_core::time::UnixMs;
use holdfast_wire::team::StaffWire;
use sqlx::Row as _;

/// Somebody on the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaffMember {
    pub id: StaffId,
    pub name: String,
    pub role: StaffRole,
    pub is_active: bool,
    pub has_pin: bool,
}

/// Somebody to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewStaff {
    pub id: StaffId,
    pub name: String,
    pub role: StaffRole,
    /// What tills try a PIN against.
    pub pin: Option<String>,
}

/// What is to be different; the rest stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StaffChange {
    pub name: Option<String>,
    pub role: Option<StaffRole>,
    pub is_active: Option<bool>,
    pub pin: Option<String>,
}

/// What became of somebody to be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StaffAdded {
    New,
    /// This id is there already, and was left as it is.
    There,
    /// The list has as many as it can hold.
    Full,
}

impl Books {
    /// The list, by name; those who left are on it.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn staff(&self, merchant_id: MerchantId) -> Result<Vec<StaffMember>, StoreError> {
        let rows = sqlx::query("SELECT * FROM staff WHERE merchant_id = $1")
            .bind(merchant_id.to_string())
            .fetch_all(self.db.reader())
            .await?;
        let member = |row: &sqlx::any::AnyRow| {
            Ok(StaffMember {
                id: super::row::parsed(row, "id")?,
                name: row.try_get("name")?,
                role: StaffRole::from_name(row.try_get("role")?).ok_or_else(|| damaged("role"))?,
                is_active: flag(row, "is_active")?,
                has_pin: row.try_get::<Option<String>, _>("pin")?.is_some(),
            })
        };
        let mut all = rows.iter().map(member).collect::<Result<Vec<_>, StoreError>>()?;
        // By bytes, whatever order the database's language has.
        all.sort_by(|a, b| (!a.is_active, &a.name, a.id).cmp(&(!b.is_active, &b.name, b.id)));
        Ok(all)
    }

    /// What somebody on the list is called.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn staff_names(&self, merchant_id: MerchantId) -> Result<Vec<(String, String)>, StoreError> {
        let rows = sqlx::query("SELECT id, name FROM staff WHERE merchant_id = $1")
            .bind(merchant_id.to_string())
            .fetch_all(self.db.reader())
            .await?;
        rows.iter().map(|row| Ok((row.try_get("id")?, row.try_get("name")?))).collect()
    }

    /// Who served, for the receipt of a shop that wants it there.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn served_by(&self, merchant_id: MerchantId, staff: &str) -> Result<Option<String>, StoreError> {
        let row = sqlx::query(
            "SELECT s.name FROM staff s JOIN merchants m ON m.id = s.merchant_id
             WHERE s.merchant_id = $1 AND s.id = $2 AND m.staff_on_receipts = 1",
        )
        .bind(merchant_id.to_string())
        .bind(staff)
        .fetch_optional(self.db.reader())
        .await?;
        let name = row.map(|row| row.try_get::<String, _>("name")).transpose()?;
        Ok(name.map(|name| first_name(&name).to_owned()).filter(|name| !name.is_empty()))
    }

    /// Adds somebody. The same id again changes nothing.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn add_staff(
        &self,
        merchant_id: MerchantId,
        now_ms: UnixMs,
        new: NewStaff,
    ) -> Result<StaffAdded, StoreError> {
        let merchant = merchant_id.to_string();
        self.db.write(move |c| Box::pin(add(c, merchant, now_ms, new))).await
    }

    /// Changes somebody. `false`: nobody here has this id.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn change_staff(
        &self,
        merchant_id: MerchantId,
        now_ms: UnixMs,
        id: StaffId,
        change: StaffChange,
    ) -> Result<bool, StoreError> {
        let merchant = merchant_id.to_string();
        self.db.write(move |c| Box::pin(change_one(c, merchant, now_ms, id, change))).await
    }
}

/// Whoever may sign in at a till: active, with a PIN.
pub async fn who_can_sign_in(c: &mut Conn, merchant_id: &str) -> Result<Vec<StaffWire>, StoreError> {
    let rows = sqlx::query(
        "SELECT id, name, role, pin FROM staff WHERE merchant_id = $1 AND is_active = 1 AND pin IS NOT NULL ORDER BY id",
    )
    .bind(merchant_id)
    .fetch_all(c)
    .await?;
    let entry = |row: &sqlx::any::AnyRow| {
        Ok(StaffWire {
            id: row.try_get("id")?,
            name: row.try_get("name")?,
            role: row.try_get("role")?,
            pin: row.try_get("pin")?,
        })
    };
    let mut all = rows.iter().map(entry).collect::<Result<Vec<_>, StoreError>>()?;
    all.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
    Ok(all)
}

async fn add(c: &mut Conn, merchant: String, now_ms: UnixMs, new: NewStaff) -> Result<StaffAdded, StoreError> {
    // Holds the merchant, so that many who add at once do not pass the limit.
    sqlx::query("UPDATE merchants SET name = name WHERE id = $1").bind(&merchant).execute(&mut *c).await?;
    let row = sqlx::query(
        "SELECT count(*) AS everybody, count(CASE WHEN id = $2 THEN 1 END) AS with_this_id FROM staff WHERE merchant_id = $1",
    )
    .bind(&merchant)
    .bind(new.id.to_string())
    .fetch_one(&mut *c)
    .await?;
    if row.try_get::<i64, _>("with_this_id")? > 0 {
        return Ok(StaffAdded::There);
    }
    if row.try_get::<i64, _>("everybody")? >= i64::try_from(STAFF_MAX).unwrap_or(i64::MAX) {
        return Ok(StaffAdded::Full);
    }
    sqlx::query(
        "INSERT INTO staff (id, merchant_id, name, role, pin, is_active, changed_ms) VALUES ($1, $2, $3, $4, $5, 1, $6)",
    )
    .bind(new.id.to_string())
    .bind(merchant)
    .bind(&new.name)
    .bind(new.role.name())
    .bind(&new.pin)
    .bind(now_ms)
    .execute(c)
    .await?;
    Ok(StaffAdded::New)
}

async fn change_one(
    c: &mut Conn,
    merchant: String,
    now_ms: UnixMs,
    id: StaffId,
    change: StaffChange,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "UPDATE staff SET name = coalesce($1, name), role = coalesce($2, role), is_active = coalesce($3, is_active),
           pin = coalesce($4, pin), changed_ms = $5 WHERE merchant_id = $6 AND id = $7",
    )
    .bind(&change.name)
    .bind(change.role.map(StaffRole::name))
    .bind(change.is_active.map(i64::from))
    .bind(&change.pin)
    .bind(now_ms)
    .bind(merchant)
    .bind(id.to_string())
    .execute(c)
    .await?;
    Ok(done.rows_affected() > 0)
}
