//! Opening a SQLite file the way money needs it.

use sqlx::ConnectOptions as _;
use sqlx::SqlSafeStr as _;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use std::path::Path;
use std::time::Duration;

/// Why a file could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the database cannot be opened: {0}; check the data directory's permissions and free space")]
    Open(#[from] sqlx::Error),
    #[error("the database is of another version: {0}; use the program that wrote it, or a newer one")]
    Migrate(#[from] MigrateError),
}

/// WAL with `synchronous=FULL`: a commit is on the disk when it returns, and readers never wait for the writer.
pub fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(10))
        // What is overwritten is gone from the file as well: a wiped ciphertext leaves no copy in a free page.
        .pragma("secure_delete", "ON")
}

/// Opens `path` for writing and brings its schema up to date.
///
/// # Errors
/// When the file cannot be opened, or holds a schema that this program does not know.
pub async fn migrated(
    path: &Path,
    migrations: &[(i64, &'static str, &'static str)],
) -> Result<SqliteConnection, OpenError> {
    let mut connection = options(path).connect().await?;
    let list = migrations.iter().map(|(version, name, sql)| {
        Migration::new(*version, (*name).into(), MigrationType::Simple, (*sql).into_sql_str(), false)
    });
    Migrator::with_migrations(list.collect()).run(&mut connection).await?;
    Ok(connection)
}
