//! A till without a page: it enrols, verifies the key set from the root down, seals, signs, uploads and checks what it is
//! answered, with the code that the real till uses wherever that runs natively.

use std::sync::Arc;

use getrandom::SysRng;
use holdfast_core::id::PaymentId;
use holdfast_crypto::envelope::{CardPlaintext, Entry, Pos, PublicCardKey, WrappedContentKey, seal};
use holdfast_crypto::es256::{SigningKey, VerifyingKey};
use holdfast_wire::ack::AckPayload;
use holdfast_wire::b64;
use holdfast_wire::batch::{Batch, BatchAnswer};
use holdfast_wire::enrolment::{ENROL_KEYID, Enrolment, EnrolmentRequest};
use holdfast_wire::history::{HistoryPage, PaymentView};
use holdfast_wire::httpsig;
use holdfast_wire::jws::{Jwk, JwsError, NamedKey, Unverified};
use holdfast_wire::keyset::{Certificate, KeySet, KeySetAnswer};
use holdfast_wire::record::{CardWire, LineWire, RecordPayload, SaleWire};

use crate::now_ms;
use crate::server::{Answer, Server};

/// An enrolled till.
pub struct Till {
    pub server: Arc<Server>,
    pub key: SigningKey,
    pub enrolment: Enrolment,
    pub keyset: KeySet,
    seq: u64,
    prev: String,
}

/// A payment, sealed and signed.
#[derive(Clone)]
pub struct Payment {
    pub id: String,
    pub record: String,
    pub hash: String,
    pub payload: RecordPayload,
}

impl Till {
    /// Enrols with a fresh code and verifies the key set.
    pub fn enrol(server: &Arc<Server>) -> Self {
        let (key, _) = SigningKey::make().expect("a device key");
        let answer = Self::enrol_with(server, &server.enrolment_code(), &key, &key);
        assert_eq!(answer.status, 201, "{}", answer.text());
        let enrolment = serde_json::from_slice(&answer.body).expect("an enrolment");
        let keyset = fetch_keyset(server);
        Self { server: Arc::clone(server), key, enrolment, keyset, seq: 0, prev: String::new() }
    }

    /// The bare request: `signer` proves possession of `key`, or fails to.
    pub fn enrol_with(server: &Server, code: &str, key: &SigningKey, signer: &SigningKey) -> Answer {
        let public = key.verifying_key();
        let jwk = Jwk { kty: "EC".into(), crv: "P-256".into(), x: public.x(), y: public.y() };
        let request = EnrolmentRequest { v: 1, code: code.into(), device_name: "contract".into(), jwk };
        let body = serde_json::to_vec(&request).expect("JSON");
        signed(server, "POST", "/api/v1/enrolments", &body, ENROL_KEYID, signer)
    }

    /// A request signed by this device.
    pub fn request(&self, method: &str, path: &str, body: &[u8]) -> Answer {
        signed(&self.server, method, path, body, &self.enrolment.device_id, &self.key)
    }

    /// [`Till::request`], where it may happen that nobody answers.
    ///
    /// # Errors
    /// When there is no whole answer.
    pub fn try_request(&self, method: &str, path: &str, body: &[u8]) -> Result<Answer, ureq::Error> {
        try_signed(&self.server, method, path, body, &self.enrolment.device_id, &self.key)
    }

    /// The next payment of this till's chain.
    pub fn payment(&mut self, pan: &str, amount: i64) -> Payment {
        self.payment_with(pan, amount, |_, _| {})
    }

    /// The next payment, with `twist` changing the envelope's position before sealing and the record before signing.
    pub fn payment_with(
        &mut self,
        pan: &str,
        amount: i64,
        twist: impl FnOnce(&mut Pos, &mut RecordPayload),
    ) -> Payment {
        let mut random = [0; 10];
        getrandom::fill(&mut random).expect("randomness");
        let id = PaymentId::make(now_ms(), random).to_string();
        self.seq += 1;
        let mut pos = Pos {
            v: 1,
            mid: self.enrolment.merchant_id.clone(),
            did: self.enrolment.device_id.clone(),
            pid: id,
            seq: self.seq,
            amt: amount,
            cur: "EUR".into(),
            ksv: self.keyset.version,
        };
        let mut payload = self.record(&pos, pan);
        twist(&mut pos, &mut payload);
        let kid = self.keyset.card_key_at(now_ms()).expect("a card key for now").kid.clone();
        payload.jwe = self.seal(&kid, &pos, pan);
        let payment = sign(&self.key, payload);
        self.prev.clone_from(&payment.hash);
        payment
    }

