//! How often somebody may try. An attempt is counted before it is judged, so that many at once are counted as many.

use super::{People, PeopleError};
use crate::store::StoreError;
use crate::store::db::Conn;
use holdfast_core::limits::{
    SIGN_IN_FREE_OF_ACCOUNT, SIGN_IN_FREE_OF_ADDRESS, SIGN_IN_MEMORY_MS, SIGN_IN_WAIT_MS_MAX, SIGN_IN_WAIT_MS_MIN,
};
use holdfast_core::time::UnixMs;
use holdfast_wire::b64;
use sqlx::Row as _;

/// Whose attempt it is.
#[derive(Debug, Clone)]
pub struct Subjects {
    account: String,
    address: String,
}

impl Subjects {
    /// Kept as hashes: the table is no list of people and where they were.
    pub fn of(email: &str, address: &str) -> Self {
        let hash = |kind: &str, text: &str| b64::encode(b64::sha256(format!("{kind}:{text}")));
        Self { account: hash("account", email), address: hash("address", address) }
    }

    fn each(&self) -> [(&str, i64); 2] {
        [(&self.account, SIGN_IN_FREE_OF_ACCOUNT), (&self.address, SIGN_IN_FREE_OF_ADDRESS)]
    }
}

/// How an attempt ended that was no failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// Half of what is needed: this attempt is not counted, those before it still are.
    Half,
    /// All of it: the account starts anew.
    Whole,
}

impl People {
    /// Counts an attempt. `Some` is how long to wait instead of trying, in milliseconds.
    pub(super) async fn admit(&self, now_ms: UnixMs, subjects: &Subjects) -> Result<Option<i64>, PeopleError> {
        let subjects = subjects.clone();
        let write = self.db.write(move |c| {
            Box::pin(async move {
                sqlx::query("DELETE FROM sign_in_failures WHERE last_ms < $1")
                    .bind(now_ms - SIGN_IN_MEMORY_MS)
                    .execute(&mut *c)
                    .await?;
                let mut wait_until_ms = 0;
                for (subject, _) in subjects.each() {
                    wait_until_ms = wait_until_ms.max(kept(c, subject).await?.1);
                }
                if wait_until_ms > now_ms {
                    return Ok(Some(wait_until_ms - now_ms));
                }
                for (subject, free) in subjects.each() {
                    let failures = kept(c, subject).await?.0 + 1;
                    keep(c, subject, failures, now_ms, now_ms + wait_ms(failures, free)).await?;
                }
                Ok(None)
            })
        });
        Ok(write.await?)
    }

    /// Takes back what [`People::admit`] counted.
    pub(super) async fn forgive(&self, now_ms: UnixMs, subjects: &Subjects, right: Right) -> Result<(), PeopleError> {
        let subjects = subjects.clone();
        let write = self.db.write(move |c| {
            Box::pin(async move {
                for (subject, _) in subjects.each() {
                    let failures = match right {
                        Right::Whole if subject == subjects.account => 0,
                        _ => (kept(c, subject).await?.0 - 1).max(0),
                    };
                    keep(c, subject, failures, now_ms, 0).await?;
                }
                Ok(())
            })
        });
        Ok(write.await?)
    }
}

/// How long the one after this failure has to wait.
fn wait_ms(failures: i64, free: i64) -> i64 {
    match failures - free {
        ..0 => 0,
        over => SIGN_IN_WAIT_MS_MIN.saturating_mul(1 << over.min(20)).min(SIGN_IN_WAIT_MS_MAX),
    }
}

async fn kept(c: &mut Conn, subject: &str) -> Result<(i64, i64), StoreError> {
    let found = sqlx::query("SELECT failures, wait_until_ms FROM sign_in_failures WHERE subject = $1")
        .bind(subject)
        .fetch_optional(c)
        .await?;
    let Some(row) = found else { return Ok((0, 0)) };
    Ok((row.try_get("failures")?, row.try_get("wait_until_ms")?))
}

async fn keep(c: &mut Conn, subject: &str, failures: i64, now_ms: i64, until_ms: i64) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO sign_in_failures (subject, failures, last_ms, wait_until_ms) VALUES ($1, $2, $3, $4)
         ON CONFLICT (subject) DO UPDATE SET failures = $2, last_ms = $3, wait_until_ms = $4",
    )
    .bind(subject)
    .bind(failures)
    .bind(now_ms)
    .bind(until_ms)
    .execute(c)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_a_quarter_of_an_hour() {
        let waits: Vec<i64> = (1..=12).map(|failures| wait_ms(failures, 5) / 1000).collect();
        assert_eq!(waits, [0, 0, 0, 0, 30, 60, 120, 240, 480, 900, 900, 900]);
    }
}
