//! Two servers on one PostgreSQL.

use super::*;
use crate::cli::replica;
use crate::store::Ledger as _;
use std::time::Duration;

/// Two replicas that start at once, with copies of the same key files.
async fn two() -> (House, House) {
    let folders = [tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder")];
    make_root_files(folders[0].path()).expect("makes keys");
    crate::keys::LocalKeys::open(folders[0].path()).expect("makes keys");
    for entry in std::fs::read_dir(folders[0].path()).expect("reads") {
        let entry = entry.expect("reads");
        if entry.path().is_file() {
            std::fs::copy(entry.path(), folders[1].path().join(entry.file_name())).expect("copies");
        }
    }
    let url = crate::testing::postgres_url();
    let [one, two] = folders;
    tokio::join!(start(one, true, Some(url.clone())), start(two, true, Some(url)))
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test server"]
async fn replicas_that_start_at_once_are_one_house() {
    let (a, b) = two().await;
    let keyset = async |house: &House| house.get("/api/v1/keyset").await.json::<KeySetAnswer>();
    assert_eq!(keyset(&a).await, keyset(&b).await);
    assert_eq!(a.server.ledger.epoch(), b.server.ledger.epoch());
    let merchants = (a.server.ledger.first_merchant().await, b.server.ledger.first_merchant().await);
    assert_eq!(merchants.0, merchants.1);

    // What one publishes, the other gives out after its next look.
    let (stop, stopped) = watch::channel(false);
    let first = keyset(&a).await;
    let sweeps = tokio::spawn(replica::sweep_keys(Arc::clone(&a.server), stopped.clone()));
    let changed = async {
        while keyset(&a).await == first {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), changed).await.expect("sweeps");
    b.server.keyring.refresh().await.expect("looks");
    assert_eq!(keyset(&a).await, keyset(&b).await);
    stop.send_replace(true);
    sweeps.await.expect("ends");
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test server"]
async fn a_payment_that_one_replica_takes_is_waited_for_at_another() {
    let (a, b) = two().await;
    let mut till = a.till().await;
    // The first keeps the payment and does no jobs: whoever waits at it sees what the second did.
    a.stop.send_replace(true);
    let clock = crate::testing::clock();
    replica::begin_set_up(&b.server.ledger, clock).await.expect("is free");
    replica::end_set_up(&b.server.ledger).await.expect("is free");
    let (id, record) = till.payment(1_060, GOOD);
    let answer = a.upload(&till, vec![record.clone()]).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", String::from_utf8_lossy(&answer.body));
    let target = format!("/api/v1/payments/{id}?wait_ms=10000");
    let wait = async {
        loop {
            let view: PaymentView = b.of_till(&till, "GET", &target, b"").await.json();
            if view.state == "captured" {
                return view;
            }
        }
    };
    let view = tokio::time::timeout(Duration::from_secs(120), wait).await.expect("is captured");
    assert_eq!((view.device_name.as_str(), view.amount_minor), ("Counter", 1_060));
    // The answer was lost, and the till comes to the other replica.
    let again: BatchAnswer = b.upload(&till, vec![record]).await.json();
    let ack = holdfast_wire::ack::AckPayload::parse(&again.acks[0]).expect("an acknowledgement");
    assert_eq!(ack.accept(true).expect("an acknowledgement").status, "duplicate");
    let ledger: serde_json::Value = a.get("/demo/acquirer/ledger").await.json();
    assert_eq!(ledger["captures_per_reference"][id.to_string()], 1, "one acquirer, one capture");
}
