//! A store in trouble must never look like an envelope that is wrong.

use super::*;
use crate::keys::store::{HeldHandle, MadeKey};
use holdfast_crypto::envelope::rsa_oaep_unwrap;
use std::sync::Mutex;

/// Answers as it is told to, and then as a token would that cannot tell what is wrong.
#[derive(Debug, Default)]
struct Moody(Mutex<Vec<KeyStoreError>>);

impl KeyStore for Moody {
    fn name(&self) -> &'static str {
        "moody"
    }

    fn prefix(&self) -> &'static [u8] {
        b"m."
    }

    fn make(&self, _kid: &str) -> Result<MadeKey, KeyStoreError> {
        Err(KeyStoreError::Refused)
    }

    fn content_key(&self, _kid: &str, _handle: &[u8], encrypted_key: &[u8]) -> Result<ContentKey, KeyStoreError> {
        match self.0.lock().expect("a lock").pop() {
            Some(error) => Err(error),
            None => rsa_oaep_unwrap(&crate::testing::card_key().pkcs8, encrypted_key)
                .map_err(|_| KeyStoreError::Unclear("CKR_FUNCTION_FAILED".into())),
        }
    }

    fn destroy(&self, _kid: &str, _handle: &[u8]) -> Result<(), KeyStoreError> {
        Ok(())
    }

    fn held(&self) -> Result<Option<Vec<HeldHandle>>, KeyStoreError> {
        Ok(None)
    }
}

fn unclear() -> KeyStoreError {
    KeyStoreError::Unclear("CKR_FUNCTION_FAILED".into())
}

fn away() -> KeyStoreError {
    KeyStoreError::Unavailable("no token".into())
}

#[test]
fn only_a_key_that_opens_a_probe_may_refuse() {
    let n = &crate::testing::card_key().n;
    let public = PublicCardKey::parse("card-1", n, "AQAB").expect("a key");
    let sealed = WrappedContentKey::make(&public, &mut crate::keys::SysRng).expect("seals");
    let good = sealed.encrypted_key().to_vec();
    let bad = [1; 384].to_vec();
    // What the store says first, then second, and so on, before it works again.
    for (name, said, encrypted_key, expected) in [
        ("a good envelope", vec![], &good, None),
        ("a bad envelope", vec![], &bad, Some(CardKeyFault::Refused)),
        ("a good one, a hiccup", vec![unclear()], &good, None),
        (
            "a good one, a store that stays in trouble",
            vec![unclear(), unclear()],
            &good,
            Some(CardKeyFault::Unavailable),
        ),
        (
            "a good one, and the token goes during the probe",
            vec![unclear(), away()],
            &good,
            Some(CardKeyFault::Unavailable),
        ),
        ("no token", vec![away()], &good, Some(CardKeyFault::Unavailable)),
        ("no token for a bad one", vec![away()], &bad, Some(CardKeyFault::Unavailable)),
        ("a wrong setting", vec![KeyStoreError::Setting("x".into())], &bad, Some(CardKeyFault::Unavailable)),
    ] {
        let store = Moody(Mutex::new(said.into_iter().rev().collect()));
        assert_eq!(open(&store, "card-1", n, b"m.1", encrypted_key).err(), expected, "{name}");
    }
    for (name, encrypted_key) in [("too short", vec![0; 383]), ("too long", vec![0; 385]), ("too big", vec![0xff; 384])]
    {
        let store = Moody(Mutex::new(vec![away()]));
        assert_eq!(open(&store, "card-1", n, b"m.1", &encrypted_key).err(), Some(CardKeyFault::Refused), "{name}");
        assert_eq!(store.0.lock().expect("a lock").len(), 1, "{name}: the store was not asked");
    }
}
