//! Accounts: who is there, where they belong, and the one-time links by which they choose a password.

use super::{People, PeopleError, Role, password, token};
use crate::store::StoreError;
use crate::store::db::Conn;
use holdfast_core::id::MerchantId;
use holdfast_core::limits::INVITATION_MS;
use holdfast_core::time::UnixMs;
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// An account as it is kept.
#[derive(Clone)]
pub struct Account {
    pub id: String,
    pub email: String,
    pub name: String,
    pub(super) password: Option<String>,
    /// Wrapped.
    pub(super) totp: Option<Vec<u8>>,
    pub(super) totp_step: i64,
}

/// Somebody to be let in.
#[derive(Debug, Clone)]
pub struct NewPerson {
    pub email: String,
    pub name: String,
    pub role: Role,
    /// Where; an operator belongs to no merchant.
    pub merchant_id: Option<MerchantId>,
}

/// An address as it is compared.
pub fn email_of(text: &str) -> String {
    text.trim().to_lowercase()
}

impl People {
    /// Adds a person, or gives somebody who is there another role. Returns the account's id.
    ///
    /// # Errors
    /// When the database refuses, or there are no random numbers.
    pub async fn add(&self, now_ms: UnixMs, person: NewPerson) -> Result<String, PeopleError> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|_| PeopleError::Random)?;
        let id = uuid::Builder::from_random_bytes(random).into_uuid().as_hyphenated().to_string();
        Ok(self.db.write(move |c| Box::pin(add(c, now_ms, id, person))).await?)
    }

    /// Sets a password, and ends every session and link of the account.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn set_password(&self, user_id: &str, password: String) -> Result<(), PeopleError> {
        let hash = self.hash(password).await?;
        let user_id = user_id.to_owned();
        let write = self.db.write(move |c| {
            Box::pin(async move {
                sqlx::query("UPDATE users SET password = $1 WHERE id = $2")
                    .bind(hash)
                    .bind(&user_id)
                    .execute(&mut *c)
                    .await?;
                end_all(c, &user_id).await
            })
        });
        Ok(write.await?)
    }

    /// A one-time link's token, by which the person chooses a password and sets up a second factor anew. Whatever opened the
    /// account before no longer does.
    ///
    /// # Errors
    /// When the database refuses, or there are no random numbers.
    pub async fn invite(&self, now_ms: UnixMs, user_id: &str) -> Result<String, PeopleError> {
        let token = token::make()?;
        let (hash, user_id) = (token::hash(&token), user_id.to_owned());
        let write = self.db.write(move |c| {
            Box::pin(async move {
                end_all(c, &user_id).await?;
                sqlx::query("UPDATE users SET password = NULL, totp = NULL WHERE id = $1")
                    .bind(&user_id)
                    .execute(&mut *c)
                    .await?;
                sqlx::query("INSERT INTO invitations (token_hash, user_id, expires_ms) VALUES ($1, $2, $3)")
                    .bind(hash)
                    .bind(user_id)
                    .bind(now_ms + INVITATION_MS)
                    .execute(c)
                    .await?;
                Ok(())
            })
        });
        write.await?;
        Ok(token)
    }

    /// Whose link this is, while it holds.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn invited(&self, now_ms: UnixMs, token: &str) -> Result<Option<Account>, PeopleError> {
        let found = sqlx::query(
            "SELECT u.* FROM invitations i JOIN users u ON u.id = i.user_id WHERE i.token_hash = $1 AND i.expires_ms > $2",
        )
        .bind(token::hash(token))
        .bind(now_ms)
        .fetch_optional(self.db.reader())
        .await
        .map_err(StoreError::from)?;
        Ok(found.as_ref().map(account).transpose()?)
    }

    /// # Errors
    /// When the database refuses.
    pub async fn account(&self, email: &str) -> Result<Option<Account>, PeopleError> {
        let found = sqlx::query("SELECT * FROM users WHERE email = $1")
            .bind(email_of(email))
            .fetch_optional(self.db.reader())
            .await
            .map_err(StoreError::from)?;
        Ok(found.as_ref().map(account).transpose()?)
    }

    /// Whether the account has a password.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn can_sign_in(&self, user_id: &str) -> Result<bool, PeopleError> {
        Ok(self.account_of(user_id).await?.is_some_and(|account| account.password.is_some()))
    }

    pub(super) async fn account_of(&self, user_id: &str) -> Result<Option<Account>, PeopleError> {
        let found = sqlx::query("SELECT * FROM users WHERE id = $1")
            .bind(user_id)
            .fetch_optional(self.db.reader())
            .await
            .map_err(StoreError::from)?;
        Ok(found.as_ref().map(account).transpose()?)
    }

    /// Hashing takes a while and memory, so it has threads of its own.
    async fn hash(&self, password: String) -> Result<String, PeopleError> {
        tokio::task::spawn_blocking(move || password::hash(&password)).await.map_err(|_| PeopleError::Hash)?
    }
}

async fn add(c: &mut Conn, now_ms: UnixMs, id: String, person: NewPerson) -> Result<String, StoreError> {
    let is_operator = i64::from(person.role == Role::Operator);
    sqlx::query(
        "INSERT INTO users (id, email, name, is_operator, created_ms) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (email) DO UPDATE SET is_operator = CASE WHEN users.is_operator = 1 THEN 1 ELSE $4 END",
    )
    .bind(id)
    .bind(email_of(&person.email))
    .bind(person.name)
    .bind(is_operator)
    .bind(now_ms)
    .execute(&mut *c)
    .await?;
    let row =
        sqlx::query("SELECT id FROM users WHERE email = $1").bind(email_of(&person.email)).fetch_one(&mut *c).await?;
    let id: String = row.try_get("id")?;
    if let Some(merchant_id) = person.merchant_id.filter(|_| is_operator == 0) {
        sqlx::query(
            "INSERT INTO memberships (user_id, merchant_id, role) VALUES ($1, $2, $3)
             ON CONFLICT (user_id, merchant_id) DO UPDATE SET role = $3",
        )
        .bind(&id)
        .bind(merchant_id.to_string())
        .bind(person.role.as_str())
        .execute(c)
        .await?;
    }
    Ok(id)
}

/// Ends every session and link of an account.
pub(super) async fn end_all(c: &mut Conn, user_id: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM sessions WHERE user_id = $1").bind(user_id).execute(&mut *c).await?;
    sqlx::query("DELETE FROM invitations WHERE user_id = $1").bind(user_id).execute(c).await?;
    Ok(())
}

fn account(row: &AnyRow) -> Result<Account, StoreError> {
    Ok(Account {
        id: row.try_get("id")?,
        email: row.try_get("email")?,
        name: row.try_get("name")?,
        password: row.try_get("password")?,
        totp: row.try_get("totp")?,
        totp_step: row.try_get("totp_step")?,
    })
}
