//! Voids of payments that were not uploaded: whatever comes first, a voided payment is never charged and none is lost.

use super::{desk, said};
use crate::ingest::{Status, release};
use crate::store::Ledger as _;
use crate::testing::{GOOD, NOW};

#[tokio::test]
async fn a_void_leaves_no_gap_and_nothing_to_charge() {
    let mut desk = desk();
    let (_, before) = desk.till.payment(500, GOOD);
    let draft = desk.till.draft(1_060, GOOD);
    let record = desk.till.sign(&draft);
    let (_, after) = desk.till.payment(600, GOOD);
    let void = desk.till.void(&draft, &record);
    let (_, last) = desk.till.payment(700, GOOD);
    let batch = [before.as_str(), after.as_str(), void.as_str(), last.as_str()];
    let acks = desk.send(&batch).await;
    assert_eq!(acks.iter().map(said).collect::<Vec<_>>(), ["stored"; 4]);
    assert_eq!(acks[2].id, draft.id.to_string());
    assert_eq!(desk.send(&batch).await.iter().map(said).collect::<Vec<_>>(), ["duplicate"; 4]);
    let kept = desk.ledger.payment(draft.id).await.expect("reads").expect("is there");
    assert_eq!((kept.state.name(), kept.seq, kept.sale.amount_minor), ("voided", 2, 1_060));
    assert_eq!((kept.record, kept.card_key_kid, kept.sale.number.as_str()), (None, None, "1-0002"));
    let mut seqs: Vec<u64> = desk.ledger.payments().iter().map(|payment| payment.seq).collect();
    seqs.sort_unstable();
    assert_eq!(
        (seqs, desk.ledger.job_count()),
        (vec![1, 2, 3, 5], 3),
        "the void has number 4, and there is no job for it"
    );
    // The record that was destroyed came from somewhere all the same.
    assert_eq!(said(&desk.send(&[&record]).await[0]), "duplicate");
    let kept = desk.ledger.payment(draft.id).await.expect("reads").expect("is there");
    assert_eq!((kept.state.name(), desk.ledger.job_count()), ("voided", 3), "and is not charged");
}

#[tokio::test]
async fn a_void_of_what_is_here_goes_to_the_owner_and_changes_nothing() {
    let mut desk = desk();
    let draft = desk.till.draft(1_060, GOOD);
    let record = desk.till.sign(&draft);
    let void = desk.till.void(&draft, &record);
    let acks = desk.send(&[&record, &void, &void]).await;
    let late = "quarantined: void-too-late";
    assert_eq!(acks.iter().map(said).collect::<Vec<_>>(), ["stored", late, late]);
    let kept = desk.ledger.payment(draft.id).await.expect("reads").expect("is there");
    assert_eq!((kept.state.name(), desk.ledger.job_count()), ("received", 1));
}

#[tokio::test]
async fn a_void_takes_both_numbers_and_stands_for_its_own_payment_only() {
    let mut desk = desk();
    let draft = desk.till.draft(1_060, GOOD);
    let record = desk.till.sign(&draft);
    let void = desk.till.void(&draft, &record);
    desk.send(&[&void]).await;
    for seq in [1, 2] {
        let mut other = desk.till.draft(100, GOOD);
        other.payload.seq = seq;
        if seq == 1 {
            other.payload.prev = String::new();
        }
        let other = desk.till.sign(&other);
        assert_eq!(said(&desk.send(&[&other]).await[0]), "quarantined: sequence-conflict", "number {seq}");
    }
    let mut changed = draft;
    changed.payload.sale.number = "1-9999".into();
    let changed = desk.till.sign(&changed);
    assert_eq!(said(&desk.send(&[&changed]).await[0]), "quarantined: id-conflict");
}

#[tokio::test]
async fn a_revoked_devices_void_waits_for_the_owner_who_lets_it_in() {
    let mut desk = desk();
    let draft = desk.till.draft(1_060, GOOD);
    let record = desk.till.sign(&draft);
    let void = desk.till.void(&draft, &record);
    desk.ledger.revoke(desk.till.device_id, NOW);
    assert_eq!(said(&desk.send(&[&void]).await[0]), "quarantined: device-revoked");
    let device = desk.till.device();
    assert_eq!(release(&desk.ledger, NOW, &device, void, NOW).await.expect("releases"), Status::Stored);
    let kept = desk.ledger.payment(draft.id).await.expect("reads").expect("is there");
    assert_eq!(kept.state.name(), "voided");
}
