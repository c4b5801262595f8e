//! Several servers on the same books at once.

use super::*;
use futures_util::future::join_all;
use std::collections::BTreeSet;

/// Two replicas, with one enrolled device.
async fn two() -> (Fixture<Books>, Fixture<Books>) {
    let place = crate::testing::postgres_database();
    let (one, two) = tokio::join!(Books::open(&place, "epoch-1"), Books::open(&place, "another epoch"));
    let (one, two) = (one.expect("opens"), two.expect("opens"));
    assert_eq!(one.epoch(), two.epoch());
    (in_books(one).await, in_books(two).await)
}

/// Stores what is new of a batch, as ingest decides it, and says how many that were.
async fn take(f: &Fixture<Books>, payments: &[Payment]) -> Result<usize, StoreError> {
    let payments = payments.to_vec();
    let query = f.query(&payments.iter().collect::<Vec<_>>());
    f.ledger
        .ingest(NOW, query, move |known| {
            let fresh: Vec<IngestOp> = payments
                .into_iter()
                .filter(|p| !known.by_id.contains_key(&p.id))
                .map(|p| IngestOp::Store(Box::new(p)))
                .collect();
            let count = fresh.len();
            (fresh, count)
        })
        .await
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test server"]
async fn a_batch_that_comes_to_every_replica_at_once_is_stored_once() {
    let (a, b) = two().await;
    let payments: Vec<Payment> = (1..=20).map(|seq| a.payment(seq)).collect();
    // Overlapping batches of one device, each sent to both.
    let batches: Vec<&[Payment]> = (0..8).map(|at| &payments[at * 2..at * 2 + 6]).collect();
    let sent = batches.iter().flat_map(|batch| [take(&a, batch), take(&b, batch)]);
    let mut stored = 0;
    for taken in join_all(sent).await {
        stored += taken.expect("no replica is in another's way");
    }
    assert_eq!(stored, 20);
    let feed = a.ledger.changed_after(a.device.merchant_id, 0, 100).await.expect("reads");
    assert_eq!(feed.len(), 20);
    assert_eq!(feed.iter().map(|p| p.change).collect::<Vec<_>>(), (1..=20).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: cargo xtask test server"]
async fn who_follows_the_feed_misses_no_change() {
    let (a, b) = two().await;
    let payments: Vec<Payment> = (1..=12).map(|seq| a.payment(seq)).collect();
    take(&a, &payments).await.expect("stores");
    let states = || {
        [
            PaymentState::Authorising,
            PaymentState::Authorised { approval_code: "A".into() },
            PaymentState::Capturing { approval_code: "A".into() },
            PaymentState::Captured { approval_code: "A".into(), at_ms: NOW },
        ]
    };
    let writers = payments.iter().zip([&a, &b].into_iter().cycle()).map(|(payment, f)| async move {
        for state in states() {
            f.apply(payment.id, vec![PaymentOp::State(state)]).await;
        }
    });
    let total = 12 * 5;
    let reader = async {
        let (mut seen, mut cursor) = (Vec::new(), 0);
        while seen.len() < total {
            let page = b.ledger.events_after(b.device.merchant_id, cursor, 7).await.expect("reads");
            cursor = page.last().map_or(cursor, |event| event.change);
            seen.extend(page.into_iter().map(|event| event.change));
        }
        seen
    };
    let limit = std::time::Duration::from_secs(120);
    let both = tokio::time::timeout(limit, async { tokio::join!(join_all(writers), reader) });
    let (_, seen) = both.await.expect("a reader that missed a change waits for ever");
    assert_eq!(seen, (1..=i64::try_from(total).expect("fits")).collect::<Vec<_>>());
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test server"]
async fn a_job_is_taken_on_by_one_replica() {
    let (a, b) = two().await;
    let payments: Vec<Payment> = (1..=30).map(|seq| a.payment(seq)).collect();
    take(&a, &payments).await.expect("stores");
    let claims = (0..12).map(|at| if at % 2 == 0 { &a } else { &b }).map(|f| f.ledger.claim_due(NOW, NOW + 50, 5));
    let mut claimed = Vec::new();
    for jobs in join_all(claims).await {
        claimed.extend(jobs.expect("claims").into_iter().map(|job| job.payment_id));
    }
    let distinct: BTreeSet<PaymentId> = claimed.iter().copied().collect();
    assert_eq!((claimed.len(), distinct.len()), (30, 30));
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test server"]
async fn of_two_that_decide_on_the_same_state_one_is_told_to_look_again() {
    let (a, b) = two().await;
    take(&a, &[a.payment(1)]).await.expect("stores");
    let id = a.payment(1).id;
    for _ in 0..20 {
        let change = a.read(id).await.change;
        let write = |f: &Fixture<Books>| {
            let ledger = f.ledger.clone();
            async move { ledger.apply(NOW, id, change, vec![PaymentOp::State(PaymentState::Authorising)]).await }
        };
        let (one, other) = tokio::join!(write(&a), write(&b));
        let won = [&one, &other].iter().filter(|answer| answer.is_ok()).count();
        let lost = [&one, &other].iter().filter(|answer| **answer == &Err(StoreError::Conflict)).count();
        assert_eq!((won, lost), (1, 1), "{one:?} {other:?}");
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test server"]
async fn devices_that_enrol_at_once_get_numbers_of_their_own() {
    let (a, b) = two().await;
    let enrol = async |f: &Fixture<Books>, byte: u8| {
        let code_hash = format!("code {byte}");
        f.ledger.add_enrolment_code(NOW, f.device.merchant_id, code_hash.clone(), NOW + 9).await.expect("adds");
        let device = device(DeviceId::make([byte; 16]), f.device.merchant_id);
        let enrolment = Enrolment { device_id: device.id, code_hash, name: device.name, key: device.key };
        match f.ledger.enrol(NOW, enrolment).await.expect("enrols") {
            Enrolled::Yes { device_number, .. } => device_number,
            Enrolled::CodeRefused => panic!("the code is good"),
        }
    };
    let all = (10..18).map(|byte| enrol(if byte % 2 == 0 { &a } else { &b }, byte));
    let numbers: BTreeSet<u32> = join_all(all).await.into_iter().collect();
    assert_eq!(numbers, (2..=9).collect());
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test server"]
async fn what_a_silent_replica_had_taken_on_goes_to_another() {
    let (a, b) = two().await;
    take(&a, &[a.payment(1), a.payment(2)]).await.expect("stores");
    for f in [&a, &b] {
        f.ledger.beat(NOW).await.expect("beats");
    }
    assert_eq!(a.ledger.claim_due(NOW, NOW + 120_000, 1).await.expect("claims").len(), 1);
    assert_eq!(b.ledger.claim_due(NOW, NOW + 120_000, 1).await.expect("claims").len(), 1);
    b.ledger.beat(NOW + 5_000).await.expect("beats");
    assert!(b.ledger.claim_due(NOW + 5_000, NOW + 120_000, 9).await.expect("claims").is_empty(), "both are alive");
    // The first has been silent for too long; the second has said that it is alive since.
    b.ledger.beat(NOW + 16_000).await.expect("beats");
    assert_eq!(b.ledger.claim_due(NOW + 16_000, NOW + 120_000, 9).await.expect("claims").len(), 1);
    b.ledger.leave().await.expect("leaves");
    assert_eq!(
        a.ledger.claim_due(NOW + 16_000, NOW + 120_000, 9).await.expect("claims").len(),
        2,
        "all was given back"
    );
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test server"]
async fn a_duty_is_one_replicas_until_its_time_is_over() {
    let (a, b) = two().await;
    let sweep = async |f: &Fixture<Books>| f.ledger.take_duty("sweep", NOW, NOW + 300_000).await;
    let take = async |f: &Fixture<Books>, now_ms: i64| f.ledger.take_duty("keys", now_ms, now_ms + 10).await;
    for f in [&a, &b] {
        f.ledger.beat(NOW).await.expect("beats");
    }
    assert_eq!(sweep(&a).await, Ok(true));
    assert_eq!(sweep(&b).await, Ok(false));
    b.ledger.beat(NOW + 5_000).await.expect("beats");
    b.ledger.beat(NOW + 16_000).await.expect("beats");
    assert_eq!(sweep(&b).await, Ok(true), "whoever is silent loses its duties");
    assert_eq!(take(&a, NOW).await, Ok(true));
    assert_eq!(take(&b, NOW + 9).await, Ok(false));
    assert_eq!(take(&a, NOW + 9).await, Ok(true), "its own is kept on");
    assert_eq!(take(&b, NOW + 19).await, Ok(true), "over");
    a.ledger.leave_duty("keys").await.expect("is not its own, and stays");
    assert_eq!(take(&a, NOW + 20).await, Ok(false));
    b.ledger.leave_duty("keys").await.expect("leaves");
    let (one, other) = tokio::join!(take(&a, NOW + 20), take(&b, NOW + 20));
    assert_ne!(one, other, "one of two that ask at once");
}
