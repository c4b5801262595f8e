//! Paying again on the live receipt: what its page offers to the customer, and the payment that comes of it.
//!
//! The card is sealed in the customer's browser as a till seals it. The record around it is made here, from the payment that was not paid, and
//! signed with the acknowledgement key (docs/decisions/the-live-receipt-is-a-device-without-a-key.md).

use crate::ingest::AckSigner;
use crate::keys::Keyring;
use crate::receipts::Lang;
use crate::store::{Again, Anew, Books, CardSummary, Device, Ledger as _, Payment, StoreError};
use holdfast_core::card::{Brand, Entry};
use holdfast_core::id::{DeviceId, MerchantId, PaymentId};
use holdfast_core::payment::PaymentState;
use holdfast_core::payment::again::{AgainError, AgainFacts, may_pay_again};
use holdfast_core::time::UnixMs;
use holdfast_crypto::envelope::{self, Pos};
use holdfast_crypto::es256::SigningKey;
use holdfast_wire::b64::{self, hash_text};
use holdfast_wire::jws::{ToSign, typ};
use holdfast_wire::record::{CardWire, LineWire, RecordPayload, SaleWire};
use serde::Serialize;
use std::time::Duration;

/// How often a payment is read anew because somebody else wrote in between, and how long their commit is given at first.
const LOOKS_MAX: u32 = 6;
const LOOK_MS: u64 = 40;
/// The digits of an id that are its payment's number on the device: 52 bits, which a browser's numbers hold exactly.
const SEQ_HEX_DIGITS: usize = 13;

/// A sale as its live receipt knows it.
#[derive(Debug, Clone)]
pub struct Sale {
    /// The first one first; never empty.
    payments: Vec<Payment>,
    is_instructed: bool,
    is_unsure: bool,
}

/// What the page needs to seal a card for the next payment.
#[derive(Debug, Clone, Serialize)]
pub struct Offer {
    pub mid: String,
    pub did: String,
    pub amt: i64,
    pub cur: String,
    /// The card key of the day, and the version of its set.
    pub kid: String,
    pub n: String,
    pub ksv: u64,
    /// Which one of the sale's payments it would be.
    pub attempt: usize,
    /// The server's clock, for a card's expiry.
    pub now_ms: UnixMs,
    /// How a brand is known: digits, from, to, name.
    pub brands: Vec<(usize, u32, u32, &'static str)>,
}

/// A payment as the page sends it.
pub struct Asked {
    pub id: PaymentId,
    pub attempt: usize,
    pub jwe: String,
    pub brand: String,
    pub last4: String,
}

/// Why it was not taken.
#[derive(Debug, thiserror::Error)]
pub enum PayError {
    #[error("there is no such receipt")]
    Unknown,
    #[error(transparent)]
    Refused(#[from] AgainError),
    #[error("the page is older than the payment: load it again")]
    Stale,
    #[error("the envelope is not one for this payment")]
    Envelope,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the keys cannot be used now")]
    Keys,
}

impl Sale {
    /// The sale that a payment belongs to. `None`: there is no such payment.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn read(books: &Books, id: PaymentId) -> Result<Option<Self>, StoreError> {
        let payments = books.payments_of_sale(id).await?;
        let Some(last) = payments.last() else { return Ok(None) };
        let is_instructed = match last.state {
            PaymentState::Declined { .. } => books.instructions(last.id).await?.iter().any(|i| i.progress.is_open()),
            _ => false,
        };
        let is_unsure = last.changed_ms <= books.restored_ms();
        Ok(Some(Self { payments, is_instructed, is_unsure }))
    }

    pub fn first(&self) -> &Payment {
        &self.payments[0]
    }

    /// The payment that counts.
    pub fn last(&self) -> &Payment {
        &self.payments[self.payments.len() - 1]
    }

    /// All of them, the first one first.
    pub fn payments(&self) -> &[Payment] {
        &self.payments
    }

    /// Those that were not paid before it.
    pub fn earlier(&self) -> &[Payment] {
        &self.payments[..self.payments.len() - 1]
    }

    /// How often its customer has paid again.
    pub fn attempts(&self) -> usize {
        self.payments.len() - 1
    }

    /// Whether its customer may pay it again.
    pub fn is_payable(&self, now_ms: UnixMs) -> bool {
        self.judge(now_ms).is_ok()
    }

    fn judge(&self, now_ms: UnixMs) -> Result<(), AgainError> {
        let facts = AgainFacts {
            last: &self.last().state,
            attempts: self.attempts(),
            is_instructed: self.is_instructed,
            is_settled: self.last().again.is_settled,
            is_unsure: self.is_unsure,
            taken_ms: self.first().taken_ms,
        };
        may_pay_again(facts, now_ms)
    }

