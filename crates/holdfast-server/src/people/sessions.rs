//! Sessions: what a token stands for, and when it ends.

use super::accounts::end_all;
use super::{People, PeopleError, Role, token};
use crate::store::StoreError;
use crate::store::db::Conn;
use holdfast_core::id::MerchantId;
use holdfast_core::limits::{SESSION_HALF_MS_MAX, SESSION_IDLE_MS_MAX, SESSION_MS_MAX};
use holdfast_core::time::UnixMs;
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// A use is written down at most this often: a page that is looked at must not cost a commit each time.
const USED_EVERY_MS: i64 = 60_000;

/// How far a sign-in has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The password was right; the code is still to come.
    Code,
    /// The password was right; there is no second factor yet, and nothing goes on without one.
    SetUp,
    /// All of it.
    Open,
}

impl Stage {
    fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::SetUp => "set-up",
            Self::Open => "open",
        }
    }
}

/// A session that holds now.
#[derive(Debug, Clone)]
pub struct Session {
    pub(super) token_hash: String,
    pub user_id: String,
    pub email: String,
    pub name: String,
    pub stage: Stage,
    pub is_operator: bool,
    /// The merchant that it acts for. Gone when the person no longer belongs there.
    pub at: Option<Membership>,
    pub expires_ms: UnixMs,
}

/// Where somebody belongs, and as what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    pub merchant_id: MerchantId,
    pub merchant_name: String,
    /// The shop's time zone, by its IANA name.
    pub zone: String,
    pub role: Role,
}

impl Session {
    /// What this person may do, here.
    pub fn role(&self) -> Option<Role> {
        match (&self.at, self.is_operator) {
            (Some(at), _) => Some(at.role),
            (None, true) => Some(Role::Operator),
            (None, false) => None,
        }
    }
}

impl People {
    /// Opens a session. Somebody who belongs to one merchant acts for that one.
    pub(crate) async fn open(&self, now_ms: UnixMs, user_id: &str, stage: Stage) -> Result<String, PeopleError> {
        let token = token::make()?;
        let (hash, user_id) = (token::hash(&token), user_id.to_owned());
        self.db.write(move |c| Box::pin(insert(c, now_ms, hash, user_id, stage))).await?;
        Ok(token)
    }

    /// The session that a token stands for, if it holds. Its use is noted.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn session(&self, now_ms: UnixMs, token: &str) -> Result<Option<Session>, PeopleError> {
        self.session_used(now_ms, token, true).await
    }

    /// The same. When nobody asked, as when a page keeps itself up to date, it is no use, and the session ends as if nothing had come.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn session_used(
        &self,
        now_ms: UnixMs,
        token: &str,
        is_asked: bool,
    ) -> Result<Option<Session>, PeopleError> {
        let found = sqlx::query(
            "SELECT s.token_hash, s.user_id, s.stage, s.used_ms, s.expires_ms, u.email, u.name, u.is_operator,
               m.merchant_id, m.role, k.name AS merchant_name, k.zone
             FROM sessions s JOIN users u ON u.id = s.user_id
             LEFT JOIN memberships m ON m.user_id = s.user_id AND m.merchant_id = s.merchant_id
             LEFT JOIN merchants k ON k.id = m.merchant_id
             WHERE s.token_hash = $1 AND s.expires_ms > $2 AND s.used_ms > $3",
        )
        .bind(token::hash(token))
        .bind(now_ms)
        .bind(now_ms - SESSION_IDLE_MS_MAX)
        .fetch_optional(self.db.reader())
        .await
        .map_err(StoreError::from)?;
        let Some(row) = found else { return Ok(None) };
        let session = session(&row)?;
        let used_ms: i64 = row.try_get("used_ms").map_err(StoreError::from)?;
        if is_asked && used_ms < now_ms - USED_EVERY_MS {
            let hash = session.token_hash.clone();
            let write = self.db.write(move |c| {
                Box::pin(async move {
                    sqlx::query("UPDATE sessions SET used_ms = $1 WHERE token_hash = $2")
                        .bind(now_ms)
                        .bind(hash)
                        .execute(c)
                        .await?;
                    Ok(())
                })
            });
            write.await?;
        }
        Ok(Some(session))
    }

    /// Where a person belongs.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn memberships(&self, user_id: &str) -> Result<Vec<Membership>, PeopleError> {
        let rows = sqlx::query(
            "SELECT m.merchant_id, m.role, k.name AS merchant_name, k.zone FROM memberships m
             JOIN merchants k ON k.id = m.merchant_id WHERE m.user_id = $1 ORDER BY k.name, k.id",
        )
        .bind(user_id)
        .fetch_all(self.db.reader())
        .await
        .map_err(StoreError::from)?;
        Ok(rows.iter().map(|row| membership(row)?.ok_or_else(damaged)).collect::<Result<_, StoreError>>()?)
    }

    /// Lets a session act for another merchant of the person's own. `false`: they do not belong there.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn choose(&self, session: &Session, merchant_id: MerchantId) -> Result<bool, PeopleError> {
        let (hash, user_id) = (session.token_hash.clone(), session.user_id.clone());
        let write = self.db.write(move |c| {
            Box::pin(async move {
                let done = sqlx::query(
                    "UPDATE sessions SET merchant_id = $1 WHERE token_hash = $2 AND user_id = $3
                       AND EXISTS (SELECT 1 FROM memberships WHERE user_id = $3 AND merchant_id = $1)",
                )
                .bind(merchant_id.to_string())
                .bind(hash)
                .bind(user_id)
                .execute(c)
                .await?;
                Ok(done.rows_affected() == 1)
            })
        });
        Ok(write.await?)
    }

    /// Ends this session.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn sign_out(&self, session: &Session) -> Result<(), PeopleError> {
        let hash = session.token_hash.clone();
        let write = self.db.write(move |c| {
            Box::pin(async move {
                sqlx::query("DELETE FROM sessions WHERE token_hash = $1").bind(hash).execute(c).await?;
                Ok(())
            })
        });
        Ok(write.await?)
    }

    /// Ends every session of this person.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn sign_out_everywhere(&self, session: &Session) -> Result<(), PeopleError> {
        let user_id = session.user_id.clone();
        Ok(self.db.write(move |c| Box::pin(async move { end_all(c, &user_id).await })).await?)
    }
}

