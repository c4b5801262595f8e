//! A copy of SQLite's books while they are in use. PostgreSQL brings a tool of its own for this: `pg_dump`.

use super::CareError;
use crate::store::OpenError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};
use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// What a copy holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backup {
    pub payments: i64,
    pub bytes: u64,
}

/// Copies the books in `from` to the new file `to`, as they are at one moment, and reads the copy over.
///
/// # Errors
/// When `to` is there, cannot be written, or is damaged when it is read.
pub async fn backup(from: &Path, to: &Path) -> Result<Backup, CareError> {
    let io = |source: std::io::Error| match source.kind() {
        ErrorKind::AlreadyExists => CareError::IsThere(to.to_owned()),
        _ => CareError::Io { path: to.to_owned(), source },
    };
    let mut connection = connect(from).await?;
    // Made before SQLite fills it, so that only its owner may ever read it.
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map_err(io)?;
    let copied = sqlx::query("VACUUM INTO ?").bind(to.to_string_lossy()).execute(&mut connection).await;
    copied.map_err(OpenError::Open)?;
    connection.close().await.map_err(OpenError::Open)?;
    file.sync_all().map_err(io)?;
    sync_folder(to)?;
    let mut copy = connect(to).await?;
    check(to, &mut copy).await?;
    let row = sqlx::query("SELECT count(*) AS n FROM payments").fetch_one(&mut copy).await.map_err(OpenError::Open)?;
    copy.close().await.map_err(OpenError::Open)?;
    let bytes = file.metadata().map_err(io)?.len();
    Ok(Backup { payments: row.try_get("n").map_err(OpenError::Open)?, bytes })
}

/// Opens a file that must be there, and changes nothing about it.
pub(super) async fn connect(path: &Path) -> Result<SqliteConnection, CareError> {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(false);
    Ok(options.connect().await.map_err(OpenError::Open)?)
}

/// Reads every page and every reference.
pub(super) async fn check(path: &Path, connection: &mut SqliteConnection) -> Result<(), CareError> {
    let damaged = |said: String| CareError::Damaged { path: path.to_owned(), said };
    let said = sqlx::query("PRAGMA integrity_check(1)").fetch_one(&mut *connection).await;
    let said: String = said.and_then(|row| row.try_get(0)).map_err(|error| damaged(error.to_string()))?;
    if said != "ok" {
        return Err(damaged(said));
    }
    let astray = sqlx::query("PRAGMA foreign_key_check").fetch_optional(connection).await.map_err(OpenError::Open)?;
    if astray.is_some() {
        return Err(damaged("a row refers to one that is not there".to_owned()));
    }
    Ok(())
}

/// A file's name is on the disk when its folder is.
pub(super) fn sync_folder(of: &Path) -> Result<(), CareError> {
    let folder = of.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|source| CareError::Io { path: folder.to_owned(), source })
}
