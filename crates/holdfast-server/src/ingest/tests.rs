//! Every bad input of a batch, through the front door, on the books in memory. The store's conformance suite says that SQLite
//! keeps the same books.

mod voids;

use super::{IngestError, ingest};
use crate::store::memory::{Crash, MemoryLedger};
use crate::store::{Device, Ledger as _};
use crate::testing::{GOOD, NOW, TestSigner, TestTill, sign_with};
use holdfast_core::id::{DeviceId, MerchantId};
use holdfast_core::limits::{BATCH_RECORDS_MAX, RECORD_BYTES_MAX};
use holdfast_crypto::es256::SigningKey;
use holdfast_wire::ack::AckPayload;
use holdfast_wire::b64::{hash_text, record_hash};

struct Desk {
    ledger: MemoryLedger,
    signer: TestSigner,
    till: TestTill,
}

fn desk() -> Desk {
    let (ledger, till) = (MemoryLedger::new("epoch-1"), TestTill::new(1));
    ledger.add_device(till.device());
    Desk { ledger, signer: TestSigner::make(), till }
}

impl Desk {
    async fn send(&self, records: &[&str]) -> Vec<AckPayload> {
        let records: Vec<String> = records.iter().map(|r| (*r).to_owned()).collect();
        let device = self.ledger.device(self.till.device_id).await.expect("reads").expect("is enrolled");
        let acks =
            ingest(&self.ledger, &self.signer, NOW, &device, records.clone()).await.expect("takes the batch").acks;
        let acks = self.signer.verify(&acks);
        for (ack, record) in acks.iter().zip(&records) {
            assert_eq!(ack.record_hash, hash_text(record_hash(record)), "the hash names the very string");
            assert_eq!((ack.epoch.as_str(), ack.server_time_ms), ("epoch-1", NOW));
        }
        acks
    }

    /// Sends one bad string between two good ones, and says what became of it.
    async fn between_good(&mut self, bad: &str) -> AckPayload {
        let (_, before) = self.till.payment(500, GOOD);
        let (_, after) = self.till.payment(600, GOOD);
        let acks = self.send(&[&before, bad, &after]).await;
        assert_eq!(said(&acks[0]), "stored", "a bad record holds up none of the others");
        assert_eq!(said(&acks[2]), "stored", "a bad record holds up none of the others");
        acks[1].clone()
    }
}

fn said(ack: &AckPayload) -> String {
    match &ack.reason {
        Some(reason) => format!("{}: {reason}", ack.status),
        None => ack.status.clone(),
    }
}

#[tokio::test]
async fn a_batch_is_stored_and_a_replay_gets_the_same_answer() {
    let mut desk = desk();
    let (id, first) = desk.till.payment(1_060, GOOD);
    let (_, second) = desk.till.payment(340, GOOD);
    let acks = desk.send(&[&first, &second]).await;
    assert_eq!(acks.iter().map(said).collect::<Vec<_>>(), ["stored", "stored"]);
    assert_eq!(acks[0].id, id.to_string());
    let again = desk.send(&[&first, &second, &first]).await;
    assert_eq!(again.iter().map(said).collect::<Vec<_>>(), ["duplicate"; 3]);
    assert_eq!((desk.ledger.payments().len(), desk.ledger.job_count()), (2, 2));
    let kept = desk.ledger.payment(id).await.expect("reads").expect("is there");
    assert_eq!((kept.sale.amount_minor, kept.card.last4.as_str(), kept.state.name()), (1_060, "4242", "received"));
    assert_eq!(kept.card_key_kid.as_deref(), Some(crate::testing::KID));
}

#[tokio::test]
async fn one_record_twice_in_a_batch_is_one_payment() {
    let mut desk = desk();
    let (_, record) = desk.till.payment(1_060, GOOD);
    let acks = desk.send(&[&record, &record]).await;
    assert_eq!(acks.iter().map(said).collect::<Vec<_>>(), ["stored", "duplicate"]);
    assert_eq!(desk.ledger.payments().len(), 1);
}

