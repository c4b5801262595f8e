//! What the tests of this crate share: a till that seals and signs, a card key that is made once, a clock that stands still.

use crate::clock::SystemClock;
use crate::ingest::{AckSigner, SignError};
use crate::process::{CardKeyFault, CardKeys, Clock};
use crate::store::{Device, Place, PostgresUrl};
use holdfast_core::id::{DeviceId, MerchantId, PaymentId};
use holdfast_core::time::UnixMs;
use holdfast_crypto::envelope::{
    CardKeyPair, CardPlaintext, ContentKey, Entry, Pos, PublicCardKey, WrappedContentKey, make_card_key,
    rsa_oaep_unwrap, seal,
};
use holdfast_crypto::es256::SigningKey;
use holdfast_test_postgres::{Postgres, Promise};
use holdfast_wire::ack::AckPayload;
use holdfast_wire::b64;
use holdfast_wire::record::{CardWire, LineWire, RecordPayload, SaleWire};
use holdfast_wire::time::Head;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};

pub const NOW: UnixMs = 1_795_446_000_000;
pub const KID: &str = "card-2026-11-23";
pub const GOOD: &str = "4242424242424242";

/// The address of a fresh database in a PostgreSQL that all tests of this process share, and that ends with it.
pub fn postgres_database() -> Place {
    Place::Postgres(postgres_url())
}

pub fn postgres_url() -> PostgresUrl {
    static SERVER: OnceLock<Postgres> = OnceLock::new();
    static NEXT: AtomicI64 = AtomicI64::new(0);
    let server = SERVER.get_or_init(|| Postgres::start(Promise::Fast).expect("starts"));
    let url = server.database(&format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed))).expect("makes a database");
    url.into()
}

/// One RSA key for the whole run: making one takes a while.
pub fn card_key() -> &'static CardKeyPair {
    static KEY: OnceLock<CardKeyPair> = OnceLock::new();
    KEY.get_or_init(|| make_card_key().expect("makes a key"))
}

/// Opens what was sealed with [`card_key`].
#[derive(Debug, Default)]
pub struct OneCardKey;

impl CardKeys for OneCardKey {
    async fn content_key(&self, kid: &str, encrypted_key: &[u8]) -> Result<ContentKey, CardKeyFault> {
        if kid != KID {
            return Err(CardKeyFault::Unknown);
        }
        rsa_oaep_unwrap(&card_key().pkcs8, encrypted_key).map_err(|_| CardKeyFault::Refused)
    }
}

/// A clock that walks on from [`NOW`]: what a till sealed then must not be too old for a server on the day of the test.
pub fn clock() -> SystemClock {
    static OFFSET_MS: OnceLock<i64> = OnceLock::new();
    SystemClock::with_offset_ms(*OFFSET_MS.get_or_init(|| NOW - SystemClock::default().now_ms()))
}

/// A clock that is set.
#[derive(Debug, Clone)]
pub struct SetClock(Arc<AtomicI64>);

impl SetClock {
    pub fn at(now_ms: UnixMs) -> Self {
        Self(Arc::new(AtomicI64::new(now_ms)))
    }

    pub fn advance(&self, by_ms: i64) {
        self.0.fetch_add(by_ms, Ordering::Relaxed);
    }
}

impl Clock for SetClock {
    fn now_ms(&self) -> UnixMs {
        self.0.load(Ordering::Relaxed)
    }
}

/// Signs acknowledgements.
pub struct TestSigner(SigningKey);

impl TestSigner {
    pub fn make() -> Self {
        Self(SigningKey::make().expect("makes a key").0)
    }

    /// Reads acknowledgements and checks their signatures.
    pub fn verify(&self, acks: &[String]) -> Vec<AckPayload> {
        let read = |ack: &String| {
            let ack = AckPayload::parse(ack).expect("an acknowledgement");
            let is_right = self.0.verifying_key().verify(ack.signing_input(), ack.signature()).is_ok();
            ack.accept(is_right).expect("rightly signed")
        };
        acks.iter().map(read).collect()
    }
}

