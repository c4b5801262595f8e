//! What every [`Ledger`] must do, run on memory, SQLite and PostgreSQL. The cases on PostgreSQL need its packages, and are left to
//! `cargo xtask test server`.

mod instructions;
mod mails;
mod missing;
mod outbox;
mod replicas;
mod together;
mod voids;

use super::memory::MemoryLedger;
use super::{
    Again, AttemptKind, Books, CardSummary, Device, Enrolled, Enrolment, IngestOp, IngestQuery, IngestSnapshot, Ledger,
    Payment, PaymentOp, Place, Quarantined, Sale, StoreError,
};
use crate::testing::NOW;
use holdfast_core::id::{DeviceId, MerchantId, PaymentId, RecordHash};
use holdfast_core::limits::WINDOW_MS_MAX;
use holdfast_core::payment::{Decline, PaymentState, Refunds};
use holdfast_crypto::es256::SigningKey;
use instructions::{
    a_job_that_ends_does_not_lose_what_was_asked_meanwhile, an_instruction_is_kept_and_calls_the_jobs,
    nothing_is_asked_of_another_merchants_payment, of_many_who_click_at_once_one_is_heard,
};

use missing::what_was_acknowledged_and_is_not_here_is_told_apart;
use together::{
    many_cases_are_read_at_once, of_many_changes_at_once_each_is_written_or_conflicts,
    of_two_changes_of_one_payment_the_second_sees_the_first,
};
use voids::a_void_stands_in_its_payments_place_and_takes_one_of_its_own;

/// Books with one enrolled device.
pub struct Fixture<L> {
    pub ledger: L,
    pub device: Device,
}

async fn in_memory() -> Fixture<MemoryLedger> {
    let ledger = MemoryLedger::new("epoch-1");
    let device = device(DeviceId::make([1; 16]), MerchantId::make([2; 16]));
    ledger.add_device(device.clone());
    Fixture { ledger, device }
}

async fn sqlite_books(folder: &tempfile::TempDir, epoch: &str) -> Books {
    Books::open(&Place::Sqlite(folder.path().join("books.sqlite")), epoch).await.expect("opens")
}

async fn in_sqlite(folder: &tempfile::TempDir) -> Fixture<Books> {
    in_books(sqlite_books(folder, "epoch-1").await).await
}

pub async fn in_postgres() -> Fixture<Books> {
    in_books(Books::open(&crate::testing::postgres_database(), "epoch-1").await.expect("opens")).await
}

pub async fn in_books(ledger: Books) -> Fixture<Books> {
    let mut device = device(DeviceId::make([1; 16]), MerchantId::make([2; 16]));
    if ledger.device(device.id).await.expect("reads").is_none() {
        ledger.add_shop(crate::demo::shop(device.merchant_id)).await.expect("adds");
        ledger.add_enrolment_code(NOW, device.merchant_id, "hash".into(), NOW + 1).await.expect("adds");
        let enrolment = Enrolment {
            device_id: device.id,
            code_hash: "hash".into(),
            name: device.name.clone(),
            key: device.key.clone(),
        };
        let enrolled = ledger.enrol(NOW, enrolment).await.expect("enrols");
        assert_eq!(enrolled, Enrolled::Yes { device_number: 1, merchant_id: device.merchant_id });
    }
    device.key = ledger.device(device.id).await.expect("reads").expect("is enrolled").key;
    Fixture { ledger, device }
}

/// Runs each case on every kind of books.
macro_rules! on_all {
    ($($case:ident),* $(,)?) => {
        mod memory {
            $(#[tokio::test] async fn $case() { super::$case(super::in_memory().await).await; })*
        }
        mod sqlite {
            $(#[tokio::test] async fn $case() {
                let folder = tempfile::tempdir().expect("a folder");
                super::$case(super::in_sqlite(&folder).await).await;
            })*
        }
        mod postgres {
            $(#[tokio::test]
            #[ignore = "needs PostgreSQL: cargo xtask test server"]
            async fn $case() { super::$case(super::in_postgres().await).await; })*
        }
    };
}

