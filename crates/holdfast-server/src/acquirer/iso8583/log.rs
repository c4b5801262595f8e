//! The log of exchanges: numbers given out, questions open, answers known. In a file of its own, so that it survives a killed
//! server; it holds no card data.

use crate::store::OpenError;
use holdfast_core::time::{UnixMs, utc_day};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteRow, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, Row as _, SqlSafeStr as _};
use std::path::Path;
use std::time::Duration;
use tokio::sync::Mutex;

const MIGRATION: &str = include_str!("../../../migrations/iso8583/0001_exchanges.sql");
/// Field 11 has six digits.
const STAN_MAX: i64 = 999_999;

/// What an exchange is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Authorisation,
    Capture,
    Reversal,
    Refund,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Authorisation => "authorisation",
            Self::Capture => "capture",
            Self::Reversal => "reversal",
            Self::Refund => "refund",
        }
    }
}

/// How far an exchange got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Open,
    Unsent,
    Answered,
    Reversed,
}

/// One request and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    pub id: i64,
    pub reference: String,
    pub kind: Kind,
    pub number: u32,
    pub original: Option<i64>,
    pub stan: u32,
    pub rrn: String,
    pub sent_ms: UnixMs,
    pub amount_minor: i64,
    pub currency: String,
    pub state: State,
    pub sends: u32,
    pub code: Option<String>,
    pub approval_code: Option<String>,
}

/// What is about to be sent.
#[derive(Debug, Clone, Copy)]
pub struct New<'a> {
    pub reference: &'a str,
    pub kind: Kind,
    pub number: u32,
    pub original: Option<i64>,
    pub amount_minor: i64,
    pub currency: &'a str,
}

/// Why the log did not do it.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("the same was asked for and may stand")]
    Taken,
    #[error("the day's numbers are used up; they begin anew at midnight UTC")]
    NumbersUsedUp,
    #[error("the log of exchanges cannot be used: {0}")]
    Sql(#[from] sqlx::Error),
}

/// The log in SQLite. One connection: a number is given out once.
#[derive(Debug)]
pub struct Log(Mutex<SqliteConnection>);