impl AckSigner for TestSigner {
    fn kid(&self) -> &str {
        "ack-test"
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignError> {
        self.0.sign(message).map_err(|_| SignError)
    }
}

/// A till.
pub struct TestTill {
    pub key: SigningKey,
    pub device_id: DeviceId,
    pub merchant_id: MerchantId,
    pub card_key: PublicCardKey,
    seq: u64,
    prev: String,
}

/// A payment to be sealed. Fields are changed by tests before they are signed.
pub struct Draft {
    pub payload: RecordPayload,
    pub id: PaymentId,
}

impl TestTill {
    pub fn new(number: u8) -> Self {
        let key = SigningKey::make().expect("makes a key").0;
        Self::with_key(key, DeviceId::make([number; 16]), MerchantId::make([200; 16]))
    }

    pub fn with_key(key: SigningKey, device_id: DeviceId, merchant_id: MerchantId) -> Self {
        let pair = card_key();
        let card_key = PublicCardKey::parse(KID, &pair.n, &pair.e).expect("a public key");
        Self { key, device_id, merchant_id, card_key, seq: 0, prev: String::new() }
    }

    pub fn device(&self) -> Device {
        Device {
            id: self.device_id,
            merchant_id: self.merchant_id,
            number: 1,
            name: "Counter".to_owned(),
            key: self.key.verifying_key().clone(),
            revoked_ms: None,
        }
    }

    /// A payment that is not signed yet.
    pub fn draft(&mut self, amount_minor: i64, pan: &str) -> Draft {
        self.seq += 1;
        // Enough of the device that two of one shop never make the same.
        let device = self.device_id.to_string().into_bytes();
        let [.., high, low] = self.seq.to_be_bytes();
        let id = PaymentId::make(NOW, [device[1], high, low, device[2], device[3], device[4], device[5], 0, 0, low]);
        let pos = Pos {
            v: 1,
            mid: self.merchant_id.to_string(),
            did: self.device_id.to_string(),
            pid: id.to_string(),
            seq: self.seq,
            amt: amount_minor,
            cur: "EUR".to_owned(),
            ksv: 1,
        };
        let payload = RecordPayload {
            v: 1,
            id: id.to_string(),
            mid: pos.mid.clone(),
            did: pos.did.clone(),
            seq: self.seq,
            prev: self.prev.clone(),
            jwe: self.seal(&pos, pan),
            created_ms: NOW - 60_000,
            mono_ms: 5_000,
            server_ms: NOW - 61_000,
            server_mono_ms: 4_000,
            offline: true,
            card: CardWire {
                brand: "visa".into(),
                last4: pan[pan.len() - 4..].into(),
                entry: "swipe".into(),
                chip: false,
            },
            approval: None,
            sale: SaleWire {
                number: format!("1-{:04}", self.seq),
                currency: "EUR".into(),
                total_minor: amount_minor,
                tax_minor: 0,
                lines: vec![LineWire {
                    name: "Flat white".into(),
                    qty: 1,
                    unit_minor: amount_minor,
                    total_minor: amount_minor,
                    tax_bp: 0,
                    tax_minor: 0,
                }],
                tip_minor: 0,
                staff: None,
            },
            void: None,
        };
        Draft { payload, id }
    }

    pub fn seal(&self, pos: &Pos, pan: &str) -> String {
        let card = CardPlaintext::new(pan, "3012", Entry::Swipe).expect("a card");
        let wrapped = WrappedContentKey::make(&self.card_key, &mut getrandom::SysRng).expect("wraps");
        seal(wrapped, pos, &card, &mut getrandom::SysRng).expect("seals")
    }

    /// Signs a draft and moves the chain on.
    pub fn sign(&mut self, draft: &Draft) -> String {
        let compact = sign_with(&self.key, &draft.payload);
        self.prev = b64::hash_text(b64::record_hash(&compact));
        compact
    }

    /// The void of a payment that is not uploaded, as the chain's next record.
    pub fn void(&mut self, draft: &Draft, record: &str) -> String {
        let head = Head { seq: self.seq, hash: self.prev.clone() };
        let payload = draft.payload.voided(&b64::hash_text(b64::record_hash(record)), &head, NOW, "mistake");
        self.seq = payload.seq;
        self.sign(&Draft { payload, id: draft.id })
    }

    /// A payment, sealed and signed.
    pub fn payment(&mut self, amount_minor: i64, pan: &str) -> (PaymentId, String) {
        let draft = self.draft(amount_minor, pan);
        (draft.id, self.sign(&draft))
    }
}

pub fn sign_with(key: &SigningKey, payload: &RecordPayload) -> String {
    let to_sign = payload.to_sign();
    let signature = key.sign(to_sign.signing_input()).expect("signs");
    to_sign.with_signature(&signature)
}
