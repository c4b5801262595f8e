//! The database, whichever it is: one way to read, and one way to write that answers after its commit.
//!
//! Every statement of the server is one text for SQLite and PostgreSQL, over sqlx's `Any` driver. What such a text may hold is in
//! docs/decisions/one-text-of-sql-for-two-databases.md; [`Dialect::pick`] is for the few places where they have to differ.

mod migrations;
mod place;
mod postgres;
pub mod rows;
mod sqlite;
mod writer;

pub use migrations::{BOOKS, SIMULATOR, Schema};
pub use place::{Place, PlaceError, PostgresUrl};

use super::StoreError;
use futures_util::future::BoxFuture;
use sqlx::AnyPool;
use sqlx::migrate::MigrateError;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use writer::Writer;

/// A connection, inside a transaction.
pub type Conn = sqlx::AnyConnection;

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the database cannot be opened: {0}; check its address, permissions and free space")]
    Open(#[from] sqlx::Error),
    #[error("the database is of another version: {0}; use the program that wrote it, or a newer one")]
    Migrate(#[from] MigrateError),
    #[error(transparent)]
    Address(#[from] PlaceError),
    #[error(transparent)]
    Books(StoreError),
}

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// The text for this database, where one text does not serve both.
    pub fn pick(self, sqlite: &'static str, postgres: &'static str) -> &'static str {
        match self {
            Self::Sqlite => sqlite,
            Self::Postgres => postgres,
        }
    }
}

/// The way to the database. Copies share it.
#[derive(Debug, Clone)]
pub struct Database {
    reader: AnyPool,
    writes: Writes,
}

#[derive(Debug, Clone)]
enum Writes {
    /// One connection, with many writes in one commit.
    Sqlite(Writer),
    /// A transaction a write.
    Postgres(AnyPool, Arc<postgres::Timeline>),
}

impl Database {
    /// Opens or makes the database in `place`, and brings its schema up to date.
    ///
    /// # Errors
    /// When it cannot be opened or reached, or its schema was written by another version.
    pub async fn open(place: &Place, schema: &Schema) -> Result<Self, OpenError> {
        match place {
            Place::Sqlite(path) => sqlite::migrate(path, schema).await?,
            Place::Postgres(url) => postgres::migrate(url, schema).await?,
        }
        Self::connect(place, schema).await
    }

    /// Opens a database that is there, whatever its schema's version.
    ///
    /// # Errors
    /// When it cannot be opened or reached.
    pub async fn connect(place: &Place, schema: &Schema) -> Result<Self, OpenError> {
        match place {
            Place::Sqlite(path) => {
                let (writer, reader) = sqlite::connect(path).await?;
                let path = path.clone();
                let again = Box::new(move || {
                    let path = path.clone();
                    Box::pin(async move { sqlite::writer(&path).await }) as BoxFuture<'static, _>
                });
                Ok(Self { reader, writes: Writes::Sqlite(Writer::start(writer, again)) })
            }
            Place::Postgres(url) => {
                let (writers, reader, timeline) = postgres::connect(url, schema).await?;
                Ok(Self { reader, writes: Writes::Postgres(writers, timeline) })
            }
        }
    }

    pub fn dialect(&self) -> Dialect {
        match self.writes {
            Writes::Sqlite(_) => Dialect::Sqlite,
            Writes::Postgres(..) => Dialect::Postgres,
        }
    }

    /// PostgreSQL's timeline, once it is not the first any more: it grows with every promotion of a standby, whether something was lost by it or
    /// not.
    pub fn timeline(&self) -> Option<u32> {
        match &self.writes {
            Writes::Sqlite(_) => None,
            Writes::Postgres(_, timeline) => Some(timeline.newest()).filter(|timeline| *timeline > 1),
        }
    }

    /// Runs `work` in one transaction and answers after its commit, which is durable. When `work` fails, nothing of it stays.
    ///
    /// # Errors
    /// What `work` returned, or that the commit failed.
    pub async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<T, StoreError>> + Send + 'static,
    {
        match &self.writes {
            Writes::Sqlite(writer) => writer.write(work).await,
            Writes::Postgres(writers, _) => write_alone(writers, work).await,
        }
    }

    /// For statements that only read. Each sees what was committed before it.
    pub fn reader(&self) -> &AnyPool {
        &self.reader
    }

    /// Ends readers and writer, in this order: SQLite's last connection moves the write-ahead log into the file.
    pub async fn close(&self) {
        self.reader.close().await;
        match &self.writes {
            Writes::Sqlite(writer) => writer.close().await,
            Writes::Postgres(writers, _) => writers.close().await,
        }
    }
}

/// A transaction of its own. Dropped on the way, it is rolled back.
async fn write_alone<T, F>(writers: &AnyPool, work: F) -> Result<T, StoreError>
where
    F: for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<T, StoreError>>,
{
    let mut tx = writers.begin().await?;
    let value = work(&mut tx).await?;
    tx.commit().await?;
    Ok(value)
}

/// Codes of a transaction that lost against another one and may be tried again: serialization failure, deadlock, and a lock that
/// was not to be had in time.
const LOST_TO_ANOTHER: [&str; 3] = ["40001", "40P01", "55P03"];

/// What any database of this process refused since its start.
static ERRORS: AtomicU64 = AtomicU64::new(0);

/// How often a database refused since this process began, for the metrics. Losing against another writer does not count.
pub fn errors_count() -> u64 {
    ERRORS.load(Ordering::Relaxed)
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        if matches!(error, sqlx::Error::PoolClosed) {
            return Self::Closed;
        }
        let code = error.as_database_error().and_then(|error| error.code());
        if code.is_some_and(|code| LOST_TO_ANOTHER.contains(&code.as_ref())) {
            return Self::Conflict;
        }
        ERRORS.fetch_add(1, Ordering::Relaxed);
        // A constraint's name is safe to tell; values are never part of these messages.
        Self::Database(error.to_string())
    }
}