    /// Makes `payment` the head of this till's chain, after it was signed anew.
    pub fn continue_from(&mut self, payment: &Payment) {
        self.prev.clone_from(&payment.hash);
    }

    /// Seals for a card key of the set, by its id.
    pub fn seal(&self, kid: &str, pos: &Pos, pan: &str) -> String {
        let key = self.keyset.card_keys.iter().find(|k| k.kid == kid).expect("a key of the set");
        let key = PublicCardKey::parse(&key.kid, &key.n, &key.e).expect("a public card key");
        let card = CardPlaintext::new(pan, "3012", Entry::Keyed).expect("a card");
        let wrapped = WrappedContentKey::make(&key, &mut SysRng).expect("a content key");
        seal(wrapped, pos, &card, &mut SysRng).expect("an envelope")
    }

    /// Uploads, and gives the acknowledgements after checking each signature with a key of the verified set.
    pub fn upload(&self, records: &[&str]) -> Vec<AckPayload> {
        let answer = self.request("POST", "/api/v1/batches", batch(records).as_bytes());
        assert_eq!(answer.status, 200, "{}", answer.text());
        self.acknowledgements(&answer, records.len())
    }

    /// [`Till::upload`], where it may happen that nobody answers, or somebody says to come later.
    pub fn try_upload(&self, records: &[&str]) -> Option<Vec<AckPayload>> {
        let body = batch(records);
        let answer = self.try_request("POST", "/api/v1/batches", body.as_bytes()).ok()?;
        (answer.status == 200).then(|| self.acknowledgements(&answer, records.len()))
    }

    fn acknowledgements(&self, answer: &Answer, count: usize) -> Vec<AckPayload> {
        let answer = BatchAnswer::from_json(&answer.body).expect("a batch answer");
        assert_eq!(answer.acks.len(), count, "one acknowledgement per record");
        let open =
            |text: &String| open_jws(AckPayload::parse(text), &self.keyset.ack_keys).expect("a signed acknowledgement");
        answer.acks.iter().map(open).collect()
    }

    /// Uploads one payment and gives `status` or `status: reason` of its acknowledgement, found by id and hash.
    pub fn upload_one(&self, payment: &Payment) -> String {
        let acks = self.upload(&[&payment.record]);
        let mine = acks.iter().find(|a| a.record_hash == payment.hash).expect("an acknowledgement of this hash");
        assert!(mine.id == payment.id || mine.status == "quarantined", "of another id: {mine:?}");
        match &mine.reason {
            Some(reason) => format!("{}: {reason}", mine.status),
            None => mine.status.clone(),
        }
    }

    /// Long-polls until the payment is settled.
    pub fn settled(&self, id: &str) -> PaymentView {
        for _ in 0..12 {
            let answer = self.request("GET", &format!("/api/v1/payments/{id}?wait_ms=10000"), b"");
            assert_eq!(answer.status, 200, "{}", answer.text());
            let view = PaymentView::from_json(&answer.body).expect("a payment");
            if view.is_settled() {
                return view;
            }
        }
        panic!("{id} is not settled within two minutes");
    }

    /// One page of the history.
    pub fn history(&self, after: &str, limit: usize) -> HistoryPage {
        let answer = self.request("GET", &format!("/api/v1/payments?after={after}&limit={limit}"), b"");
        assert_eq!(answer.status, 200, "{}", answer.text());
        HistoryPage::from_json(&answer.body).expect("a page of history")
    }