on_all!(
    a_payment_is_kept_as_it_came,
    a_decision_sees_what_is_in_the_books,
    a_refused_write_leaves_nothing_behind,
    a_replayed_quarantine_is_kept_once,
    every_state_is_read_as_it_was_written,
    a_change_by_another_writer_is_a_conflict,
    jobs_are_leased_oldest_first_and_given_back,
    a_live_sale_goes_before_the_batch_that_waits,
    a_scrubbed_record_leaves_its_hash,
    the_feed_tells_every_change_once_and_in_order,
    what_cannot_be_processed_moves_to_quarantine,
    every_change_leaves_a_line_that_stays,
    an_instruction_is_kept_and_calls_the_jobs,
    a_job_that_ends_does_not_lose_what_was_asked_meanwhile,
    of_many_who_click_at_once_one_is_heard,
    nothing_is_asked_of_another_merchants_payment,
    what_was_acknowledged_and_is_not_here_is_told_apart,
    of_many_changes_at_once_each_is_written_or_conflicts,
    of_two_changes_of_one_payment_the_second_sees_the_first,
    many_cases_are_read_at_once,
    a_void_stands_in_its_payments_place_and_takes_one_of_its_own,
);

fn device(id: DeviceId, merchant_id: MerchantId) -> Device {
    let key = SigningKey::make().expect("makes a key").0.verifying_key().clone();
    Device { id, merchant_id, number: 1, name: "Counter".into(), key, revoked_ms: None }
}

impl<L: Ledger> Fixture<L> {
    pub fn payment(&self, seq: u64) -> Payment {
        let byte = u8::try_from(seq).expect("a small number");
        Payment {
            id: PaymentId::make(NOW, [byte; 10]),
            merchant_id: self.device.merchant_id,
            device_id: self.device.id,
            seq,
            prev: String::new(),
            record_hash: RecordHash([byte; 32]),
            record: Some("a.record.jws".into()),
            card_key_kid: Some("card-2026-11-23".into()),
            sale: Sale {
                number: format!("1-{seq:04}"),
                amount_minor: 1_060,
                currency: "EUR".into(),
                tax_minor: 98,
                tip_minor: 60,
                staff: "01010101-0101-4101-8101-010101010101".into(),
                lines: "[]".into(),
            },
            card: CardSummary { brand: "visa".into(), last4: "4242".into(), entry: "swipe".into(), pan_hmac: None },
            offline: true,
            taken_ms: NOW - 5,
            received_ms: NOW,
            state: PaymentState::Received,
            changed_ms: NOW,
            change: 0,
            again: Again::default(),
        }
    }

    fn query(&self, payments: &[&Payment]) -> IngestQuery {
        IngestQuery {
            device_id: self.device.id,
            ids: payments.iter().map(|p| p.id).collect(),
            seqs: payments.iter().map(|p| p.seq).collect(),
            hashes: payments.iter().map(|p| p.record_hash).collect(),
        }
    }

    pub async fn store(&self, payments: &[&Payment]) -> Result<(), StoreError> {
        let ops: Vec<IngestOp> = payments.iter().map(|p| IngestOp::Store(Box::new((*p).clone()))).collect();
        self.ledger.ingest(NOW, self.query(payments), move |_| (ops, ())).await
    }

    async fn snapshot(&self, payments: &[&Payment]) -> IngestSnapshot {
        self.ledger.ingest(NOW, self.query(payments), |s| (Vec::new(), s.clone())).await.expect("reads")
    }

    async fn read(&self, id: PaymentId) -> Payment {
        self.ledger.payment(id).await.expect("reads").expect("is there")
    }

    pub async fn apply(&self, id: PaymentId, ops: Vec<PaymentOp>) -> Payment {
        let change = self.read(id).await.change;
        let told = self.ledger.apply(NOW + 1, id, change, ops).await.expect("applies");
        let payment = self.read(id).await;
        assert_eq!(told, payment.change);
        payment
    }
}

async fn a_payment_is_kept_as_it_came<L: Ledger>(f: Fixture<L>) {
    assert_eq!(f.ledger.epoch(), "epoch-1");
    assert_eq!(f.ledger.window_ms(NOW, f.device.merchant_id).await, Ok(WINDOW_MS_MAX));
    assert_eq!(f.ledger.device(f.device.id).await, Ok(Some(f.device.clone())));
    assert_eq!(f.ledger.device(DeviceId::make([99; 16])).await, Ok(None));
    let payment = f.payment(1);
    f.store(&[&payment]).await.expect("stores");
    let kept = f.read(payment.id).await;
    assert_eq!(kept, Payment { change: kept.change, ..payment });
    assert_eq!(f.ledger.payment(PaymentId::make(NOW, [99; 10])).await, Ok(None));
}

