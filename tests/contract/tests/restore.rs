//! A server whose books come from an older copy, as an operator restores them: the till sees another epoch and offers what it was acknowledged, what is
//! gone is named, what is handed in again is captured once, and the key set is above the lost one.

use holdfast_contract_tests::{APPROVED, Payment, Server, Till, binary, fetch_keyset, open_jws};
use holdfast_core::outbox::{StoneAnswer, StoneStanding};
use holdfast_wire::ack::AckPayload;
use holdfast_wire::offer::{OfferedStone, StoneOffer, StoneOfferAnswer};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

fn holdfast(word: &str, paths: &[(&str, &Path)]) -> (bool, String) {
    let mut command = Command::new(binary());
    command.arg(word);
    for (flag, path) in paths {
        command.arg(flag).arg(path);
    }
    let ended = command.output().expect("runs");
    let said = [ended.stdout, ended.stderr].concat();
    (ended.status.success(), String::from_utf8_lossy(&said).into_owned())
}

fn stone(payment: &Payment, epoch: &str) -> OfferedStone {
    let record = &payment.payload;
    OfferedStone {
        id: payment.id.clone(),
        seq: record.seq,
        hash: payment.hash.clone(),
        status: "stored".into(),
        epoch: epoch.into(),
        acked_ms: record.created_ms,
        created_ms: record.created_ms,
        number: record.sale.number.clone(),
        amount_minor: record.sale.total_minor,
        currency: record.sale.currency.clone(),
        brand: record.card.brand.clone(),
        last4: record.card.last4.clone(),
    }
}

#[test]
fn a_restored_server_is_recognised_and_nothing_acknowledged_goes_in_silence() {
    let server = Arc::new(Server::start());
    let (data, copy) = (server.data(), server.data().with_extension("copy"));
    let mut till = Till::enrol(&server);
    let kept = till.payment(APPROVED, 1_060);
    let before = till.upload(&[&kept.record]).remove(0).epoch;
    assert_eq!(till.settled(&kept.id).state, "captured");
    let (is_done, said) = holdfast("backup", &[("--data", &data), ("--to", &copy)]);
    assert!(is_done, "{said}");
    // After the copy: two more are acknowledged and captured.
    let (again, lost) = (till.payment(APPROVED, 450), till.payment(APPROVED, 4_711));
    assert_eq!(till.upload(&[&again.record, &lost.record]).len(), 2);
    for payment in [&again, &lost] {
        assert_eq!(till.settled(&payment.id).state, "captured");
    }
    let published = fetch_keyset(&server).version;

    server.crash_and_restart_after(|| {
        let (is_done, said) = holdfast("restore", &[("--data", &data), ("--from", &copy)]);
        assert!(is_done, "{said}");
    });
    let end = std::time::Instant::now() + std::time::Duration::from_secs(120);
    while fetch_keyset(&server).version <= published {
        assert!(std::time::Instant::now() < end, "the restored server publishes nothing that a till would take");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    till.keyset = fetch_keyset(&server);

    let stones = [&kept, &again, &lost].map(|payment| stone(payment, &before)).to_vec();
    let offer = StoneOffer { v: 1, stones }.to_json();
    let offered = || -> Vec<StoneAnswer> {
        let answer = till.request("POST", "/api/v1/tombstones", offer.as_bytes());
        let answers = StoneOfferAnswer::from_json(&answer.body).expect("an answer").answers;
        let read = |compact: &String| open_jws(AckPayload::parse(compact), &till.keyset.ack_keys).expect("is signed");
        answers.iter().map(read).map(|payload| payload.to_stone_answer().expect("an answer")).collect()
    };
    let first = offered();
    assert!(first.iter().all(|answer| answer.epoch != before));
    let standings = |answers: &[StoneAnswer]| answers.iter().map(|answer| answer.standing).collect::<Vec<_>>();
    assert_eq!(standings(&first), [StoneStanding::Known, StoneStanding::Missing, StoneStanding::Missing]);
    let (is_well, said) = holdfast("doctor", &[("--data", &data)]);
    assert!(!is_well && said.contains("2 payments that tills were told are stored are missing"), "{said}");

    // A till that still has one sealed hands it in again; the acquirer has captured it, and is asked first.
    assert_eq!(till.upload_one(&again), "stored");
    assert_eq!(till.settled(&again.id).state, "captured");
    assert_eq!(server.captured(&again.id), (1, vec![450]));
    assert_eq!(standings(&offered()), [StoneStanding::Known, StoneStanding::Known, StoneStanding::Missing]);
    let (_, said) = holdfast("doctor", &[("--data", &data)]);
    assert!(said.contains("1 payments that tills were told are stored are missing"), "{said}");
}
