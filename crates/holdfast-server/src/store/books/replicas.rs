//! Servers that share the books: which of them is alive, and who does what only one may do at a time.
//!
//! Instants come from the callers' clocks. Replicas must agree about the time to within a few seconds, as NTP keeps them.

use super::Books;
use crate::store::StoreError;
use crate::store::db::{Conn, Dialect};
use holdfast_core::time::UnixMs;

/// How long a replica counts as alive after it said so. Another one takes its jobs over after that.
pub const ALIVE_MS: i64 = 15_000;
/// Between two times of saying so.
pub const BEAT_MS: i64 = 3_000;

impl Books {
    /// Whether other servers may use the same books. A SQLite file is guarded by the lock on its directory.
    pub fn is_shared(&self) -> bool {
        self.db.dialect() == Dialect::Postgres
    }

    /// Says that this replica is alive, and takes from those that are not what they had taken on.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn beat(&self, now_ms: UnixMs) -> Result<(), StoreError> {
        let replica = self.replica.clone();
        self.db.write(move |c| Box::pin(beat(c, replica, now_ms))).await?;
        self.note_timeline(now_ms).await
    }

    /// Gives back what this replica had taken on. Called at its end.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn leave(&self) -> Result<(), StoreError> {
        let replica = self.replica.clone();
        self.db.write(move |c| Box::pin(leave(c, replica))).await
    }

    /// Takes a duty on until `until_ms`, or keeps it on; `false` when another replica has it.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn take_duty(&self, name: &'static str, now_ms: UnixMs, until_ms: UnixMs) -> Result<bool, StoreError> {
        let replica = self.replica.clone();
        let take = self.db.write(move |c| {
            Box::pin(async move {
                let taken = sqlx::query(
                    "INSERT INTO duties (name, holder, until_ms) VALUES ($1, $2, $3) ON CONFLICT (name)
                     DO UPDATE SET holder = excluded.holder, until_ms = excluded.until_ms
                     WHERE duties.holder = excluded.holder OR duties.until_ms <= $4",
                )
                .bind(name)
                .bind(replica)
                .bind(until_ms)
                .bind(now_ms)
                .execute(c)
                .await?;
                Ok(taken.rows_affected() == 1)
            })
        });
        take.await
    }

    /// Lets a duty go before its time is over.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn leave_duty(&self, name: &'static str) -> Result<(), StoreError> {
        let replica = self.replica.clone();
        let leave = self.db.write(move |c| {
            Box::pin(async move {
                sqlx::query("DELETE FROM duties WHERE name = $1 AND holder = $2")
                    .bind(name)
                    .bind(replica)
                    .execute(c)
                    .await?;
                Ok(())
            })
        });
        leave.await
    }
}

async fn beat(connection: &mut Conn, replica: String, now_ms: UnixMs) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO replicas (id, alive_until_ms) VALUES ($1, $2)
         ON CONFLICT (id) DO UPDATE SET alive_until_ms = excluded.alive_until_ms",
    )
    .bind(replica)
    .bind(now_ms + ALIVE_MS)
    .execute(&mut *connection)
    .await?;
    let freed = sqlx::query(
        "UPDATE jobs SET lease_until_ms = 0, holder = NULL
         WHERE holder IN (SELECT id FROM replicas WHERE alive_until_ms <= $1)",
    )
    .bind(now_ms)
    .execute(&mut *connection)
    .await?;
    sqlx::query("DELETE FROM duties WHERE holder IN (SELECT id FROM replicas WHERE alive_until_ms <= $1)")
        .bind(now_ms)
        .execute(&mut *connection)
        .await?;
    let gone = sqlx::query("DELETE FROM replicas WHERE alive_until_ms <= $1").bind(now_ms).execute(connection).await?;
    if gone.rows_affected() > 0 {
        tracing::warn!(
            replicas = gone.rows_affected(),
            jobs = freed.rows_affected(),
            "a replica is silent; its jobs were taken over"
        );
    }
    Ok(())
}

async fn leave(connection: &mut Conn, replica: String) -> Result<(), StoreError> {
    for text in [
        "UPDATE jobs SET lease_until_ms = 0, holder = NULL WHERE holder = $1",
        "DELETE FROM duties WHERE holder = $1",
        "DELETE FROM replicas WHERE id = $1",
    ] {
        sqlx::query(text).bind(&replica).execute(&mut *connection).await?;
    }
    Ok(())
}