    /// What its page offers, when it may be paid again and there is a key to seal a card with.
    pub fn offer(&self, keyring: &Keyring, now_ms: UnixMs) -> Option<Offer> {
        self.judge(now_ms).ok()?;
        let set = keyring.published()?.key_set()?;
        let key = set.card_key_at(now_ms)?;
        let last = self.last();
        Some(Offer {
            mid: last.merchant_id.to_string(),
            did: device_of(last.merchant_id).to_string(),
            amt: last.sale.amount_minor,
            cur: last.sale.currency.clone(),
            kid: key.kid.clone(),
            n: key.n.clone(),
            ksv: set.version,
            attempt: self.attempts() + 1,
            now_ms,
            brands: Brand::RANGES.iter().map(|(digits, from, to, brand)| (*digits, *from, *to, brand.name())).collect(),
        })
    }
}

/// What stands for a merchant's live receipts among its devices. Always the same for the same merchant, so that no visit has to write it down.
pub fn device_of(merchant_id: MerchantId) -> DeviceId {
    let hash = b64::sha256(format!("holdfast live receipts of {merchant_id}"));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    DeviceId::make(bytes)
}

/// Takes a payment in the place of the sale's last one. The same id again is the same payment.
///
/// # Errors
/// [`PayError`]: nothing was kept.
pub async fn pay(
    books: &Books,
    keyring: &Keyring,
    now_ms: UnixMs,
    of: PaymentId,
    asked: &Asked,
) -> Result<Sale, PayError> {
    for look in 0..LOOKS_MAX {
        // Who was in the way may not have committed yet.
        tokio::time::sleep(Duration::from_millis(u64::from(look) * LOOK_MS)).await;
        let sale = Sale::read(books, of).await?.ok_or(PayError::Unknown)?;
        if sale.payments[1..].iter().any(|payment| payment.id == asked.id) {
            return Ok(sale);
        }
        sale.judge(now_ms)?;
        if asked.attempt != sale.attempts() + 1 {
            return Err(PayError::Stale);
        }
        let payment = payment(keyring, now_ms, &sale, asked)?;
        let device = device(books, payment.merchant_id).await?;
        let last = sale.last();
        let anew = Anew { last: last.id, change: last.change, device, payment: Box::new(payment) };
        match books.pay_again(now_ms, anew).await {
            Ok(true) => return Ok(Sale::read(books, of).await?.unwrap_or(sale)),
            // Somebody else's payment has this id, or a till's: a fresh page makes another.
            Ok(false) => return Err(PayError::Stale),
            Err(StoreError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Conflict.into())
}

/// The device as it is written down with the first payment. The private half of its key is gone before anybody could use it.
async fn device(books: &Books, merchant_id: MerchantId) -> Result<Device, PayError> {
    let locale = books.merchant(merchant_id).await?.locale;
    let (key, _) = SigningKey::make().map_err(|_| PayError::Keys)?;
    Ok(Device {
        id: device_of(merchant_id),
        merchant_id,
        number: 0,
        name: Lang::of(&locale).words().live_receipt.to_owned(),
        key: key.verifying_key().clone(),
        revoked_ms: None,
    })
}

/// The payment that it becomes: of the same sale, online, with a card that the customer typed.
fn payment(keyring: &Keyring, now_ms: UnixMs, sale: &Sale, asked: &Asked) -> Result<Payment, PayError> {
    let (last, device_id) = (sale.last(), device_of(sale.last().merchant_id));
    let seq = seq_of(asked.id).ok_or(PayError::Envelope)?;
    let kid = sealed_with(keyring, asked, &expected(last, device_id, seq, asked.id))?;
    let is_last4 = asked.last4.len() == 4 && asked.last4.bytes().all(|b| b.is_ascii_digit());
    if !is_last4 {
        return Err(PayError::Envelope);
    }
    let card = CardWire {
        brand: Brand::from_name(&asked.brand).name().to_owned(),
        last4: asked.last4.clone(),
        entry: Entry::Keyed.name().to_owned(),
        chip: false,
    };
    let record = record(keyring, now_ms, last, device_id, asked, seq, card.clone())?;
    Ok(Payment {
        id: asked.id,
        device_id,
        seq,
        prev: hash_text(last.record_hash),
        record_hash: b64::record_hash(&record),
        record: Some(record),
        card_key_kid: Some(kid),
        card: CardSummary { brand: card.brand, last4: card.last4, entry: card.entry, pan_hmac: None },
        offline: false,
        taken_ms: now_ms,
        received_ms: now_ms,
        state: PaymentState::Received,
        changed_ms: now_ms,
        change: 0,
        again: Again { replaces: Some(last.id), ..Again::default() },
        ..last.clone()
    })
}

/// The number of a payment on its device. A till counts; here many customers pay at once, and each id brings its own.
fn seq_of(id: PaymentId) -> Option<u64> {
    let digits = id.to_string().replace('-', "");
    let seq = u64::from_str_radix(digits.get(digits.len().checked_sub(SEQ_HEX_DIGITS)?..)?, 16).ok()?;
    (seq > 1).then_some(seq)
}

/// Where the envelope must belong. The version of the key set is the page's.
fn expected(last: &Payment, device_id: DeviceId, seq: u64, id: PaymentId) -> Pos {
    Pos {
        v: Pos::VERSION,
        mid: last.merchant_id.to_string(),
        did: device_id.to_string(),
        pid: id.to_string(),
        seq,
        amt: last.sale.amount_minor,
        cur: last.sale.currency.clone(),
        ksv: 0,
    }
}

/// The name of the key that the envelope was sealed with: one that we publish, for this very payment. Opened is it by the jobs.
fn sealed_with(keyring: &Keyring, asked: &Asked, expected: &Pos) -> Result<String, PayError> {
    let set = keyring.published().and_then(|published| published.key_set()).ok_or(PayError::Keys)?;
    let parsed = envelope::parse(&asked.jwe).map_err(|_| PayError::Envelope)?;
    let (pos, kid) = (parsed.header().pos(), parsed.header().kid());
    if (Pos { ksv: 0, ..pos.clone() }) != *expected {
        return Err(PayError::Envelope);
    }
    // A page that was open over midnight, or over an emergency rotation, has another day's key.
    if pos.ksv > set.version || !set.card_keys.iter().any(|key| key.kid == kid) {
        return Err(PayError::Stale);
    }
    Ok(kid.to_owned())
}

/// The record as a till would have made it. It names the record of the payment that was not paid as the one before it.
fn record(
    keyring: &Keyring,
    now_ms: UnixMs,
    last: &Payment,
    device_id: DeviceId,
    asked: &Asked,
    seq: u64,
    card: CardWire,
) -> Result<String, PayError> {
    // Written by ingest from the same shape.
    let lines: Vec<LineWire> = serde_json::from_str(&last.sale.lines).unwrap_or_default();
    let payload = RecordPayload {
        v: holdfast_wire::V,
        id: asked.id.to_string(),
        mid: last.merchant_id.to_string(),
        did: device_id.to_string(),
        seq,
        prev: hash_text(last.record_hash),
        jwe: asked.jwe.clone(),
        created_ms: now_ms,
        mono_ms: 0,
        server_ms: now_ms,
        server_mono_ms: 0,
        offline: false,
        card,
        approval: None,
        sale: SaleWire {
            number: last.sale.number.clone(),
            currency: last.sale.currency.clone(),
            total_minor: last.sale.amount_minor,
            tax_minor: last.sale.tax_minor,
            lines,
            tip_minor: last.sale.tip_minor,
            staff: Some(last.sale.staff.clone()).filter(|id| !id.is_empty()),
        },
        void: None,
    };
    if payload.to_core().is_none() {
        return Err(PayError::Envelope);
    }
    let to_sign = ToSign::new(typ::RECORD, keyring.kid(), &payload);
    let signature = keyring.sign(to_sign.signing_input()).map_err(|_| PayError::Keys)?;
    Ok(to_sign.with_signature(&signature))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payment_s_number_is_the_end_of_its_id_and_fits_a_browser_s_numbers() {
        let id = |text: &str| text.parse::<PaymentId>().expect("an id");
        for (text, seq) in [
            ("019aaf00-0000-7000-8000-000000000001", None),
            ("019aaf00-0000-7000-8000-000000000000", None),
            ("019aaf00-0000-7000-8000-000000000002", Some(2)),
            ("019aaf00-0000-7000-8fff-ffffffffffff", Some((1 << 52) - 1)),
            ("019aaf00-0000-7000-a001-000000000000", Some(1 << 48)),
        ] {
            assert_eq!(seq_of(id(text)), seq, "{text}");
        }
    }

    #[test]
    fn every_merchant_s_receipts_are_one_device() {
        let of = |byte| device_of(MerchantId::make([byte; 16]));
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
        assert_eq!(of(1).to_string().parse(), Ok(of(1)));
    }
}