#[tokio::test]
async fn garbage_goes_to_quarantine_with_an_empty_id() {
    let mut desk = desk();
    let (_, good) = desk.till.payment(100, GOOD);
    let (header, _) = good.split_once('.').expect("a header");
    let half = &good[..good.len() / 2];
    let no_json = format!("{header}.{}.{}", holdfast_wire::b64::encode("not json"), "A".repeat(86));
    for bad in ["", ".", "..", "hello", "\u{0}\u{1}é", "<html>sign in</html>", half, &no_json, &"A".repeat(3_000)] {
        let ack = desk.between_good(bad).await;
        assert_eq!((ack.id.as_str(), said(&ack)), ("", "quarantined: unreadable".to_owned()), "{bad:.20}");
    }
}

#[tokio::test]
async fn what_is_too_large_is_kept_by_itself() {
    let mut desk = desk();
    let ack = desk.between_good(&"x".repeat(RECORD_BYTES_MAX + 1)).await;
    assert_eq!(said(&ack), "quarantined: too-large");
    let many: Vec<String> = (0..=BATCH_RECORDS_MAX).map(|i| i.to_string()).collect();
    let answer = ingest(&desk.ledger, &desk.signer, NOW, &desk.till.device(), many).await;
    assert_eq!(answer, Err(IngestError::TooManyRecords));
}

#[tokio::test]
async fn a_wrong_signature_is_no_payment() {
    let mut desk = desk();
    let stranger = SigningKey::make().expect("makes a key").0;
    let draft = desk.till.draft(100, GOOD);
    let right = desk.till.sign(&draft);
    let ack = desk.between_good(&sign_with(&stranger, &draft.payload)).await;
    assert_eq!((ack.id.clone(), said(&ack)), (draft.id.to_string(), "quarantined: record-signature-wrong".to_owned()));
    assert_eq!(said(&desk.send(&[&right]).await[0]), "stored", "the true record is not barred by the forged one");
}

#[tokio::test]
async fn a_record_that_a_sister_signed_is_taken_as_the_sisters() {
    let mut desk = desk();
    let mut sister = TestTill::new(2);
    desk.ledger.add_device(sister.device());
    let (id, first) = sister.payment(100, GOOD);
    assert_eq!(said(&desk.between_good(&first).await), "stored");
    let kept = desk.ledger.payment(id).await.expect("reads").expect("is there");
    assert_eq!((kept.device_id, kept.seq), (sister.device_id, 1));
    assert_eq!(said(&desk.between_good(&first).await), "duplicate");
    // Both have a record number 1: sequences are each device's own, and so is a conflict.
    let mut draft = sister.draft(100, GOOD);
    draft.payload.seq = 1;
    draft.payload.prev = String::new();
    let twin = sister.sign(&draft);
    assert_eq!(said(&desk.between_good(&twin).await), "quarantined: sequence-conflict");
    let signed_by_another = sign_with(&desk.till.key, &sister.draft(100, GOOD).payload);
    assert_eq!(said(&desk.between_good(&signed_by_another).await), "quarantined: record-signature-wrong");
}

#[tokio::test]
async fn a_sister_that_was_revoked_or_is_another_merchants_is_not_taken() {
    let mut desk = desk();
    let mut revoked = TestTill::new(3);
    desk.ledger.add_device(Device { revoked_ms: Some(NOW), ..revoked.device() });
    let (_, record) = revoked.payment(100, GOOD);
    assert_eq!(said(&desk.between_good(&record).await), "quarantined: device-revoked");
    let key = SigningKey::make().expect("makes a key").0;
    let mut foreign = TestTill::with_key(key, DeviceId::make([4; 16]), MerchantId::make([201; 16]));
    desk.ledger.add_device(foreign.device());
    let (_, record) = foreign.payment(100, GOOD);
    assert_eq!(said(&desk.between_good(&record).await), "quarantined: not-this-device");
}

