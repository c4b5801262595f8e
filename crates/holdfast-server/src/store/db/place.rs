//! Where a database is. An address may hold a password, so it is shown nowhere.

use std::fmt;
use std::path::PathBuf;

/// A PostgreSQL address: `postgres://user@host/database`. The password may come from `PGPASSWORD` or a password file instead.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(String);

/// Where a database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Sqlite(PathBuf),
    Postgres(PostgresUrl),
}

/// An address that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the database's address must begin with postgres:// or postgresql://")]
pub struct PlaceError;

impl PostgresUrl {
    /// The address as a connection needs it.
    ///
    /// # Errors
    /// When it is none of PostgreSQL's.
    pub fn expose(&self) -> Result<&str, PlaceError> {
        let is_one = ["postgres://", "postgresql://"].iter().any(|scheme| self.0.starts_with(scheme));
        if is_one { Ok(&self.0) } else { Err(PlaceError) }
    }
}

/// Taken as it is: a command line that refuses it would print it, password and all.
impl From<String> for PostgresUrl {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PostgresUrl(..)")
    }
}
