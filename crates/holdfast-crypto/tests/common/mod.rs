//! What the envelope tests share: one card key, a payment, a card, and an envelope maker that is not ours.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::sync::OnceLock;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PrivateDecryptingKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use getrandom::SysRng;
use holdfast_crypto::Secret;
use holdfast_crypto::envelope::{
    CardKeyPair, CardPlaintext, ContentKey, Entry, OpenError, Opened, Pos, PublicCardKey, WrappedContentKey,
    make_card_key, parse, rsa_oaep_unwrap, seal,
};

pub const KID: &str = "card-2026-11-23";
pub const PID: &str = "0193573e-8f00-7000-8000-000000000001";

/// RSA keys are slow to make, so each test binary makes one.
pub fn card_key() -> &'static CardKeyPair {
    static KEY: OnceLock<CardKeyPair> = OnceLock::new();
    KEY.get_or_init(|| make_card_key().expect("a card key"))
}

pub fn public_key() -> PublicCardKey {
    PublicCardKey::parse(KID, &card_key().n, &card_key().e).expect("the published half is valid")
}

pub fn pos() -> Pos {
    Pos {
        v: 1,
        mid: "7f0c2f7e-4f63-4b7e-9a77-0d2f5ad1a001".into(),
        did: "7f0c2f7e-4f63-4b7e-9a77-0d2f5ad1d001".into(),
        pid: PID.into(),
        seq: 12,
        amt: 1060,
        cur: "EUR".into(),
        ksv: 7,
    }
}

pub fn keyed_card() -> CardPlaintext {
    CardPlaintext::new("4242424242424242", "2812", Entry::Keyed).expect("a card")
}

pub fn sealed(pos: &Pos, card: &CardPlaintext) -> String {
    let wrapped = WrappedContentKey::make(&public_key(), &mut SysRng).expect("a content key");
    seal(wrapped, pos, card, &mut SysRng).expect("an envelope")
}

/// All three steps of opening.
pub fn opened(jwe: &str) -> Result<Opened, OpenError> {
    let parsed = parse(jwe)?;
    let content_key = rsa_oaep_unwrap(&card_key().pkcs8, parsed.encrypted_key())?;
    parsed.open(content_key)
}

pub fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub fn content_key(jwe: &str) -> [u8; 32] {
    let parsed = parse(jwe).expect("an envelope");
    *rsa_oaep_unwrap(&card_key().pkcs8, parsed.encrypted_key()).expect("its content key").expose()
}

pub fn secret_key(bytes: [u8; 32]) -> ContentKey {
    Secret::new(bytes)
}

/// A validly encrypted envelope of any header and plaintext, made without our sealing code: what a hostile till could send.
pub fn forged(header_json: &str, plaintext: &[u8]) -> String {
    forged_with_key(header_json, plaintext, &[7; 32])
}

/// As [`forged`], with a content key of any length; A256GCM runs under its first 32 bytes, or `[7; 32]` when it is shorter.
pub fn forged_with_key(header_json: &str, plaintext: &[u8], content_key: &[u8]) -> String {
    let private = PrivateDecryptingKey::from_pkcs8(card_key().pkcs8.expose()).expect("a private key");
    let public = OaepPublicEncryptingKey::new(private.public_key()).expect("a public key");
    let mut buffer = [0; 384];
    let encrypted_key =
        public.encrypt(&OAEP_SHA256_MGF1SHA256, content_key, &mut buffer, None).expect("an encrypted key").to_vec();
    let header = b64(header_json);
    let gcm_key = content_key.get(..32).unwrap_or(&[7; 32]);
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, gcm_key).expect("a key"));
    let mut ciphertext = plaintext.to_vec();
    let tag = key
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key([9; 12]),
            Aad::from(header.as_bytes()),
            &mut ciphertext,
        )
        .expect("a ciphertext");
    [header, b64(encrypted_key), b64([9; 12]), b64(ciphertext), b64(tag)].join(".")
}

/// The header that our sealing code writes, as JSON.
pub fn header_json() -> String {
    let pos = serde_json::to_string(&pos()).expect("JSON");
    format!(r#"{{"alg":"RSA-OAEP-256","enc":"A256GCM","kid":"{KID}","pos":{pos}}}"#)
}

/// Plaintext JSON padded as the protocol says.
pub fn padded(json: &str) -> Vec<u8> {
    let mut bytes = json.as_bytes().to_vec();
    bytes.resize(512, b' ');
    bytes
}

pub fn plaintext_json() -> String {
    format!(r#"{{"pan":"4242424242424242","exp":"2812","entry":"keyed","amt":1060,"cur":"EUR","pid":"{PID}"}}"#)
}