async fn a_decision_sees_what_is_in_the_books<L: Ledger>(f: Fixture<L>) {
    let (one, two) = (f.payment(1), f.payment(2));
    assert_eq!(f.snapshot(&[&one, &two]).await, IngestSnapshot::default());
    f.store(&[&one, &two]).await.expect("stores");
    let snapshot = f.snapshot(&[&one, &f.payment(3)]).await;
    assert_eq!(snapshot.by_id, [(one.id, one.record_hash)].into());
    assert_eq!(snapshot.seqs, [1].into());
    assert_eq!(snapshot.head, Some((2, two.record_hash)));
    assert!(snapshot.quarantined.is_empty() && snapshot.quarantine_count == 0);
}

async fn a_refused_write_leaves_nothing_behind<L: Ledger>(f: Fixture<L>) {
    f.store(&[&f.payment(1)]).await.expect("stores");
    let clash = Payment { id: PaymentId::make(NOW, [77; 10]), ..f.payment(1) };
    let answer = f.store(&[&f.payment(2), &clash]).await;
    assert!(matches!(answer, Err(StoreError::Database(_))), "one number, two payments: {answer:?}");
    assert_eq!(f.ledger.payment(f.payment(2).id).await, Ok(None), "all or nothing");
    f.store(&[&f.payment(2)]).await.expect("and the books go on");
}

async fn a_replayed_quarantine_is_kept_once<L: Ledger>(f: Fixture<L>) {
    let payment = f.payment(1);
    let bad = Quarantined {
        record_hash: payment.record_hash,
        payment_id: Some(payment.id),
        reason: "id-conflict".into(),
        raw: b"\x00\xffraw".to_vec(),
        card_key_kid: None,
    };
    for _ in 0..2 {
        let op = IngestOp::Quarantine(bad.clone());
        f.ledger.ingest(NOW, f.query(&[&payment]), move |_| (vec![op], ())).await.expect("keeps");
    }
    let snapshot = f.snapshot(&[&payment]).await;
    assert_eq!(snapshot.quarantined, [(payment.record_hash, "id-conflict".to_owned())].into());
    assert_eq!(snapshot.quarantine_count, 1);
}

async fn every_state_is_read_as_it_was_written<L: Ledger>(f: Fixture<L>) {
    let payment = f.payment(1);
    f.store(&[&payment]).await.expect("stores");
    let approval_code = || "A1B2C3".to_owned();
    let refunds = |amount: i64| format!("1060:{amount}@{NOW}=damaged").parse::<Refunds>().expect("refunds");
    for state in [
        PaymentState::Authorising,
        PaymentState::Authorised { approval_code: approval_code() },
        PaymentState::Capturing { approval_code: approval_code() },
        PaymentState::Captured { approval_code: approval_code(), at_ms: NOW + 9 },
        PaymentState::PartlyRefunded { approval_code: approval_code(), refunds: refunds(500) },
        PaymentState::Refunded { approval_code: approval_code(), refunds: refunds(1_060) },
        PaymentState::Voided {
            approval_code: approval_code(),
            reason: "customer-left".parse().expect("a reason"),
            at_ms: NOW + 9,
        },
        PaymentState::Declined { decline: Decline { code: "51".into() }, at_ms: NOW + 9 },
        PaymentState::Expired { at_ms: NOW + 9 },
        PaymentState::Quarantined { reason: "envelope-refused".into() },
        PaymentState::Received,
    ] {
        let kept = f.apply(payment.id, vec![PaymentOp::State(state.clone())]).await;
        assert_eq!((kept.state, kept.changed_ms), (state, NOW + 1));
    }
}

async fn a_change_by_another_writer_is_a_conflict<L: Ledger>(f: Fixture<L>) {
    let payment = f.payment(1);
    f.store(&[&payment]).await.expect("stores");
    let seen = f.read(payment.id).await.change;
    f.apply(payment.id, vec![PaymentOp::State(PaymentState::Authorising)]).await;
    let late = f.ledger.apply(NOW, payment.id, seen, vec![PaymentOp::Scrub, PaymentOp::Done]).await;
    assert_eq!(late, Err(StoreError::Conflict));
    assert!(f.read(payment.id).await.record.is_some(), "nothing of it was written");
    let unknown = PaymentId::make(NOW, [99; 10]);
    assert_eq!(f.ledger.apply(NOW, unknown, 1, vec![]).await, Err(StoreError::Conflict));
}