async fn insert(c: &mut Conn, now_ms: UnixMs, hash: String, user_id: String, stage: Stage) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM sessions WHERE expires_ms < $1").bind(now_ms).execute(&mut *c).await?;
    let life_ms = if stage == Stage::Open { SESSION_MS_MAX } else { SESSION_HALF_MS_MAX };
    let own = sqlx::query("SELECT merchant_id FROM memberships WHERE user_id = $1 LIMIT 2")
        .bind(&user_id)
        .fetch_all(&mut *c)
        .await?;
    let merchant_id: Option<String> = match own.as_slice() {
        [only] => Some(only.try_get("merchant_id")?),
        _ => None,
    };
    sqlx::query(
        "INSERT INTO sessions (token_hash, user_id, merchant_id, stage, created_ms, used_ms, expires_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(hash)
    .bind(user_id)
    .bind(merchant_id)
    .bind(stage.as_str())
    .bind(now_ms)
    .bind(now_ms)
    .bind(now_ms + life_ms)
    .execute(c)
    .await?;
    Ok(())
}

fn session(row: &AnyRow) -> Result<Session, StoreError> {
    let is_operator: i64 = row.try_get("is_operator")?;
    Ok(Session {
        token_hash: row.try_get("token_hash")?,
        user_id: row.try_get("user_id")?,
        email: row.try_get("email")?,
        name: row.try_get("name")?,
        stage: match row.try_get::<&str, _>("stage")? {
            "code" => Stage::Code,
            "set-up" => Stage::SetUp,
            "open" => Stage::Open,
            _ => return Err(damaged()),
        },
        is_operator: is_operator != 0,
        at: membership(row)?,
        expires_ms: row.try_get("expires_ms")?,
    })
}

fn membership(row: &AnyRow) -> Result<Option<Membership>, StoreError> {
    let Some(merchant_id) = row.try_get::<Option<String>, _>("merchant_id")? else { return Ok(None) };
    Ok(Some(Membership {
        merchant_id: merchant_id.parse().map_err(|_| damaged())?,
        merchant_name: row.try_get("merchant_name")?,
        zone: row.try_get("zone")?,
        role: Role::parse(row.try_get("role")?).ok_or_else(damaged)?,
    }))
}

fn damaged() -> StoreError {
    StoreError::Database("a row about people holds no valid value".to_owned())
}