impl Log {
    /// Opens or makes the file.
    ///
    /// # Errors
    /// When the file cannot be opened or is no log of exchanges.
    pub async fn open(path: &Path) -> Result<Self, OpenError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // A number is on the disk before its message leaves.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(10));
        let mut connection = options.connect().await?;
        let first = Migration::new(1, "exchanges".into(), MigrationType::Simple, MIGRATION.into_sql_str(), false);
        Migrator::with_migrations(vec![first]).run(&mut connection).await?;
        Ok(Self(Mutex::new(connection)))
    }

    /// The next STAN of the day, for a message that is about no payment.
    ///
    /// # Errors
    /// [`LogError`].
    pub async fn stan(&self, now_ms: UnixMs) -> Result<u32, LogError> {
        let mut connection = self.0.lock().await;
        next_stan(&mut connection, utc_day(now_ms)).await
    }

    /// Commits that something is about to be sent, under a number of its own. `rrn` makes field 37 from the STAN and the number of
    /// earlier exchanges of this reference, unless the exchange continues another, whose number it then shares.
    ///
    /// # Errors
    /// [`LogError::Taken`] when the same is open or answered.
    pub async fn begin(
        &self,
        now_ms: UnixMs,
        new: New<'_>,
        shared_rrn: Option<&str>,
        rrn: impl Fn(u32, u32) -> String + Send,
    ) -> Result<Exchange, LogError> {
        let mut connection = self.0.lock().await;
        let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
        let day = utc_day(now_ms);
        let stan = next_stan(&mut tx, day).await?;
        let earlier: u32 = sqlx::query_scalar("SELECT count(DISTINCT rrn) FROM exchanges WHERE reference = ?")
            .bind(new.reference)
            .fetch_one(&mut *tx)
            .await?;
        let rrn = shared_rrn.map_or_else(|| rrn(stan, earlier), str::to_owned);
        let row = sqlx::query(
            "INSERT INTO exchanges (reference, kind, number, original, day, stan, rrn, sent_ms, amount_minor, currency, state)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'open') RETURNING *",
        )
        .bind(new.reference)
        .bind(new.kind.as_str())
        .bind(new.number)
        .bind(new.original)
        .bind(day)
        .bind(stan)
        .bind(rrn)
        .bind(now_ms)
        .bind(new.amount_minor)
        .bind(new.currency)
        .fetch_one(&mut *tx)
        .await
        .map_err(taken)?;
        let exchange = read(&row)?;
        tx.commit().await?;
        Ok(exchange)
    }

    /// Commits that an open exchange is about to be sent once more.
    ///
    /// # Errors
    /// [`LogError::Sql`].
    pub async fn repeat(&self, id: i64) -> Result<(), LogError> {
        self.run("UPDATE exchanges SET sends = sends + 1 WHERE id = ?", id).await
    }

    /// It certainly never left.
    ///
    /// # Errors
    /// [`LogError::Sql`].
    pub async fn unsent(&self, id: i64) -> Result<(), LogError> {
        self.run("UPDATE exchanges SET state = 'unsent' WHERE id = ? AND state = 'open' AND sends = 1", id).await
    }

    async fn run(&self, sql: &'static str, id: i64) -> Result<(), LogError> {
        let mut connection = self.0.lock().await;
        sqlx::query(sql).bind(id).execute(&mut *connection).await?;
        Ok(())
    }

    /// Commits an answer. With `stays_open` the code is kept and the exchange is still to be taken back.
    ///
    /// # Errors
    /// [`LogError::Sql`].
    pub async fn answered(
        &self,
        id: i64,
        now_ms: UnixMs,
        code: &str,
        approval_code: Option<&str>,
        stays_open: bool,
    ) -> Result<(), LogError> {
        let state = if stays_open { "open" } else { "answered" };
        let sql = "UPDATE exchanges SET state = ?, code = ?, approval_code = ?, answered_ms = ? WHERE id = ? AND state = 'open'";
        let mut connection = self.0.lock().await;
        let query = sqlx::query(sql).bind(state).bind(code).bind(approval_code).bind(now_ms).bind(id);
        query.execute(&mut *connection).await?;
        Ok(())
    }

    /// Commits that a reversal was confirmed, and with it that its original is taken back.
    ///
    /// # Errors
    /// [`LogError::Sql`].
    pub async fn reversed(&self, reversal: i64, original: i64, now_ms: UnixMs, code: &str) -> Result<(), LogError> {
        let mut connection = self.0.lock().await;
        let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::query("UPDATE exchanges SET state = 'answered', code = ?, answered_ms = ? WHERE id = ?")
            .bind(code)
            .bind(now_ms)
            .bind(reversal)
            .execute(&mut *tx)
            .await?;
        sqlx::query("UPDATE exchanges SET state = 'reversed' WHERE id = ?").bind(original).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Every exchange of a payment, oldest first.
    ///
    /// # Errors
    /// [`LogError::Sql`].
    pub async fn of(&self, reference: &str) -> Result<Vec<Exchange>, LogError> {
        let mut connection = self.0.lock().await;
        let rows = sqlx::query("SELECT * FROM exchanges WHERE reference = ? ORDER BY id")
            .bind(reference)
            .fetch_all(&mut *connection)
            .await?;
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    /// The latest exchange of these numbers, for an answer that nobody waits for.
    ///
    /// # Errors
    /// [`LogError::Sql`].
    pub async fn by_numbers(&self, stan: u32, rrn: &str) -> Result<Option<Exchange>, LogError> {
        let mut connection = self.0.lock().await;
        let row = sqlx::query("SELECT * FROM exchanges WHERE stan = ? AND rrn = ? ORDER BY id DESC LIMIT 1")
            .bind(stan)
            .bind(rrn)
            .fetch_optional(&mut *connection)
            .await?;
        Ok(row.as_ref().map(read).transpose()?)
    }
}

async fn next_stan(connection: &mut SqliteConnection, day: i64) -> Result<u32, LogError> {
    let last: i64 = sqlx::query_scalar(
        "INSERT INTO stans (day, last) VALUES (?, 1) ON CONFLICT DO UPDATE SET last = last + 1 RETURNING last",
    )
    .bind(day)
    .fetch_one(connection)
    .await?;
    if last > STAN_MAX {
        return Err(LogError::NumbersUsedUp);
    }
    u32::try_from(last).map_err(|_| LogError::NumbersUsedUp)
}

fn taken(error: sqlx::Error) -> LogError {
    match &error {
        sqlx::Error::Database(database) if database.is_unique_violation() => LogError::Taken,
        _ => LogError::Sql(error),
    }
}

fn read(row: &SqliteRow) -> Result<Exchange, sqlx::Error> {
    let unknown = |what: &str| sqlx::Error::Decode(format!("an exchange of no known {what}").into());
    let kind = match row.try_get::<&str, _>("kind")? {
        "authorisation" => Kind::Authorisation,
        "capture" => Kind::Capture,
        "reversal" => Kind::Reversal,
        "refund" => Kind::Refund,
        _ => return Err(unknown("kind")),
    };
    let state = match row.try_get::<&str, _>("state")? {
        "open" => State::Open,
        "unsent" => State::Unsent,
        "answered" => State::Answered,
        "reversed" => State::Reversed,
        _ => return Err(unknown("state")),
    };
    Ok(Exchange {
        id: row.try_get("id")?,
        reference: row.try_get("reference")?,
        kind,
        number: row.try_get("number")?,
        original: row.try_get("original")?,
        stan: row.try_get("stan")?,
        rrn: row.try_get("rrn")?,
        sent_ms: row.try_get("sent_ms")?,
        amount_minor: row.try_get("amount_minor")?,
        currency: row.try_get("currency")?,
        state,
        sends: row.try_get("sends")?,
        code: row.try_get("code")?,
        approval_code: row.try_get("approval_code")?,
    })
}
