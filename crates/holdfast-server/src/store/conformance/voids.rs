//! Payments that were voided on their device before they were uploaded.

use super::{Fixture, IngestOp, Ledger, NOW, Payment, RecordHash};
use crate::store::VoidPlace;
use holdfast_core::payment::PaymentState;

pub async fn a_void_stands_in_its_payments_place_and_takes_one_of_its_own<L: Ledger>(f: Fixture<L>) {
    let state =
        PaymentState::Voided { approval_code: String::new(), reason: "mistake".parse().expect("a reason"), at_ms: NOW };
    let voided = Payment { record: None, card_key_kid: None, state, ..f.payment(1) };
    let never_came = RecordHash([77; 32]);
    let place = VoidPlace { seq: 3, prev: String::new(), voided: never_came };
    let ops = vec![IngestOp::Store(Box::new(f.payment(2))), IngestOp::StoreVoid(Box::new(voided.clone()), place)];
    f.ledger.ingest(NOW, f.query(&[&voided]), move |_| (ops, ())).await.expect("stores");
    let kept = f.read(voided.id).await;
    assert_eq!(kept, Payment { change: kept.change, ..voided.clone() });
    let snapshot = f.snapshot(&[&voided, &f.payment(3)]).await;
    assert_eq!(snapshot.by_id, [(voided.id, voided.record_hash)].into());
    assert_eq!(snapshot.voided, [(voided.id, never_came)].into());
    assert_eq!(snapshot.seqs, [1, 3].into(), "its payment's number and its own");
    assert_eq!(snapshot.head, Some((3, voided.record_hash)));
    let jobs = f.ledger.claim_due(NOW, NOW + 1, 9).await.expect("claims");
    assert_eq!(
        jobs.iter().map(|job| job.payment_id).collect::<Vec<_>>(),
        [f.payment(2).id],
        "nothing is left to be done"
    );
    let events = f.ledger.events_after(f.device.merchant_id, 0, 9).await.expect("reads");
    assert_eq!(events.iter().map(|e| e.state.as_str()).collect::<Vec<_>>(), ["received", "voided"]);
}
