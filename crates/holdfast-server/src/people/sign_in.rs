//! Signing in: a password, then a code; and setting up the second factor, without which nothing opens.

use super::accounts::{Account, email_of};
use super::attempts::{Right, Subjects};
use super::sessions::{Session, Stage};
use super::{People, PeopleError, password, totp};
use crate::store::StoreError;
use holdfast_core::time::UnixMs;
use holdfast_crypto::SecretBytes;
use sqlx::Row as _;
use tokio::sync::Semaphore;

/// Passwords that are judged at once. Each takes 19 MiB; more wait.
static JUDGED_AT_ONCE: Semaphore = Semaphore::const_new(4);

/// What opens an account.
#[derive(Clone)]
pub struct Proof {
    pub email: String,
    pub password: String,
    /// The code, when it comes along with the password.
    pub code: Option<String>,
}

/// Why somebody was not let in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Deliberately without telling what of it was wrong.
    #[error("this sign-in is not right")]
    Refused,
    #[error("too many attempts: wait {0} ms")]
    Wait(i64),
    #[error(transparent)]
    People(#[from] PeopleError),
}

impl From<StoreError> for SignInError {
    fn from(error: StoreError) -> Self {
        Self::People(error.into())
    }
}

impl People {
    /// Judges a password, and the code if it came along. Returns a token and how far it leads.
    ///
    /// # Errors
    /// When it is refused, comes too soon, or the database refuses.
    pub async fn sign_in(&self, now_ms: UnixMs, address: &str, proof: Proof) -> Result<(String, Stage), SignInError> {
        let subjects = Subjects::of(&email_of(&proof.email), address);
        if let Some(wait_ms) = self.admit(now_ms, &subjects).await? {
            return Err(SignInError::Wait(wait_ms));
        }
        let account = self.account(&proof.email).await?;
        let kept = account.as_ref().and_then(|account| account.password.clone());
        let is_known = kept.is_some();
        // Somebody unknown costs the same time.
        let kept = kept.unwrap_or_else(|| self.nobody.to_string());
        let is_right = self.judge(proof.password, kept).await? && is_known;
        let Some(account) = account.filter(|_| is_right) else { return Err(SignInError::Refused) };
        let stage = match (&account.totp, &proof.code) {
            (None, _) => Stage::SetUp,
            (Some(_), None) => Stage::Code,
            (Some(wrapped), Some(code)) => {
                let secret = self.unwrap(&account.id, wrapped)?;
                if !self.use_code(now_ms, &account, &secret, code).await? {
                    return Err(SignInError::Refused);
                }
                Stage::Open
            }
        };
        let right = if stage == Stage::Open { Right::Whole } else { Right::Half };
        self.forgive(now_ms, &subjects, right).await?;
        Ok((self.open(now_ms, &account.id, stage).await?, stage))
    }

    /// Judges the code of a session that waits for one. Returns the token of a new session: the half one ends.
    ///
    /// # Errors
    /// When it is refused, comes too soon, or the database refuses.
    pub async fn prove(
        &self,
        now_ms: UnixMs,
        address: &str,
        half: &Session,
        code: &str,
    ) -> Result<String, SignInError> {
        let subjects = Subjects::of(&half.email, address);
        if let Some(wait_ms) = self.admit(now_ms, &subjects).await? {
            return Err(SignInError::Wait(wait_ms));
        }
        let account = self.account_of(&half.user_id).await?.ok_or(SignInError::Refused)?;
        let is_set_up = half.stage == Stage::SetUp;
        let wrapped = if is_set_up { self.offered(half).await? } else { account.totp.clone() };
        let wrapped = wrapped.ok_or(SignInError::Refused)?;
        let secret = self.unwrap(&account.id, &wrapped)?;
        if !self.use_code(now_ms, &account, &secret, code).await? {
            return Err(SignInError::Refused);
        }
        if is_set_up {
            self.keep_secret(&account.id, wrapped).await?;
        }
        self.forgive(now_ms, &subjects, Right::Whole).await?;
        self.sign_out(half).await?;
        Ok(self.open(now_ms, &account.id, Stage::Open).await?)
    }

    /// The secret that a session without a second factor may take over; the same one until it is proven.
    ///
    /// # Errors
    /// When the database refuses, or there are no random numbers.
    pub async fn offer(&self, half: &Session) -> Result<SecretBytes, PeopleError> {
        if let Some(wrapped) = self.offered(half).await? {
            return self.unwrap(&half.user_id, &wrapped);
        }
        let secret = totp::make_secret()?;
        let wrapped = self.wrap(&half.user_id, &secret)?;
        let hash = half.token_hash.clone();
        let write = self.db.write(move |c| {
            Box::pin(async move {
                sqlx::query("UPDATE sessions SET totp_offer = $1 WHERE token_hash = $2 AND totp_offer IS NULL")
                    .bind(wrapped)
                    .bind(hash)
                    .execute(c)
                    .await?;
                Ok(())
            })
        });
        write.await?;
        // Two pages at once: one of them wrote it.
        let wrapped = self.offered(half).await?.ok_or(PeopleError::Wrap)?;
        self.unwrap(&half.user_id, &wrapped)
    }

    async fn offered(&self, half: &Session) -> Result<Option<Vec<u8>>, PeopleError> {
        let found = sqlx::query("SELECT totp_offer FROM sessions WHERE token_hash = $1")
            .bind(&half.token_hash)
            .fetch_optional(self.db.reader())
            .await
            .map_err(StoreError::from)?;
        let Some(row) = found else { return Ok(None) };
        Ok(row.try_get("totp_offer").map_err(StoreError::from)?)
    }

    async fn keep_secret(&self, user_id: &str, wrapped: Vec<u8>) -> Result<(), PeopleError> {
        let user_id = user_id.to_owned();
        let write = self.db.write(move |c| {
            Box::pin(async move {
                sqlx::query("UPDATE users SET totp = $1 WHERE id = $2").bind(wrapped).bind(user_id).execute(c).await?;
                Ok(())
            })
        });
        Ok(write.await?)
    }

    async fn judge(&self, password: String, kept: String) -> Result<bool, PeopleError> {
        let _slot = JUDGED_AT_ONCE.acquire().await.map_err(|_| PeopleError::Hash)?;
        let judged = tokio::task::spawn_blocking(move || password::is_right(&password, &kept));
        judged.await.map_err(|_| PeopleError::Hash)
    }

    /// Whether the code is right, and uses it up.
    async fn use_code(
        &self,
        now_ms: UnixMs,
        account: &Account,
        secret: &SecretBytes,
        code: &str,
    ) -> Result<bool, PeopleError> {
        // Opened to compute the code of the moment.
        let Some(step) = totp::step_of(secret.expose(), code, now_ms, account.totp_step) else { return Ok(false) };
        let user_id = account.id.clone();
        let write = self.db.write(move |c| {
            Box::pin(async move {
                let used = sqlx::query("UPDATE users SET totp_step = $1 WHERE id = $2 AND totp_step < $1")
                    .bind(step)
                    .bind(user_id)
                    .execute(c)
                    .await?;
                Ok(used.rows_affected() == 1)
            })
        });
        Ok(write.await?)
    }
}
