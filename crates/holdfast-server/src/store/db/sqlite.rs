//! Opening a SQLite file the way money needs it.

use super::migrations::Schema;
use super::{Conn, OpenError};
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AnyPool, ConnectOptions as _, Connection as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::Duration;

/// Connections that read beside the writer.
const READERS_MAX: u32 = 4;

/// What the `Any` driver's address of a file cannot say. The file itself remembers that it has a write-ahead log. What is
/// overwritten is gone from the file as well: a wiped ciphertext leaves no copy in a free page.
///
/// What a group of payments touches fits into the cache (32 MiB, taken as needed), and the log is moved into the file after 4000 pages rather
/// than 1000: a page that changed again meanwhile is moved once.
const WRITER_SETTINGS: &str = "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA busy_timeout = 10000;
    PRAGMA cache_size = -32768; PRAGMA wal_autocheckpoint = 4000;";

/// The same without a sync at each commit: the control of the crash tests, which must be caught losing money. Not in a release build.
#[cfg(debug_assertions)]
const CARELESS: (&str, &str) = ("HOLDFAST_TEST_CARELESS", "PRAGMA synchronous = NORMAL;");

/// WAL with `synchronous=FULL`: a commit is on the disk when it returns, and readers never wait for the writer.
fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(10))
        .pragma("secure_delete", "ON")
}

/// Makes the file if it is not there, and brings its schema up to date.
///
/// # Errors
/// When the file cannot be opened, or holds a schema that this program does not know.
pub async fn migrate(path: &Path, schema: &Schema) -> Result<(), OpenError> {
    let mut connection = options(path).connect().await?;
    schema.for_sqlite().run(&mut connection).await?;
    connection.close().await?;
    Ok(())
}

/// The one connection that writes, and those that read.
///
/// # Errors
/// When the file cannot be opened.
pub async fn connect(path: &Path) -> Result<(Conn, AnyPool), OpenError> {
    sqlx::any::install_default_drivers();
    let writer = writer(path).await?;
    let reader = AnyPoolOptions::new().max_connections(READERS_MAX).connect_with(address(path, "ro")?).await?;
    Ok((writer, reader))
}

/// A connection that writes. There must be one at a time.
///
/// # Errors
/// When the file cannot be opened.
pub async fn writer(path: &Path) -> Result<Conn, sqlx::Error> {
    let mut writer = address(path, "rw")?.connect().await?;
    sqlx::raw_sql(WRITER_SETTINGS).execute(&mut writer).await?;
    #[cfg(debug_assertions)]
    if std::env::var_os(CARELESS.0).is_some() {
        sqlx::raw_sql(CARELESS.1).execute(&mut writer).await?;
    }
    Ok(writer)
}

/// The file as an address. Every byte that could mean something in one is escaped.
fn address(path: &Path, mode: &str) -> Result<AnyConnectOptions, sqlx::Error> {
    use std::fmt::Write as _;
    let path = std::path::absolute(path).map_err(sqlx::Error::Io)?;
    let mut text = String::from("sqlite://");
    for byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.".contains(byte) {
            text.push(char::from(*byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    let _ = write!(text, "?mode={mode}");
    text.parse()
}
