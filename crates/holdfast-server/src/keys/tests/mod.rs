//! The chain from root to card key, over days, on a real database. The clock is an argument, so days take no time.

mod audit;
mod ceremony;
mod life;

use super::root::make_root_files;
use super::{BookedCardKeys, Keyring, LocalKeys, Material, kid_tag};
use crate::ingest::AckSigner as _;
use crate::process::{CardKeyFault, CardKeys as _};
use crate::store::{
    Again, Books, CardSummary, Enrolled, Enrolment, IngestOp, IngestQuery, Ledger as _, Payment, PaymentOp, Place, Sale,
};
use crate::testing::{GOOD, NOW};
use holdfast_core::id::{DeviceId, MerchantId, PaymentId, RecordHash};
use holdfast_core::keys;
use holdfast_core::limits::{KEY_MARGIN_MS, WINDOW_MS_MAX};
use holdfast_core::payment::PaymentState;
use holdfast_core::time::{DAY_MS, utc_day};
use holdfast_crypto::envelope::{CardPlaintext, Entry, Pos, PublicCardKey, WrappedContentKey, parse, seal};
use holdfast_crypto::es256::{SigningKey, VerifyingKey};
use holdfast_wire::jws::{NamedKey, Unverified};
use holdfast_wire::keyset::{Certificate, KeySet, Roots};
use std::path::Path;
use std::sync::Arc;

/// The epoch of the books.
const EPOCH: &str = "epoch";

/// The name of a day's first key in them.
fn card_kid(day: i64) -> String {
    keys::card_kid(day, &kid_tag(EPOCH))
}

struct House {
    folder: tempfile::TempDir,
    ledger: Arc<Books>,
    local: Arc<LocalKeys>,
}

async fn house() -> House {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(make_root_files(folder.path()).expect("makes"));
    assert!(!make_root_files(folder.path()).expect("leaves them"));
    let place = Place::Sqlite(folder.path().join("books.sqlite"));
    let ledger = Books::open(&place, EPOCH).await.expect("opens");
    let local = LocalKeys::open(folder.path()).expect("opens");
    House { folder, ledger: Arc::new(ledger), local: Arc::new(local) }
}

impl House {
    async fn keyring(&self, now_ms: i64) -> Keyring {
        Keyring::open(Arc::clone(&self.ledger), self.material(), now_ms).await.expect("opens")
    }

    fn material(&self) -> Material {
        Material::in_files(Arc::clone(&self.local), self.folder.path().to_owned())
    }

    fn card_keys(&self) -> BookedCardKeys {
        BookedCardKeys::new(Arc::clone(&self.ledger), self.material().stores)
    }

    async fn is_destroyed(&self, kid: &str) -> bool {
        matches!(self.ledger.card_key_handle(kid).await, Ok(Some((_, None))))
    }
}

/// As a till reads it: root -> certificate -> key set.
fn verified(folder: &Path, keyring: &Keyring, held_version: u64) -> KeySet {
    fn accept<T>(document: Unverified<T>, keys: &[NamedKey]) -> T {
        let key = document.key(keys).expect("a known key").jwk.clone();
        let key = VerifyingKey::parse(&key.x, &key.y).expect("a key");
        let is_right = key.verify(document.signing_input(), document.signature()).is_ok();
        document.accept(is_right).expect("rightly signed")
    }
    let roots = std::fs::read_to_string(folder.join("root.public.json")).expect("is there");
    let roots = Roots::from_json(&roots).expect("reads");
    assert_eq!(roots.roots.len(), 2, "current and next");
    let published = keyring.published().expect("is published");
    let cert = accept(Certificate::parse(&published.answer.cert).expect("a certificate"), &roots.roots);
    let set = accept(KeySet::parse(&published.answer.keyset).expect("a key set"), &[cert.signer()]);
    set.check(&cert, held_version).expect("is acceptable");
    assert_eq!(set.version, published.version);
    set
}

fn kids(set: &KeySet) -> Vec<String> {
    set.card_keys.iter().map(|key| key.kid.clone()).collect()
}

