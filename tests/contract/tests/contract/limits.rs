//! A till that asks too often is asked to wait, and loses nothing by it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use holdfast_contract_tests::{APPROVED, Server, Till};
use holdfast_wire::batch::Batch;
use holdfast_wire::problem::Problem;

const BATCHES: &str = "/api/v1/batches";
/// Lines on which the till gone wrong asks at the same time: a busy machine answers one of them slower than the limit.
const LINES: usize = 8;

#[test]
fn a_till_that_is_asked_to_wait_keeps_everything_and_brings_it_later() {
    let server = Arc::new(Server::start());
    let mut till = Till::enrol(&server);
    let payments: Vec<_> = (0..3).map(|n| till.payment(APPROVED, 700 + n)).collect();
    let (queue, live) = payments.split_at(2);
    let empty = Batch::new(Vec::new()).to_json();
    let records = Batch::new(queue.iter().map(|payment| payment.record.clone()).collect()).to_json();
    let is_over = AtomicBool::new(false);
    let (till, is_over) = (&till, &is_over);

    std::thread::scope(|scope| {
        for _ in 0..LINES {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let answer = till.request("POST", BATCHES, empty.as_bytes());
                    assert!(matches!(answer.status, 200 | 429), "{} {}", answer.status, answer.text());
                }
            });
        }
        // The queue meets the limit, waits as it is told, and gets through in the end.
        let mut waits = 0;
        let answer = loop {
            let answer = till.request("POST", BATCHES, records.as_bytes());
            if answer.status != 429 {
                if waits > 0 {
                    break answer;
                }
                std::thread::sleep(Duration::from_millis(50));
                continue;
            }
            let problem = Problem::from_json(&answer.body).expect("a problem");
            assert_eq!((problem.name(), answer.content_type.as_str()), ("too-many-requests", Problem::CONTENT_TYPE));
            if waits == 0 {
                // Somebody pays at the counter meanwhile.
                assert_eq!(till.upload_one(&live[0]), "stored");
            }
            waits += 1;
            let seconds: u64 = answer.retry_after.parse().expect("whole seconds");
            assert!((1..=60).contains(&seconds), "{seconds}");
            is_over.store(waits >= 3, Ordering::Relaxed);
            std::thread::sleep(Duration::from_secs(seconds));
        };
        is_over.store(true, Ordering::Relaxed);
        assert_eq!(answer.status, 200, "{}", answer.text());
    });

    for payment in &payments {
        assert_eq!(till.settled(&payment.id).state, "captured");
        assert_eq!(server.captured(&payment.id).0, 1);
    }
}