/// Complaint 17 of what sellers suffer elsewhere: online payments barred until the batch is in.
async fn a_live_sale_goes_before_the_batch_that_waits<L: Ledger>(f: Fixture<L>) {
    let batch: Vec<Payment> = (1..=5).map(|seq| Payment { offline: true, ..f.payment(seq) }).collect();
    f.store(&batch.iter().collect::<Vec<_>>()).await.expect("stores");
    let live = Payment { offline: false, ..f.payment(6) };
    f.store(&[&live]).await.expect("stores");
    let jobs = f.ledger.claim_due(NOW, NOW + 100, 2).await.expect("claims");
    assert!(jobs.iter().any(|job| job.payment_id == live.id), "the customer at the counter waits");
    assert_eq!(jobs.len(), 2);
}

async fn jobs_are_leased_oldest_first_and_given_back<L: Ledger>(f: Fixture<L>) {
    let payments = [f.payment(1), f.payment(2), f.payment(3)];
    f.store(&payments.each_ref()).await.expect("stores");
    let ids =
        |jobs: Vec<super::Job>| jobs.into_iter().map(|job| job.payment_id).collect::<std::collections::BTreeSet<_>>();
    f.apply(payments[0].id, vec![PaymentOp::Again { due_ms: NOW + 100, failures: 3 }]).await;
    assert_eq!(f.ledger.next_due_ms().await, Ok(Some(NOW)));
    assert_eq!(
        ids(f.ledger.claim_due(NOW, NOW + 50, 10).await.expect("claims")),
        [payments[1].id, payments[2].id].into()
    );
    assert!(f.ledger.claim_due(NOW, NOW + 50, 10).await.expect("looks").is_empty(), "leased");
    f.ledger.release_leases().await.expect("releases");
    let one = f.ledger.claim_due(NOW, NOW + 50, 1).await.expect("claims");
    assert_eq!(one.len(), 1, "no more than asked for");
    let all = f.ledger.claim_due(NOW + 100, NOW + 150, 10).await.expect("claims");
    assert_eq!(all.len(), 3, "a lease that is over is free again");
    assert!(all.contains(&super::Job { payment_id: payments[0].id, failures: 3 }));
    for payment in &payments {
        f.apply(payment.id, vec![PaymentOp::Done]).await;
    }
    assert_eq!(f.ledger.next_due_ms().await, Ok(None));
}

async fn a_scrubbed_record_leaves_its_hash<L: Ledger>(f: Fixture<L>) {
    let payment = f.payment(1);
    f.store(&[&payment]).await.expect("stores");
    let kind = AttemptKind::Authorisation;
    let kept = f
        .apply(
            payment.id,
            vec![
                PaymentOp::Ask { kind },
                PaymentOp::Answer { kind, outcome: "approved".into() },
                PaymentOp::PanHmac("hmac".into()),
                PaymentOp::Scrub,
            ],
        )
        .await;
    assert_eq!((kept.record, kept.card_key_kid, kept.card.pan_hmac), (None, None, Some("hmac".into())));
    assert_eq!(kept.record_hash, payment.record_hash);
    let snapshot = f.snapshot(&[&payment]).await;
    assert_eq!(snapshot.by_id, [(payment.id, payment.record_hash)].into(), "a replay is still recognised");
}

async fn the_feed_tells_every_change_once_and_in_order<L: Ledger>(f: Fixture<L>) {
    let (one, two, three) = (f.payment(1), f.payment(2), f.payment(3));
    f.store(&[&one, &two, &three]).await.expect("stores");
    let merchant = f.device.merchant_id;
    let first = f.ledger.changed_after(merchant, 0, 2).await.expect("reads");
    assert_eq!(first.iter().map(|p| p.seq).collect::<Vec<_>>(), [1, 2]);
    f.apply(one.id, vec![PaymentOp::State(PaymentState::Authorising)]).await;
    let rest = f.ledger.changed_after(merchant, first[1].change, 10).await.expect("reads");
    assert_eq!(rest.iter().map(|p| p.seq).collect::<Vec<_>>(), [3, 1]);
    let cursor = rest[1].change;
    assert_eq!(f.ledger.changed_after(merchant, cursor, 10).await, Ok(Vec::new()));
    assert_eq!(
        f.ledger.changed_after(MerchantId::make([9; 16]), 0, 10).await,
        Ok(Vec::new()),
        "only the merchant's own"
    );
}