fn days(from_ms: i64, count: i64) -> Vec<String> {
    (0..count).map(|day| card_kid(utc_day(from_ms) + day)).collect()
}

#[tokio::test]
async fn the_first_start_serves_todays_key_and_the_sweep_adds_the_days_ahead() {
    let house = house().await;
    let keyring = house.keyring(NOW).await;
    let first = verified(house.folder.path(), &keyring, 0);
    assert_eq!((kids(&first), first.version), (days(NOW, 1), seconds(NOW)));
    keyring.sweep(NOW).await.expect("sweeps");
    let second = verified(house.folder.path(), &keyring, first.version);
    assert_eq!((kids(&second), second.version), (days(NOW, 8), first.version + 1), "within the same second");
    keyring.sweep(NOW + 60_000).await.expect("sweeps");
    let third = verified(house.folder.path(), &keyring, second.version);
    assert_eq!(third.version, second.version, "nothing to do is nothing done");
    // A restart signs nothing new, and keeps the acknowledgement key that tills know.
    let kid = keyring.kid().to_owned();
    let again = house.keyring(NOW + 120_000).await;
    let held = verified(house.folder.path(), &again, second.version).version;
    assert_eq!((again.kid(), held), (kid.as_str(), second.version));
    let signature = again.sign(b"message").expect("signs");
    let key = &verified(house.folder.path(), &again, second.version).ack_keys[0].jwk;
    assert!(VerifyingKey::parse(&key.x, &key.y).expect("a key").verify(b"message", &signature).is_ok());
}

#[tokio::test]
async fn keys_change_by_the_day_and_are_destroyed_after_their_time_unless_a_record_needs_them() {
    let house = house().await;
    let keyring = house.keyring(NOW).await;
    let (first, second) = (card_kid(utc_day(NOW)), card_kid(utc_day(NOW) + 1));
    keyring.sweep(NOW).await.expect("sweeps");
    let id = store_unopened(&house, &first).await;
    keyring.sweep(NOW + DAY_MS).await.expect("sweeps");
    let set = verified(house.folder.path(), &keyring, seconds(NOW) + 1);
    assert_eq!(kids(&set), days(NOW + DAY_MS, 8), "yesterday's key is no longer given out");
    assert!(!house.is_destroyed(&first).await, "and still opens");

    // Both are past their time; one is named by a record that was not opened.
    let later = (utc_day(NOW) + 2) * DAY_MS + WINDOW_MS_MAX + KEY_MARGIN_MS;
    keyring.sweep(later).await.expect("sweeps");
    assert_eq!((house.is_destroyed(&first).await, house.is_destroyed(&second).await), (false, true));
    assert_eq!(house.card_keys().content_key(&second, &[0; 384]).await.err(), Some(CardKeyFault::Destroyed));

    let change = house.ledger.payment(id).await.expect("reads").expect("is there").change;
    house.ledger.apply(later, id, change, vec![PaymentOp::Scrub]).await.expect("opens and wipes");
    keyring.sweep(later).await.expect("sweeps");
    assert!(house.is_destroyed(&first).await);
    let log = house.ledger.key_log().await.expect("reads");
    let destroyed: Vec<&str> = log.iter().filter(|l| l.event == "destroyed").map(|l| l.kid.as_str()).collect();
    assert_eq!(destroyed, [second.as_str(), first.as_str()]);
    assert!(log.iter().any(|l| l.kid == format!("keyset-{}", seconds(NOW)) && l.event == "published"));
}

#[tokio::test]
async fn new_roots_certify_a_new_signer() {
    let house = house().await;
    let first = house.keyring(NOW).await.published().expect("a set").version;
    for file in ["root.private.json", "root.public.json"] {
        std::fs::remove_file(house.folder.path().join(file)).expect("removes");
    }
    make_root_files(house.folder.path()).expect("makes");
    let again = house.keyring(NOW + 1_000).await;
    let set = verified(house.folder.path(), &again, first);
    assert!(set.version > first, "tills with the new roots can read it");
}

