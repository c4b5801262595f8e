//! Books that come from a copy: the till offers what it was told is stored, and the owner sees what is gone.

use super::*;
use crate::people::Role;
use crate::store::Ledger as _;
use crate::testing::NOW;
use holdfast_core::outbox::{StoneAnswer, StoneStanding};
use holdfast_wire::ack::AckPayload;
use holdfast_wire::b64::{hash_text, record_hash};
use holdfast_wire::offer::{OfferedStone, StoneOffer, StoneOfferAnswer};

fn stone(id: &str, record: &str, epoch: &str) -> OfferedStone {
    OfferedStone {
        id: id.into(),
        seq: 1,
        hash: hash_text(record_hash(record)),
        status: "stored".into(),
        epoch: epoch.into(),
        acked_ms: NOW,
        created_ms: NOW,
        number: "1-0042".into(),
        amount_minor: 4_711,
        currency: "EUR".into(),
        brand: "visa".into(),
        last4: "4242".into(),
    }
}

#[tokio::test]
async fn what_a_copy_did_not_hold_is_named_to_the_owner_and_taken_when_it_comes() {
    let house = house(true).await;
    let mut till = house.till().await;
    let (kept, kept_record) = till.payment(1_060, GOOD);
    let (lost, lost_record) = till.payment(4_711, GOOD);
    let before = house.server.ledger.epoch();
    assert_eq!(house.upload(&till, vec![kept_record.clone()]).await.status, StatusCode::OK);
    // As the copy that was put back: it knows one of the two.
    let stones = vec![
        stone(&kept.to_string(), &kept_record, &before),
        stone(&lost.to_string(), &lost_record, &before),
        stone("nonsense", "", &before),
    ];
    let body = StoneOffer { v: 1, stones }.to_json();
    let answer = house.of_till(&till, "POST", "/api/v1/tombstones", body.as_bytes()).await;
    assert_eq!(answer.status, StatusCode::OK);
    let answers: Vec<StoneAnswer> = answer
        .json::<StoneOfferAnswer>()
        .answers
        .iter()
        .map(|compact| AckPayload::parse(compact).expect("reads").accept(true).expect("is signed"))
        .inspect(|payload| assert_eq!(payload.to_core(), None, "it deletes no ciphertext"))
        .map(|payload| payload.to_stone_answer().expect("an answer"))
        .collect();
    let epoch = house.server.ledger.epoch();
    let said: Vec<_> = answers.iter().map(|a| (a.id, a.standing, a.epoch.as_str())).collect();
    assert_eq!(said, [(kept, StoneStanding::Known, epoch.as_str()), (lost, StoneStanding::Missing, epoch.as_str())]);

    let owner = house.token("ada@example.com", Role::Owner, Some(till.merchant_id)).await;
    let missing = async || house.bearer(&owner, "GET", "/api/v1/missing", "").await.json::<serde_json::Value>();
    let page = missing().await;
    assert_eq!(page["lines"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        (page["lines"][0]["payment_id"].as_str(), page["lines"][0]["amount_minor"].as_i64()),
        (Some(lost.to_string().as_str()), Some(4_711))
    );
    // The till still had it.
    assert_eq!(house.upload(&till, vec![lost_record]).await.status, StatusCode::OK);
    assert_eq!(missing().await["lines"].as_array().map(Vec::len), Some(0));

    let many = StoneOffer { v: 1, stones: vec![stone(&kept.to_string(), &kept_record, "e"); 51] }.to_json();
    let answer = house.of_till(&till, "POST", "/api/v1/tombstones", many.as_bytes()).await;
    assert_eq!(answer.problem(), (413, "batch-too-large".into()));
    let answer = house.of_till(&till, "POST", "/api/v1/tombstones", b"[]").await;
    assert_eq!(answer.problem(), (400, "batch-unreadable".into()));
}
