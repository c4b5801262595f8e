//! Real keys, made once per process: RSA keys take long to make. That they differ between processes changes no length and no
//! decision, so it does not show in a trace.

use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use holdfast_crypto::Secret;
use holdfast_crypto::envelope::{CardKeyPair, ContentKey, ENCRYPTED_KEY_BYTES, PublicCardKey, make_card_key};
use holdfast_crypto::es256::{SigningKey, VerifyingKey};
use holdfast_wire::jws::{Jwk, NamedKey, ToSign, Unverified};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// Tablets of one world, clones included.
pub const DEVICE_KEYS: usize = 8;

pub struct Keys {
    pub root: SigningKey,
    pub signer: SigningKey,
    pub ack: SigningKey,
    /// One per tablet, used again in every seed.
    pub devices: Vec<SigningKey>,
    /// One pair under the name of every day.
    pub card: CardKeyPair,
    /// Its private half, read once, as an HSM holds it: reading it takes longer than a decryption.
    opener: OaepPrivateDecryptingKey,
}

pub const ROOT_KID: &str = "root-sim";
pub const SIGNER_KID: &str = "signer-sim";
pub const ACK_KID: &str = "ack-sim";

pub fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| {
        let make = || SigningKey::make().expect("a P-256 key").0;
        let card = make_card_key().expect("an RSA key");
        // The simulation plays the HSM, which has its private key open.
        let private = PrivateDecryptingKey::from_pkcs8(card.pkcs8.expose()).expect("the key just made");
        Keys {
            root: make(),
            signer: make(),
            ack: make(),
            devices: (0..DEVICE_KEYS).map(|_| make()).collect(),
            card,
            opener: OaepPrivateDecryptingKey::new(private).expect("a key for OAEP"),
        }
    })
}

impl Keys {
    /// RSA-OAEP-256, as the server's `CardKeys` asks for it.
    pub fn content_key(&self, encrypted_key: &[u8]) -> Option<ContentKey> {
        let mut buffer = [0; ENCRYPTED_KEY_BYTES];
        let opened = self.opener.decrypt(&OAEP_SHA256_MGF1SHA256, encrypted_key, &mut buffer, None).ok()?;
        <[u8; 32]>::try_from(&*opened).ok().map(Secret::new)
    }
}

/// The published half under a day's name. Reading it costs much arithmetic, so each thread does it once per name.
pub fn public_card_key(kid: &str, n: &str, e: &str) -> Option<PublicCardKey> {
    thread_local! {
        static READ: RefCell<BTreeMap<String, PublicCardKey>> = const { RefCell::new(BTreeMap::new()) };
    }
    READ.with_borrow_mut(|read| {
        if let Some(key) = read.get(kid) {
            return Some(key.clone());
        }
        let key = PublicCardKey::parse(kid, n, e).ok()?;
        read.insert(kid.to_owned(), key.clone());
        Some(key)
    })
}

pub fn named(kid: &str, key: &SigningKey) -> NamedKey {
    NamedKey { kid: kid.to_owned(), jwk: jwk(key.verifying_key()) }
}

pub fn sign(key: &SigningKey, document: ToSign) -> String {
    let signature = key.sign(document.signing_input()).expect("a signature");
    document.with_signature(&signature)
}

/// Checks a signed document against the keys that may have signed it.
pub fn verified<T>(document: Unverified<T>, keys: &[NamedKey]) -> Option<T> {
    let jwk = document.key(keys).ok()?.jwk.clone();
    let key = VerifyingKey::parse(&jwk.x, &jwk.y).ok()?;
    let is_right = key.verify(document.signing_input(), document.signature()).is_ok();
    document.accept(is_right).ok()
}

fn jwk(key: &VerifyingKey) -> Jwk {
    Jwk { kty: "EC".into(), crv: "P-256".into(), x: key.x(), y: key.y() }
}
