//! Cards, carts and records for tests. Every card number is a public test number.

use crate::rng::SeededRng;
use holdfast_core::card::{Card, Entry};
use holdfast_core::cart::Cart;
use holdfast_core::money::{Amount, Currency};
use holdfast_core::outbox::{AckStatus, Entry as QueueEntry};
use holdfast_core::policy::TakenAt;
use holdfast_wire::b64;
use holdfast_wire::record::{CardWire, RecordPayload, SaleWire};
use holdfast_wire::stored::{ChainHead, StoredPayment, Tombstone};
use holdfast_wire::time::Head;

/// A public test number and what the acquirer's simulator answers for it by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TestCard {
    pub number: &'static str,
    /// Response code (ISO 8583 field 39).
    pub code: &'static str,
}

/// The cards of docs/protocol.md section 10.
pub const CARDS: [TestCard; 7] = [
    TestCard { number: "4242424242424242", code: "00" },
    TestCard { number: "5555555555554444", code: "00" },
    TestCard { number: "378282246310005", code: "00" },
    TestCard { number: "4000000000000002", code: "05" },
    TestCard { number: "4000000000009995", code: "51" },
    TestCard { number: "4000000000000069", code: "54" },
    TestCard { number: "4000000000000119", code: "91" },
];

/// A keyed card that expires in December 2030.
///
/// # Panics
/// When the number is no card number.
pub fn keyed(number: &str) -> Card {
    Card::keyed(number.parse().expect("a public test number"), "12/30".parse().expect("an expiry"))
}

/// A swiped card, from the two tracks that a reader types.
///
/// # Panics
/// When the number is no card number.
pub fn swiped(number: &str) -> Card {
    let raw = format!("%B{number}^TEST/CARD^3012101000000?;{number}=3012101000000?");
    holdfast_core::card::read_tracks(&raw).expect("two good tracks")
}

/// A sale of one to four lines, from 0.50 to about 200.00.
///
/// # Panics
/// Never: the amounts are small.
pub fn cart(rng: &mut SeededRng) -> Cart {
    let names = ["Flat white", "Croissant", "Söt té", "Großer Kaffee", "抹茶ラテ", "\"Quoted\" \\ name"];
    let mut cart = Cart::new(Currency::EUR);
    for _ in 0..rng.between(1, 4) {
        let amount = Amount::new(rng.between(50, 5_000), Currency::EUR);
        cart.add_amount(rng.pick::<&str>(&names), amount, *rng.pick(&[0, 700, 1_900])).expect("a small amount fits");
    }
    cart
}

/// A record whose envelope and signature are filler: right in form, for stores and queues that open neither.
pub fn record(id: &str, seq: u64, prev: &str, filler_bytes: usize) -> RecordPayload {
    RecordPayload {
        v: holdfast_wire::V,
        id: id.into(),
        mid: "7f0c2f7e-4f63-4b7e-9a77-0d2f5ad1a001".into(),
        did: "7f0c2f7e-4f63-4b7e-9a77-0d2f5ad1d001".into(),
        seq,
        prev: prev.into(),
        jwe: "x".repeat(filler_bytes),
        created_ms: 1_795_392_000_000,
        mono_ms: 5_000,
        server_ms: 0,
        server_mono_ms: 0,
        offline: true,
        card: card_wire(),
        sale: sale_wire(&format!("1-{seq:04}")),
        approval: None,
        void: None,
    }
}

/// Record number `n` (1 to 255) of a chain, as it is stored: its id, sequence, hash and expiry all grow with `n`.
pub fn stored(n: u8) -> StoredPayment {
    stored_with(n, 1_600)
}

/// As [`stored`], with an envelope of another size.
pub fn stored_with(n: u8, filler_bytes: usize) -> StoredPayment {
    let prev = if n <= 1 { String::new() } else { b64::encode([n - 1; 32]) };
    let payload = record(&payment_id(n), u64::from(n), &prev, filler_bytes);
    let compact = payload.to_sign().with_signature(&[n; 64]);
    StoredPayment::new(&payload.id, payload.seq, compact, 1_795_392_000_000 + i64::from(n) * 1_000)
}

/// The id of record number `n`.
pub fn payment_id(n: u8) -> String {
    holdfast_core::id::PaymentId::make(1_795_392_000_000 + i64::from(n), [n; 10]).to_string()
}

/// The chain's head after a record.
pub fn head_of(payment: &StoredPayment, sale_number: u64) -> ChainHead {
    ChainHead { v: holdfast_wire::V, head: Head { seq: payment.seq, hash: payment.hash.clone() }, sale_number }
}

/// The queue's view of a stored payment.
///
/// # Panics
/// When the payment was not made by this module.
pub fn entry(payment: &StoredPayment) -> QueueEntry {
    payment.entry().expect("a stored payment of a test")
}

/// What is left of a payment after its acknowledgement.
///
/// # Panics
/// When the record cannot be read.
pub fn tombstone(payment: &StoredPayment, status: &AckStatus, epoch: &str, at_ms: i64) -> Tombstone {
    let payload = payment.payload().expect("a record of a test");
    let (status, reason) = match status {
        AckStatus::Stored => ("stored", None),
        AckStatus::Duplicate => ("duplicate", None),
        AckStatus::Quarantined(reason) => ("quarantined", Some(reason.clone())),
    };
    Tombstone {
        v: holdfast_wire::V,
        id: payment.id.clone(),
        seq: payment.seq,
        hash: payment.hash.clone(),
        status: status.into(),
        reason,
        epoch: epoch.into(),
        at_ms,
        card: payload.card,
        sale: payload.sale,
        created_ms: payload.created_ms,
        voids: payment.voids.clone(),
    }
}

/// The times of a record taken at a reading of the clocks.
pub fn taken_at(reading: holdfast_core::time::Reading) -> TakenAt {
    TakenAt {
        created_ms: reading.wall_ms,
        mono_ms: reading.mono_ms,
        server_ms: reading.anchor.map_or(0, |a| a.server_ms),
        server_mono_ms: reading.anchor.map_or(0, |a| a.at_mono_ms),
    }
}

fn card_wire() -> CardWire {
    CardWire { brand: "visa".into(), last4: "4242".into(), entry: Entry::Keyed.name().into(), chip: false }
}

fn sale_wire(number: &str) -> SaleWire {
    let mut cart = Cart::new(Currency::EUR);
    cart.add_amount("Flat white", Amount::new(420, Currency::EUR), 1_900).expect("a small amount fits");
    SaleWire::from_cart(number, &cart)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_is_what_the_code_under_test_takes() {
        for card in CARDS {
            assert_eq!(keyed(card.number).check(1_795_392_000_000), Ok(()), "{}", card.code);
            assert_eq!(swiped(card.number).check(1_795_392_000_000), Ok(()), "{}", card.code);
        }
        assert!(RecordPayload::to_core(&record(&payment_id(1), 1, "", 8)).is_some());
        assert!(stored(2).payload().is_ok_and(|p| p.to_core().is_some_and(|r| r.prev.is_some())));
        let mut rng = SeededRng::new(3);
        assert!((0..100).all(|_| cart(&mut rng).total().is_positive()));
    }
}
