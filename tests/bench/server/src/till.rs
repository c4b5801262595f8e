//! Tills that have sold offline: their records are sealed and signed before any clock starts.

use getrandom::SysRng;
use holdfast_core::id::PaymentId;
use holdfast_crypto::envelope::{CardPlaintext, Entry, Pos, PublicCardKey, WrappedContentKey, seal};
use holdfast_crypto::es256::SigningKey;
use holdfast_server::store::Device;
use holdfast_wire::b64::{hash_text, record_hash};
use holdfast_wire::record::{CardWire, LineWire, RecordPayload, SaleWire};

/// A public test number, which the simulator approves.
const APPROVED: &str = "4242424242424242";

/// An enrolled till.
pub struct Till {
    pub device: Device,
    key: SigningKey,
    seq: u64,
    prev: String,
}

/// The day's card key, as a till has it.
#[derive(Clone)]
pub struct Sealing {
    pub key: PublicCardKey,
    pub version: u64,
}

impl Till {
    pub fn new(device: Device, key: SigningKey) -> Self {
        Self { device, key, seq: 0, prev: String::new() }
    }

    /// The next `count` payments of its chain, sold at `at_ms`.
    pub fn sell(&mut self, sealing: &Sealing, at_ms: i64, count: usize) -> Vec<String> {
        (0..count).map(|_| self.sell_one(sealing, at_ms)).collect()
    }

    fn sell_one(&mut self, sealing: &Sealing, at_ms: i64) -> String {
        self.seq += 1;
        let amount = 300 + i64::try_from(self.seq % 900).unwrap_or(0);
        let mut random = [0; 10];
        getrandom::fill(&mut random).expect("randomness");
        let pos = Pos {
            v: 1,
            mid: self.device.merchant_id.to_string(),
            did: self.device.id.to_string(),
            pid: PaymentId::make(at_ms, random).to_string(),
            seq: self.seq,
            amt: amount,
            cur: "EUR".into(),
            ksv: sealing.version,
        };
        let card = CardPlaintext::new(APPROVED, "3012", Entry::Keyed).expect("a card");
        let wrapped = WrappedContentKey::make(&sealing.key, &mut SysRng).expect("a content key");
        let jwe = seal(wrapped, &pos, &card, &mut SysRng).expect("an envelope");
        let payload = self.payload(pos, jwe, at_ms);
        let to_sign = payload.to_sign();
        let signature = self.key.sign(to_sign.signing_input()).expect("a signature");
        let record = to_sign.with_signature(&signature);
        self.prev = hash_text(record_hash(&record));
        record
    }

    fn payload(&self, pos: Pos, jwe: String, at_ms: i64) -> RecordPayload {
        let lines: Vec<LineWire> =
            [("Flat white", 1_900, pos.amt / 2), ("Butter croissant", 700, pos.amt - pos.amt / 2)]
                .into_iter()
                .map(|(name, tax_bp, total_minor)| LineWire {
                    name: name.into(),
                    qty: 1,
                    unit_minor: total_minor,
                    total_minor,
                    tax_bp,
                    tax_minor: total_minor * i64::from(tax_bp) / (10_000 + i64::from(tax_bp)),
                })
                .collect();
        RecordPayload {
            v: 1,
            id: pos.pid,
            mid: pos.mid,
            did: pos.did,
            seq: pos.seq,
            prev: self.prev.clone(),
            jwe,
            created_ms: at_ms,
            mono_ms: 5_000,
            server_ms: 0,
            server_mono_ms: 0,
            offline: true,
            card: CardWire { brand: "visa".into(), last4: "4242".into(), entry: "keyed".into(), chip: false },
            approval: None,
            sale: SaleWire {
                number: format!("{}-{:04}", self.device.number, pos.seq),
                currency: pos.cur,
                total_minor: pos.amt,
                tax_minor: lines.iter().map(|line| line.tax_minor).sum(),
                lines,
                tip_minor: 0,
                staff: None,
            },
            void: None,
        }
    }
}
