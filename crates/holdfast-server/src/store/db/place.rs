//! Where a database is. An address may hold a password, so it is shown nowhere.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

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
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for PostgresUrl {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Self, PlaceError> {
        let is_one = ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme));
        if is_one { Ok(Self(text.to_owned())) } else { Err(PlaceError) }
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PostgresUrl(..)")
    }
}
