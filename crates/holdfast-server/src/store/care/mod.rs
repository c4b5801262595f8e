//! Looking after the books: their version, copies of them, and what is wrong with them.

mod backup;
mod doctor;
mod exchanges;
mod restore;

#[cfg(test)]
mod tests;

pub use backup::{Backup, backup};
pub use doctor::{Finding, Weight, look};
pub use exchanges::import_log;
pub use restore::{put_back, start_anew};

use super::db::Database;
use super::{OpenError, StoreError};
use sqlx::Row as _;
use std::path::PathBuf;

/// Why the books could not be copied or put back.
#[derive(Debug, thiserror::Error)]
pub enum CareError {
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{0} is there already: name a file that is not")]
    IsThere(PathBuf),
    #[error("{path} is damaged ({said}): use another copy")]
    Damaged { path: PathBuf, said: String },
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The last step of the schema that a database took.
///
/// # Errors
/// When it has none, or refuses.
pub async fn version(db: &Database) -> Result<i64, StoreError> {
    let row =
        sqlx::query("SELECT coalesce(max(version), 0) AS version FROM _sqlx_migrations").fetch_one(db.reader()).await?;
    Ok(row.try_get("version")?)
}

/// The number in the first row of a statement that has a column `n`.
async fn number(db: &Database, text: &'static str) -> Result<i64, StoreError> {
    Ok(sqlx::query(text).fetch_one(db.reader()).await?.try_get("n")?)
}
