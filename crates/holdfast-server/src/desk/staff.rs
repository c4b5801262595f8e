//! Who works for a merchant: a list, one-time links for new people, roles, and the end of it. There is always an owner.

use super::Desk;
use crate::people::{NewPerson, People, PeopleError, Role};
use crate::store::StoreError;
use crate::store::db::Conn;
use holdfast_core::limits::INVITATION_MS;
use holdfast_core::time::UnixMs;
use serde::Serialize;
use sqlx::Row as _;

/// Somebody who works here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct StaffRow {
    pub id: String,
    pub email: String,
    pub name: String,
    /// `owner`, `manager` or `cashier`.
    pub role: String,
    /// Whether a password was chosen.
    pub can_sign_in: bool,
    /// Until when the one-time link holds, while it was not used.
    pub invited_until_ms: Option<i64>,
}

/// Somebody who was let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Let {
    pub id: String,
    /// The token of a one-time link; none for somebody who signs in elsewhere already.
    pub link: Option<String>,
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StaffChange {
    Done,
    /// Nobody here has this id.
    Unknown,
    /// Then nobody could let anybody in.
    LastOwner,
}

impl Desk {
    /// Everybody, by address.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn staff(&self, now_ms: UnixMs) -> Result<Vec<StaffRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT u.id, u.email, u.name, u.password, m.role,
               (SELECT max(i.expires_ms) FROM invitations i WHERE i.user_id = u.id AND i.expires_ms > $2) AS invited_until_ms
             FROM memberships m JOIN users u ON u.id = m.user_id WHERE m.merchant_id = $1 ORDER BY u.email",
        )
        .bind(self.id())
        .bind(now_ms)
        .fetch_all(self.db.reader())
        .await?;
        let row = |row: &sqlx::any::AnyRow| {
            Ok(StaffRow {
                id: row.try_get("id")?,
                email: row.try_get("email")?,
                name: row.try_get("name")?,
                role: row.try_get("role")?,
                can_sign_in: row.try_get::<Option<String>, _>("password")?.is_some(),
                invited_until_ms: row.try_get("invited_until_ms")?,
            })
        };
        rows.iter().map(row).collect()
    }

    /// Lets somebody in. `None`: they are here already.
    ///
    /// Somebody whose account is from elsewhere keeps it as it is: a link would let this shop's owner into the other one.
    ///
    /// # Errors
    /// When the database refuses, or there are no random numbers.
    pub async fn let_in(
        &self,
        people: &People,
        now_ms: UnixMs,
        email: &str,
        name: &str,
        role: Role,
    ) -> Result<Option<Let>, PeopleError> {
        if let Some(account) = people.account(email).await?
            && self.role_of(&account.id).await?.is_some()
        {
            return Ok(None);
        }
        let person =
            NewPerson { email: email.to_owned(), name: name.to_owned(), role, merchant_id: Some(self.merchant_id) };
        let id = people.add(now_ms, person).await?;
        let link = if self.is_only_here(&id).await? { Some(people.invite(now_ms, &id).await?) } else { None };
        Ok(Some(Let { id, link }))
    }

    /// A fresh one-time link for somebody who lost password or phone. Whatever let them in before no longer does. `None`: nobody here has this
    /// id, or they are somewhere else too.
    ///
    /// # Errors
    /// When the database refuses, or there are no random numbers.
    pub async fn invite_again(
        &self,
        people: &People,
        now_ms: UnixMs,
        user_id: &str,
    ) -> Result<Option<String>, PeopleError> {
        let is_ours = self.role_of(user_id).await?.is_some() && self.is_only_here(user_id).await?;
        if is_ours { Ok(Some(people.invite(now_ms, user_id).await?)) } else { Ok(None) }
    }

    /// Gives somebody another role, and ends their sessions here.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn set_role(&self, user_id: &str, role: Role) -> Result<StaffChange, StoreError> {
        self.change(user_id, Some(role)).await
    }

    /// Lets somebody work here no longer, and ends their sessions here.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn let_go(&self, user_id: &str) -> Result<StaffChange, StoreError> {
        self.change(user_id, None).await
    }

    /// What somebody is here.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn role_of(&self, user_id: &str) -> Result<Option<Role>, StoreError> {
        let found = sqlx::query("SELECT role FROM memberships WHERE user_id = $1 AND merchant_id = $2")
            .bind(user_id)
            .bind(self.id())
            .fetch_optional(self.db.reader())
            .await?;
        Ok(found.map(|row| row.try_get::<String, _>("role")).transpose()?.and_then(|role| Role::parse(&role)))
    }

    async fn is_only_here(&self, user_id: &str) -> Result<bool, StoreError> {
        let found = sqlx::query(
            "SELECT 1 FROM users u WHERE u.id = $1 AND u.is_operator = 0
               AND NOT EXISTS (SELECT 1 FROM memberships m WHERE m.user_id = u.id AND m.merchant_id <> $2)",
        )
        .bind(user_id)
        .bind(self.id())
        .fetch_optional(self.db.reader())
        .await?;
        Ok(found.is_some())
    }

    async fn change(&self, user_id: &str, role: Option<Role>) -> Result<StaffChange, StoreError> {
        let (user_id, merchant) = (user_id.to_owned(), self.id());
        self.db.write(move |c| Box::pin(change(c, user_id, merchant, role))).await
    }
}

async fn change(
    c: &mut Conn,
    user_id: String,
    merchant: String,
    role: Option<Role>,
) -> Result<StaffChange, StoreError> {
    // Locks the merchant, so that two owners who take each other's role away at once leave one.
    sqlx::query("UPDATE merchants SET name = name WHERE id = $1").bind(&merchant).execute(&mut *c).await?;
    let owners = sqlx::query("SELECT user_id FROM memberships WHERE merchant_id = $1 AND role = 'owner'")
        .bind(&merchant)
        .fetch_all(&mut *c)
        .await?;
    let is_owner = |row: &sqlx::any::AnyRow| row.try_get::<&str, _>("user_id").is_ok_and(|id| id == user_id);
    if owners.len() == 1 && owners.iter().any(is_owner) && role != Some(Role::Owner) {
        return Ok(StaffChange::LastOwner);
    }
    let text = match role {
        Some(_) => "UPDATE memberships SET role = $3 WHERE user_id = $1 AND merchant_id = $2",
        None => "DELETE FROM memberships WHERE user_id = $1 AND merchant_id = $2 AND $3 = ''",
    };
    let done =
        sqlx::query(text).bind(&user_id).bind(&merchant).bind(role.map_or("", Role::as_str)).execute(&mut *c).await?;
    if done.rows_affected() == 0 {
        return Ok(StaffChange::Unknown);
    }
    sqlx::query("DELETE FROM sessions WHERE user_id = $1 AND merchant_id = $2")
        .bind(&user_id)
        .bind(&merchant)
        .execute(&mut *c)
        .await?;
    if role.is_none() {
        // A link that was not used must not bring back somebody who belongs nowhere.
        sqlx::query(
            "DELETE FROM invitations WHERE user_id = $1 AND NOT EXISTS (SELECT 1 FROM memberships WHERE user_id = $1)",
        )
        .bind(user_id)
        .execute(c)
        .await?;
    }
    Ok(StaffChange::Done)
}

/// Until when a link that is made now holds.
pub fn link_until_ms(now_ms: UnixMs) -> UnixMs {
    now_ms + INVITATION_MS
}