    fn record(&self, pos: &Pos, pan: &str) -> RecordPayload {
        let line = LineWire {
            name: "Flat white".into(),
            qty: 1,
            unit_minor: pos.amt,
            total_minor: pos.amt,
            tax_bp: 1900,
            tax_minor: pos.amt * 1900 / 11_900,
        };
        RecordPayload {
            v: 1,
            id: pos.pid.clone(),
            mid: pos.mid.clone(),
            did: pos.did.clone(),
            seq: pos.seq,
            prev: self.prev.clone(),
            jwe: String::new(),
            created_ms: now_ms(),
            mono_ms: 5_000,
            server_ms: 0,
            server_mono_ms: 0,
            offline: true,
            card: CardWire {
                brand: "visa".into(),
                last4: pan[pan.len() - 4..].into(),
                entry: "keyed".into(),
                chip: false,
            },
            approval: None,
            sale: SaleWire {
                number: format!("{}-{:04}", self.enrolment.device_number, pos.seq),
                currency: pos.cur.clone(),
                total_minor: pos.amt,
                tax_minor: line.tax_minor,
                lines: vec![line],
                tip_minor: 0,
                staff: None,
            },
            void: None,
        }
    }
}

/// Signs a record, with whatever key.
pub fn sign(key: &SigningKey, payload: RecordPayload) -> Payment {
    let to_sign = payload.to_sign();
    let signature = key.sign(to_sign.signing_input()).expect("a signature");
    let record = to_sign.with_signature(&signature);
    Payment { id: payload.id.clone(), hash: b64::hash_text(b64::record_hash(&record)), record, payload }
}

impl Payment {
    /// The same payment, signed by another key.
    pub fn signed_by(&self, key: &SigningKey) -> Self {
        sign(key, self.payload.clone())
    }
}

/// The payload of a document that one of `keys` signed.
///
/// # Errors
/// When it is malformed, of an unknown key or the signature is wrong.
pub fn open_jws<T>(read: Result<Unverified<T>, JwsError>, keys: &[NamedKey]) -> Result<T, JwsError> {
    let read = read?;
    let jwk = &read.key(keys)?.jwk;
    let key = VerifyingKey::parse(&jwk.x, &jwk.y).map_err(|_| JwsError::Signature)?;
    let right = key.verify(read.signing_input(), read.signature()).is_ok();
    read.accept(right)
}

/// Fetches the key set and verifies it as a till does: root, certificate, set.
pub fn fetch_keyset(server: &Server) -> KeySet {
    let answer = server.send("GET", "/api/v1/keyset", &[], b"");
    let answer: KeySetAnswer = serde_json::from_slice(&answer.body).expect("a key set");
    let cert = open_jws(Certificate::parse(&answer.cert), &server.roots().roots).expect("a certificate by a root");
    let keyset = open_jws(KeySet::parse(&answer.keyset), &[cert.signer()]).expect("a key set by the signer");
    keyset.check(&cert, 0).expect("a key set that a till takes");
    keyset
}

fn batch(records: &[&str]) -> String {
    Batch::new(records.iter().map(|r| (*r).to_owned()).collect()).to_json()
}

fn signed(server: &Server, method: &str, path: &str, body: &[u8], keyid: &str, key: &SigningKey) -> Answer {
    try_signed(server, method, path, body, keyid, key).unwrap_or_else(|e| panic!("{method} {path}: {e}"))
}

fn try_signed(
    server: &Server,
    method: &str,
    path: &str,
    body: &[u8],
    keyid: &str,
    key: &SigningKey,
) -> Result<Answer, ureq::Error> {
    let (bare, query) = path.split_once('?').unwrap_or((path, ""));
    let request = httpsig::Request { method, path: bare, query, body };
    let to_sign = httpsig::ToSign::new(&request, keyid, now_ms() / 1_000);
    let signature = key.sign(to_sign.signing_input()).expect("a signature");
    let fields = to_sign.with_signature(&signature);
    let headers = [
        ("content-digest", fields.content_digest.as_str()),
        ("signature-input", fields.signature_input.as_str()),
        ("signature", fields.signature.as_str()),
        ("content-type", "application/json"),
    ];
    server.try_send(method, path, &headers, body)
}
