//! Sealing and opening an envelope: what goes in comes out, and its length tells nothing.

mod common;

use common::{KID, b64, card_key, header_json, keyed_card, opened, pos, public_key, sealed};
use getrandom::SysRng;
use holdfast_crypto::SecretString;
use holdfast_crypto::envelope::{
    CardPlaintext, Entry, OpenError, Pos, PosError, SealError, WrappedContentKey, make_card_key, parse,
    rsa_oaep_unwrap, seal,
};
use rand_core::{TryCryptoRng, TryRng};

fn swiped_card() -> CardPlaintext {
    CardPlaintext::new("6212345678901234569", "2812", Entry::Swipe)
        .and_then(|card| card.with_track2("6212345678901234569=28122011234567890"))
        .and_then(|card| card.with_name(r#"VAN "DER\BERG/JÖRG ALEXANDER"#))
        .expect("a card")
}

#[test]
fn a_keyed_card_comes_out_as_it_went_in() {
    let opened = opened(&sealed(&pos(), &keyed_card())).expect("opens");
    assert_eq!(opened.pos, pos());
    assert_eq!(opened.card.pan().expose(), "4242424242424242");
    assert_eq!(opened.card.exp().expose(), "2812");
    assert!(opened.card.track2().is_none() && opened.card.name().is_none());
    assert_eq!(opened.card.entry(), Entry::Keyed);
}

#[test]
fn a_swiped_card_comes_out_as_it_went_in() {
    let opened = opened(&sealed(&pos(), &swiped_card())).expect("opens");
    assert_eq!(opened.card.pan().expose(), "6212345678901234569");
    assert_eq!(
        opened.card.track2().map(SecretString::expose).map(String::as_str),
        Some("6212345678901234569=28122011234567890")
    );
    assert_eq!(
        opened.card.name().map(SecretString::expose).map(String::as_str),
        Some(r#"VAN "DER\BERG/JÖRG ALEXANDER"#)
    );
    assert_eq!(opened.card.entry(), Entry::Swipe);
}

#[test]
fn the_header_is_the_one_of_the_protocol() {
    let jwe = sealed(&pos(), &keyed_card());
    assert_eq!(jwe.split('.').next(), Some(b64(header_json()).as_str()));
    let parsed = parse(&jwe).expect("parses");
    assert_eq!((parsed.header().kid(), parsed.header().pos()), (KID, &pos()));
}

#[test]
fn the_length_does_not_tell_the_card() {
    let short = CardPlaintext::new("4222222222222", "2812", Entry::Keyed).expect("a card");
    let (short, long) = (sealed(&pos(), &short), sealed(&pos(), &swiped_card()));
    let lengths = |jwe: &str| jwe.split('.').map(str::len).collect::<Vec<_>>();
    assert_eq!(lengths(&short), lengths(&long));
    // 384, 12, 512 and 16 bytes in base64url.
    assert_eq!(lengths(&short)[1..], [512, 16, 683, 22]);
}

#[test]
fn the_longest_card_and_payment_fit() {
    let id = "x".repeat(64);
    let pos = Pos { mid: id.clone(), did: id.clone(), pid: id, seq: u64::MAX, amt: i64::MAX, ksv: u64::MAX, ..pos() };
    let card = CardPlaintext::new(&"9".repeat(19), "9912", Entry::Swipe)
        .and_then(|card| card.with_track2(&"9".repeat(37)))
        .and_then(|card| card.with_name(&"\"".repeat(64)))
        .expect("a card");
    let opened = opened(&sealed(&pos, &card)).expect("opens");
    assert_eq!(opened.pos, pos);
}

#[test]
fn no_two_envelopes_share_a_key_or_an_iv() {
    let (one, two) = (sealed(&pos(), &keyed_card()), sealed(&pos(), &keyed_card()));
    assert_ne!(common::content_key(&one), common::content_key(&two));
    let parts = |jwe: &str| jwe.split('.').map(str::to_owned).collect::<Vec<_>>();
    let same = parts(&one).iter().zip(&parts(&two)).filter(|(a, b)| a == b).count();
    assert_eq!(same, 1, "only the header is the same");
}

#[test]
fn a_payment_that_cannot_be_is_not_sealed() {
    let wrapped = WrappedContentKey::make(&public_key(), &mut SysRng).expect("a content key");
    let result = seal(wrapped, &Pos { amt: 0, ..pos() }, &keyed_card(), &mut SysRng);
    assert_eq!(result, Err(SealError::Pos(PosError("amt"))));
}

#[test]
fn nothing_is_sealed_without_randomness() {
    let result = WrappedContentKey::make(&public_key(), &mut Broken { left: 0 }).map(|_| ());
    assert_eq!(result, Err(SealError::Randomness));
    let wrapped = WrappedContentKey::make(&public_key(), &mut SysRng).expect("a content key");
    assert_eq!(seal(wrapped, &pos(), &keyed_card(), &mut Broken { left: 0 }), Err(SealError::Randomness));
    // The content key was drawn, the padding's seed was not.
    let result = WrappedContentKey::make(&public_key(), &mut Broken { left: 1 }).map(|_| ());
    assert_eq!(result, Err(SealError::CardKey));
}

#[test]
fn another_card_key_opens_nothing() {
    let other = make_card_key().expect("a card key");
    assert_ne!(other.n, card_key().n);
    let parsed = parse(&sealed(&pos(), &keyed_card())).expect("parses");
    let result = rsa_oaep_unwrap(&other.pkcs8, parsed.encrypted_key()).map(|_| ());
    assert_eq!(result, Err(OpenError::Refused));
    let garbage = rsa_oaep_unwrap(&b"not a key".as_slice().into(), parsed.encrypted_key()).map(|_| ());
    assert_eq!(garbage, Err(OpenError::PrivateKey));
}

#[test]
fn debug_of_a_prepared_key_and_an_opened_card_shows_nothing() {
    let wrapped = WrappedContentKey::make(&public_key(), &mut SysRng).expect("a content key");
    assert!(format!("{wrapped:?}").contains("content_key: [secret]"));
    let shown = format!("{:?} {:?}", opened(&sealed(&pos(), &swiped_card())).expect("opens"), card_key());
    for part in ["62123456", "281220", "BERG"] {
        assert!(!shown.contains(part), "{shown}");
    }
    assert!(shown.contains("pkcs8: [secret]"));
}

/// A generator that fails after `left` calls.
struct Broken {
    left: u32,
}

#[derive(Debug)]
struct NoRandomness;
impl std::fmt::Display for NoRandomness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no randomness")
    }
}
impl std::error::Error for NoRandomness {}

impl TryRng for Broken {
    type Error = NoRandomness;
    fn try_next_u32(&mut self) -> Result<u32, NoRandomness> {
        Err(NoRandomness)
    }
    fn try_next_u64(&mut self) -> Result<u64, NoRandomness> {
        Err(NoRandomness)
    }
    fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), NoRandomness> {
        self.left = self.left.checked_sub(1).ok_or(NoRandomness)?;
        dst.fill(1);
        Ok(())
    }
}
impl TryCryptoRng for Broken {}
