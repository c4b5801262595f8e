//! Books that come from a copy. They get a new epoch, by which a till sees that what it was promised may be missing.

use super::backup::{check, connect, sync_folder};
use super::{Backup, CareError, exchanges};
use crate::store::books::{RESTORED, set_meta};
use crate::store::db::{BOOKS, Database};
use crate::store::{Place, StoreError};
use holdfast_core::time::UnixMs;
use sqlx::Connection as _;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// SQLite's files beside the one with the books.
const BESIDE: [&str; 2] = ["-wal", "-shm"];

/// Puts the copy `from` in the place of the books in `to`, with `epoch`. Books that are there are moved aside, under the name that comes back.
/// Nobody else may use them meanwhile: the caller holds the lock of the data directory.
///
/// # Errors
/// When the copy cannot be read or is damaged. The books that are there stay as they are then.
pub async fn put_back(
    from: &Path,
    to: &Path,
    epoch: &str,
    now_ms: UnixMs,
) -> Result<(Backup, Option<PathBuf>), CareError> {
    let fresh = beside(to, ".restoring");
    for leftover in [fresh.clone(), beside(&fresh, "-wal"), beside(&fresh, "-shm")] {
        remove(&leftover)?;
    }
    copy(from, &fresh)?;
    let mut connection = connect(&fresh).await?;
    check(from, &mut connection).await?;
    connection.close().await.map_err(|error| CareError::Store(error.into()))?;
    let db = Database::open(&Place::Sqlite(fresh.clone()), &BOOKS).await?;
    start_anew(&db, epoch, now_ms).await?;
    keep_exchanges(&db, to, epoch).await?;
    let payments = super::number(&db, "SELECT count(*) AS n FROM payments").await?;
    db.close().await;
    let moved = set_aside(to, &format!(".before-{now_ms}"))?;
    rename(&fresh, to)?;
    sync_folder(to)?;
    let bytes = fs::metadata(to).map_err(|source| CareError::Io { path: to.to_owned(), source })?.len();
    Ok((Backup { payments, bytes }, moved))
}

/// Gives books that came from a copy a new epoch, and forgets what processes of another time had taken on.
///
/// # Errors
/// When the database refuses.
pub async fn start_anew(db: &Database, epoch: &str, now_ms: UnixMs) -> Result<(), StoreError> {
    let epoch = epoch.to_owned();
    let write = db.write(move |c| {
        Box::pin(async move {
            set_meta(c, "epoch", epoch).await?;
            set_meta(c, RESTORED, now_ms.to_string()).await?;
            for text in [
                "UPDATE jobs SET lease_until_ms = 0, holder = NULL",
                "UPDATE outbox_tasks SET lease_until_ms = 0",
                "UPDATE exchanges SET holder = NULL, held_until_ms = 0 WHERE state = 'open'",
                "DELETE FROM duties",
                "DELETE FROM replicas",
            ] {
                sqlx::query(text).execute(&mut *c).await?;
            }
            Ok(())
        })
    });
    write.await
}

/// What the acquirer was told is true whatever copy is put back. So it is taken over from the books that are there, as far as they can be read.
async fn keep_exchanges(db: &Database, books: &Path, epoch: &str) -> Result<(), CareError> {
    if !books.exists() {
        return Ok(());
    }
    match exchanges::of_books(books).await {
        Ok(known) => Ok(exchanges::take(db, known, epoch).await?),
        Err(error) => {
            tracing::warn!(%error, "what an ISO 8583 acquirer was told since the copy is lost with the books that were there");
            Ok(())
        }
    }
}

fn set_aside(books: &Path, aside: &str) -> Result<Option<PathBuf>, CareError> {
    if !books.exists() {
        return Ok(None);
    }
    let to = beside(books, aside);
    if to.exists() {
        return Err(CareError::IsThere(to));
    }
    // The log goes with its file: beside another one it would be played into it.
    for end in BESIDE {
        let log = beside(books, end);
        if log.exists() {
            rename(&log, &beside(&to, end))?;
        }
    }
    rename(books, &to)?;
    Ok(Some(to))
}

fn copy(from: &Path, to: &Path) -> Result<(), CareError> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source| CareError::Io { path, source }
    };
    let mut source = fs::File::open(from).map_err(at(from))?;
    let mut target = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map_err(at(to))?;
    io::copy(&mut source, &mut target).and_then(|_| target.sync_all()).map_err(at(to))
}

pub(super) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

fn rename(from: &Path, to: &Path) -> Result<(), CareError> {
    fs::rename(from, to).map_err(|source| CareError::Io { path: from.to_owned(), source })
}

fn remove(path: &Path) -> Result<(), CareError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(CareError::Io { path: path.to_owned(), source }),
        _ => Ok(()),
    }
}
