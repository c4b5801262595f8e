//! The private card keys, in the database wrapped by the key-encryption key. An HSM would stand in the same place.

use super::LocalKeys;
use crate::process::{CardKeyFault, CardKeys};
use crate::store::Books;
use holdfast_crypto::envelope::{ContentKey, OpenError, rsa_oaep_unwrap};
use std::sync::Arc;

/// Card keys wrapped at rest.
#[derive(Debug)]
pub struct WrappedCardKeys {
    ledger: Arc<Books>,
    local: Arc<LocalKeys>,
}

impl WrappedCardKeys {
    pub fn new(ledger: Arc<Books>, local: Arc<LocalKeys>) -> Self {
        Self { ledger, local }
    }
}

impl CardKeys for WrappedCardKeys {
    async fn content_key(&self, kid: &str, encrypted_key: &[u8]) -> Result<ContentKey, CardKeyFault> {
        let wrapped = match self.ledger.private_card_key(kid).await {
            Ok(Some(Some(wrapped))) => wrapped,
            Ok(Some(None)) => return Err(CardKeyFault::Destroyed),
            Ok(None) => return Err(CardKeyFault::Unknown),
            Err(_) => return Err(CardKeyFault::Unavailable),
        };
        let private = self.local.kek.unwrap(kid, &wrapped).map_err(|_| CardKeyFault::Unavailable)?;
        rsa_oaep_unwrap(&private, encrypted_key).map_err(|error| match error {
            OpenError::PrivateKey => CardKeyFault::Unavailable,
            _ => CardKeyFault::Refused,
        })
    }
}