#[tokio::test]
async fn a_wrapped_key_opens_what_its_public_half_closed() {
    let house = house().await;
    let keyring = house.keyring(NOW).await;
    let set = verified(house.folder.path(), &keyring, 0);
    let key = &set.card_keys[0];
    let public = PublicCardKey::parse(&key.kid, &key.n, &key.e).expect("a key");
    let wrapped = WrappedContentKey::make(&public, &mut getrandom::SysRng).expect("wraps");
    let pos =
        Pos { v: 1, mid: "m".into(), did: "d".into(), pid: "p".into(), seq: 1, amt: 5, cur: "EUR".into(), ksv: 1 };
    let card = CardPlaintext::new(GOOD, "3012", Entry::Swipe).expect("a card");
    let jwe = seal(wrapped, &pos, &card, &mut getrandom::SysRng).expect("seals");
    let parsed = parse(&jwe).expect("an envelope");
    let keys = house.card_keys();
    let content_key = keys.content_key(&key.kid, parsed.encrypted_key()).await.expect("decrypts");
    assert!(parsed.open(content_key).is_ok_and(|opened| opened.card.pan().expose() == GOOD));
    assert_eq!(keys.content_key(&key.kid, &[7; 384]).await.err(), Some(CardKeyFault::Refused));
    assert_eq!(keys.content_key("card-1999-01-01", &[7; 384]).await.err(), Some(CardKeyFault::Unknown));
}

#[tokio::test]
async fn no_private_key_lies_open_on_the_disk() {
    let house = house().await;
    let keyring = house.keyring(NOW).await;
    house.ledger.close().await;
    drop(keyring);
    let books = std::fs::read(house.folder.path().join("books.sqlite")).expect("reads");
    // PKCS#8's algorithm identifiers of RSA and P-256 keys: they would stand in the clear in an unwrapped key.
    let rsa = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
    let p256 = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    for needle in [rsa.as_slice(), p256.as_slice()] {
        assert!(!books.windows(needle.len()).any(|window| window == needle));
    }
}

/// The version of the first set of fresh books.
fn seconds(now_ms: i64) -> u64 {
    u64::try_from(now_ms / 1_000).expect("after 1970")
}

/// A payment that waits, with its envelope for `kid`.
async fn store_unopened(house: &House, kid: &str) -> PaymentId {
    let (device_id, merchant_id) = (DeviceId::make([1; 16]), MerchantId::make([2; 16]));
    house.ledger.add_shop(crate::demo::shop(merchant_id)).await.expect("adds");
    house.ledger.add_enrolment_code(NOW, merchant_id, "hash".into(), NOW + 1).await.expect("adds");
    let key = SigningKey::make().expect("makes").0.verifying_key().clone();
    let enrolment = Enrolment { device_id, code_hash: "hash".into(), name: "Counter".into(), key };
    assert!(matches!(house.ledger.enrol(NOW, enrolment).await, Ok(Enrolled::Yes { .. })));
    let payment = Payment {
        id: PaymentId::make(NOW, [1; 10]),
        merchant_id,
        device_id,
        seq: 1,
        prev: String::new(),
        record_hash: RecordHash([1; 32]),
        record: Some("a.record.jws".into()),
        card_key_kid: Some(kid.to_owned()),
        sale: Sale {
            number: "1".into(),
            amount_minor: 1,
            currency: "EUR".into(),
            tax_minor: 0,
            tip_minor: 0,
            staff: String::new(),
            lines: "[]".into(),
        },
        card: CardSummary { brand: "visa".into(), last4: "4242".into(), entry: "swipe".into(), pan_hmac: None },
        offline: true,
        taken_ms: NOW,
        received_ms: NOW,
        state: PaymentState::Received,
        changed_ms: NOW,
        change: 0,
        again: Again::default(),
    };
    let (id, op) = (payment.id, IngestOp::Store(Box::new(payment)));
    let query = IngestQuery { device_id, ids: vec![], seqs: vec![], hashes: vec![] };
    house.ledger.ingest(NOW, query, move |_| (vec![op], ())).await.expect("stores");
    id
}