#[tokio::test]
async fn a_record_of_an_unknown_device_or_merchant_is_not_taken() {
    let mut desk = desk();
    let mut other = TestTill::new(2);
    let (_, foreign) = other.payment(100, GOOD);
    assert_eq!(said(&desk.between_good(&foreign).await), "quarantined: not-this-device");
    let mut draft = desk.till.draft(100, GOOD);
    draft.payload.did = other.device_id.to_string();
    let claimed = sign_with(&desk.till.key, &draft.payload);
    assert_eq!(said(&desk.between_good(&claimed).await), "quarantined: not-this-device");
    let mut draft = desk.till.draft(100, GOOD);
    draft.payload.mid = other.device_id.to_string();
    let merchant = desk.till.sign(&draft);
    assert_eq!(said(&desk.between_good(&merchant).await), "quarantined: not-this-device");
}

#[tokio::test]
async fn the_same_id_with_another_hash_is_a_conflict() {
    let mut desk = desk();
    let (id, first) = desk.till.payment(100, GOOD);
    desk.send(&[&first]).await;
    let mut draft = desk.till.draft(90_000, GOOD);
    draft.payload.id = id.to_string();
    let other = desk.till.sign(&draft);
    let ack = desk.between_good(&other).await;
    assert_eq!((ack.id.clone(), said(&ack)), (id.to_string(), "quarantined: id-conflict".to_owned()));
    let kept = desk.ledger.payment(id).await.expect("reads").expect("is there");
    assert_eq!(kept.sale.amount_minor, 100, "the first one stands");
    assert_eq!(said(&desk.send(&[&other]).await[0]), "quarantined: id-conflict", "a replay gets the stored answer");
    assert_eq!(desk.ledger.quarantine().len(), 1);
}

#[tokio::test]
async fn two_records_with_one_number_are_a_conflict() {
    let mut desk = desk();
    let (_, first) = desk.till.payment(100, GOOD);
    desk.send(&[&first]).await;
    let mut draft = desk.till.draft(100, GOOD);
    (draft.payload.seq, draft.payload.prev) = (1, String::new());
    let fork = desk.till.sign(&draft);
    assert_eq!(said(&desk.between_good(&fork).await), "quarantined: sequence-conflict");
}

#[tokio::test]
async fn numbers_that_no_book_can_hold_are_unreadable() {
    let mut desk = desk();
    for seq in [0, u64::MAX, i64::MAX as u64 + 1] {
        let mut draft = desk.till.draft(100, GOOD);
        draft.payload.seq = seq;
        let record = desk.till.sign(&draft);
        assert_eq!(said(&desk.between_good(&record).await), "quarantined: unreadable", "{seq}");
    }
}

#[tokio::test]
async fn what_a_revoked_device_holds_goes_to_its_owner() {
    let mut desk = desk();
    let (_, before) = desk.till.payment(100, GOOD);
    desk.send(&[&before]).await;
    desk.ledger.revoke(desk.till.device_id, NOW);
    let (_, after) = desk.till.payment(200, GOOD);
    let acks = desk.send(&[&before, &after, "garbage"]).await;
    let said: Vec<String> = acks.iter().map(said).collect();
    assert_eq!(said, ["duplicate", "quarantined: device-revoked", "quarantined: unreadable"]);
    let kept = desk.ledger.quarantine();
    assert_eq!(
        kept[0].1.card_key_kid.as_deref(),
        Some(crate::testing::KID),
        "its card key stays until the owner decides"
    );
    assert_eq!(kept[0].1.raw, after.as_bytes());
}

#[tokio::test]
async fn nothing_is_acknowledged_without_its_commit() {
    let mut desk = desk();
    let (id, record) = desk.till.payment(100, GOOD);
    let device = desk.till.device();
    for is_written in [false, true] {
        desk.ledger.fail_after(Crash { after: 0, is_written });
        let answer = ingest(&desk.ledger, &desk.signer, NOW, &device, vec![record.clone()]).await;
        assert!(matches!(answer, Err(IngestError::Store(_))));
        desk.ledger.restart();
        assert_eq!(desk.ledger.payment(id).await.expect("reads").is_some(), is_written);
    }
    assert_eq!(said(&desk.send(&[&record]).await[0]), "duplicate", "a commit whose answer was lost is known again");
}
