//! What a till offers when it hears another epoch: the tombstones of what it was told is stored.

use crate::load::Acked;
use holdfast_contract_tests::{Till, open_jws};
use holdfast_core::limits::OFFER_STONES_MAX;
use holdfast_core::outbox::StoneAnswer;
use holdfast_wire::ack::AckPayload;
use holdfast_wire::offer::{OfferedStone, StoneOffer, StoneOfferAnswer};

/// Offers each, as many in a request as there may be, and gives the answers after checking their signatures.
pub fn offer(till: &Till, acked: &[&Acked]) -> Vec<StoneAnswer> {
    let ask = |some: &[&Acked]| {
        let offer = StoneOffer { v: 1, stones: some.iter().map(|acked| stone(acked)).collect() }.to_json();
        let answer = till.request("POST", "/api/v1/tombstones", offer.as_bytes());
        assert_eq!(answer.status, 200, "{}", answer.text());
        StoneOfferAnswer::from_json(&answer.body).expect("an answer").answers
    };
    let read = |compact: String| {
        let payload = open_jws(AckPayload::parse(&compact), &till.keyset.ack_keys).expect("is signed");
        payload.to_stone_answer().expect("an answer to a tombstone")
    };
    acked.chunks(OFFER_STONES_MAX).flat_map(ask).map(read).collect()
}

fn stone(acked: &Acked) -> OfferedStone {
    let record = &acked.payment.payload;
    OfferedStone {
        id: acked.payment.id.clone(),
        seq: record.seq,
        hash: acked.payment.hash.clone(),
        status: "stored".into(),
        epoch: acked.epoch.clone(),
        acked_ms: record.created_ms,
        created_ms: record.created_ms,
        number: record.sale.number.clone(),
        amount_minor: record.sale.total_minor,
        currency: record.sale.currency.clone(),
        brand: record.card.brand.clone(),
        last4: record.card.last4.clone(),
    }
}