async fn every_change_leaves_a_line_that_stays<L: Ledger>(f: Fixture<L>) {
    let (one, two) = (f.payment(1), f.payment(2));
    f.store(&[&one, &two]).await.expect("stores");
    let clash = Payment { id: PaymentId::make(NOW, [77; 10]), ..f.payment(1) };
    assert!(f.store(&[&f.payment(3), &clash]).await.is_err());
    let decline = Decline { code: "51".into() };
    f.apply(one.id, vec![PaymentOp::State(PaymentState::Authorising)]).await;
    f.apply(one.id, vec![PaymentOp::State(PaymentState::Declined { decline, at_ms: NOW + 1 }), PaymentOp::Done]).await;
    f.apply(two.id, vec![PaymentOp::Scrub]).await;
    let merchant = f.device.merchant_id;
    let events = f.ledger.events_after(merchant, 0, 10).await.expect("reads");
    let told: Vec<_> = events.iter().map(|e| (e.payment_id, e.state.as_str(), e.reason.as_deref(), e.at_ms)).collect();
    assert_eq!(
        told,
        [
            (one.id, "received", None, NOW),
            (two.id, "received", None, NOW),
            (one.id, "authorising", None, NOW + 1),
            (one.id, "declined", Some("51"), NOW + 1),
        ]
    );
    assert!(events.is_sorted_by(|a, b| a.change < b.change));
    assert!(events.iter().all(|e| (e.amount_minor, e.currency.as_str()) == (1_060, "EUR")));
    assert_eq!(events[3].change, f.read(one.id).await.change);
    let rest = f.ledger.events_after(merchant, events[1].change, 1).await;
    assert_eq!(rest, Ok(vec![events[2].clone()]));
    assert_eq!(f.ledger.events_after(MerchantId::make([9; 16]), 0, 10).await, Ok(Vec::new()));
}

async fn what_cannot_be_processed_moves_to_quarantine<L: Ledger>(f: Fixture<L>) {
    let payment = f.payment(1);
    f.store(&[&payment]).await.expect("stores");
    let state = PaymentState::Quarantined { reason: "envelope-refused".into() };
    let ops = vec![
        PaymentOp::Quarantine { reason: "envelope-refused".into() },
        PaymentOp::Done,
        PaymentOp::State(state.clone()),
    ];
    let kept = f.apply(payment.id, ops).await;
    assert_eq!((kept.record, kept.card_key_kid, kept.state), (None, None, state));
    assert_eq!(f.snapshot(&[&payment]).await.quarantine_count, 1);
    assert_eq!(f.ledger.next_due_ms().await, Ok(None));
}

/// Runs each case on every database.
macro_rules! on_databases {
    ($of:ident on $sqlite:ident and $postgres:ident: $($case:ident),* $(,)?) => {
        mod $sqlite {
            $(#[tokio::test] async fn $case() {
                let folder = tempfile::tempdir().expect("a folder");
                super::$of::$case(super::in_sqlite(&folder).await).await;
            })*
        }
        mod $postgres {
            $(#[tokio::test]
            #[ignore = "needs PostgreSQL: cargo xtask test server"]
            async fn $case() { super::$of::$case(super::in_postgres().await).await; })*
        }
    };
}

on_databases!(outbox on outbox_on_sqlite and outbox_on_postgres:
    a_change_leaves_a_task_for_each_topic_that_asked,
    a_task_is_done_by_whoever_holds_its_lease,
    lines_that_stay_are_guarded_by_the_database,
);

on_databases!(together on together_on_sqlite and together_on_postgres:
    what_the_database_refuses_fails_alone,
);

on_databases!(mails on mails_on_sqlite and mails_on_postgres:
    a_letter_is_kept_once_and_its_address_goes_with_its_end,
    a_payment_has_a_few_letters_and_no_other_payments,
    templates_are_kept_in_versions,
);

#[tokio::test]
async fn sqlite_keeps_its_books_over_a_restart_and_commits_many_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let f = in_sqlite(&folder).await;
    let payments: Vec<Payment> = (1..=60).map(|seq| f.payment(seq)).collect();
    let singles: Vec<[&Payment; 1]> = payments.iter().map(|p| [p]).collect();
    let writes = singles.iter().map(|one| f.store(one));
    for written in futures_util::future::join_all(writes).await {
        written.expect("stores");
    }
    let clash = f.store(&[&payments[0]]).await;
    assert!(clash.is_err(), "a request that fails in a group fails alone");
    let epoch = f.ledger.epoch();
    f.ledger.close().await;
    assert_eq!(f.store(&[&f.payment(61)]).await, Err(StoreError::Closed));
    let wal = std::fs::metadata(folder.path().join("books.sqlite-wal")).map_or(0, |meta| meta.len());
    assert_eq!(wal, 0, "a clean stop leaves one file");
    let again = sqlite_books(&folder, "another epoch").await;
    assert_eq!(again.epoch(), epoch);
    assert_eq!(again.changed_after(f.device.merchant_id, 0, 100).await.expect("reads").len(), 60);
}
