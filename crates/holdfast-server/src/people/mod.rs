//! People: who they are, what they may do, and how they sign in.
//!
//! A password (argon2id) and a code (TOTP) open a session; the session names one merchant, and everything asked within it is
//! about that merchant. There is no other way for a person to name one. Tokens are 256 random bits, of which the server
//! keeps a hash.

mod accounts;
mod attempts;
pub mod password;
pub mod pin;
mod repeated;
mod sessions;
mod sign_in;
pub mod token;
pub mod totp;

#[cfg(test)]
mod tests;

pub use accounts::{Account, NewPerson, email_of};
pub use repeated::{Begun, Repeated};
pub use sessions::{Membership, Session, Stage};
pub use sign_in::{Proof, SignInError};

use crate::keys::LocalKeys;
use crate::store::{Database, StoreError};
use std::sync::Arc;

/// What a person may do. A device is no person: it signs its requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Everything about a merchant.
    Owner,
    /// Devices and the day's business, not people and not quarantine.
    Manager,
    /// Looks at the history.
    Cashier,
    /// Runs the server. Sees that merchants are there, and nothing of their business.
    Operator,
}

impl Role {
    pub const ALL: [Self; 4] = [Self::Owner, Self::Manager, Self::Cashier, Self::Operator];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Manager => "manager",
            Self::Cashier => "cashier",
            Self::Operator => "operator",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

/// Why something about people was not done.
#[derive(Debug, thiserror::Error)]
pub enum PeopleError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("a secret cannot be wrapped or opened: is the key-encryption key the one that wrote it?")]
    Wrap,
    #[error("the password cannot be hashed")]
    Hash,
    #[error("the system gives no random numbers")]
    Random,
}

/// The people of a server.
#[derive(Clone)]
pub struct People {
    db: Database,
    keys: Arc<LocalKeys>,
    /// A hash of no password at all, so that an unknown account takes as long as a known one.
    nobody: Arc<str>,
}

impl People {
    /// # Errors
    /// When no password can be hashed.
    pub fn new(db: Database, keys: Arc<LocalKeys>) -> Result<Self, PeopleError> {
        let nobody = password::hash(&token::make()?)?;
        Ok(Self { db, keys, nobody: nobody.into() })
    }

    fn wrap(&self, what: &str, secret: &[u8]) -> Result<Vec<u8>, PeopleError> {
        let secret = holdfast_crypto::SecretBytes::from(secret);
        self.keys.kek.wrap(what, &secret, &mut getrandom::SysRng).map_err(|_| PeopleError::Wrap)
    }

    fn unwrap(&self, what: &str, wrapped: &[u8]) -> Result<holdfast_crypto::SecretBytes, PeopleError> {
        self.keys.kek.unwrap(what, wrapped).map_err(|_| PeopleError::Wrap)
    }
}
