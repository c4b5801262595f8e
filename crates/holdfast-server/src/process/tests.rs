//! Payments on their way, with a process that dies at every operation and an acquirer whose answers are lost.

mod instructed;

use super::open::reason;
use super::{ProcessError, Processor};
use crate::acquirer::simulator::{LedgerView, MemoryBook, NoPause, Script, Simulator, Step};
use crate::ingest::ingest;
use crate::store::memory::{Crash, MemoryLedger};
use crate::store::{Ledger as _, Payment};
use crate::testing::{Draft, GOOD, NOW, OneCardKey, SetClock, TestSigner, TestTill};
use holdfast_core::id::PaymentId;
use holdfast_core::limits::{ACQUIRER_RETRY_MS_MAX, WINDOW_MS_MAX};
use holdfast_crypto::SecretBytes;
use std::sync::Arc;

type TestSimulator = Simulator<MemoryBook, NoPause>;

struct Desk {
    ledger: Arc<MemoryLedger>,
    simulator: Arc<TestSimulator>,
    clock: SetClock,
    till: TestTill,
    signer: TestSigner,
}

fn desk() -> Desk {
    let till = TestTill::new(1);
    let ledger = Arc::new(MemoryLedger::new("epoch-1"));
    ledger.add_device(till.device());
    let simulator = Arc::new(Simulator::new(MemoryBook::default(), NoPause, 1_000));
    Desk { ledger, simulator, clock: SetClock::at(NOW), till, signer: TestSigner::make() }
}

impl Desk {
    fn processor(&self) -> Processor<MemoryLedger, TestSimulator, OneCardKey, SetClock> {
        let pan_key = SecretBytes::from([9; 32].as_slice());
        Processor::new(
            Arc::clone(&self.ledger),
            Arc::clone(&self.simulator),
            Arc::new(OneCardKey),
            self.clock.clone(),
            pan_key,
        )
    }

    async fn take(&mut self, amount_minor: i64, pan: &str) -> PaymentId {
        let draft = self.till.draft(amount_minor, pan);
        self.take_draft(&draft).await
    }

    async fn take_draft(&mut self, draft: &Draft) -> PaymentId {
        let record = self.till.sign(draft);
        let taken =
            ingest(&*self.ledger, &self.signer, NOW, &self.till.device(), vec![record]).await.expect("takes it");
        assert_eq!(taken.stored, [draft.id]);
        draft.id
    }

    /// Processes until nothing is due for longer than the longest delay.
    async fn settle(&self) {
        let processor = self.processor();
        for _ in 0..30 {
            processor.process_due(50).await.expect("processes");
            self.clock.advance(ACQUIRER_RETRY_MS_MAX);
        }
    }

    async fn payment(&self, id: PaymentId) -> Payment {
        self.ledger.payment(id).await.expect("reads").expect("is there")
    }

    async fn acquirer_ledger(&self) -> LedgerView {
        self.simulator.ledger().await.expect("is there")
    }

    async fn captures(&self, id: PaymentId) -> u32 {
        self.acquirer_ledger().await.captures_per_reference.get(&id.to_string()).copied().unwrap_or(0)
    }

    fn script(&self, next: &[Step]) {
        self.simulator.set_script(Script { next: next.iter().cloned().collect(), ..Script::default() });
    }
}

#[tokio::test]
async fn a_payment_is_captured_once_and_its_ciphertext_goes() {
    let mut desk = desk();
    let id = desk.take(1_060, GOOD).await;
    assert_eq!(desk.processor().process_due(50).await, Ok(1));
    let payment = desk.payment(id).await;
    assert_eq!(payment.state.name(), "captured");
    assert_eq!((payment.record, payment.card_key_kid), (None, None));
    assert!(payment.card.pan_hmac.is_some_and(|hmac| hmac.len() == 43));
    assert_eq!(desk.captures(id).await, 1);
    assert_eq!(desk.ledger.job_count(), 0);
    let attempts: Vec<_> = desk.ledger.attempts().into_iter().map(|a| (a.kind.as_str(), a.outcome)).collect();
    let approved = || Some("approved".to_owned());
    assert_eq!(attempts, [("authorisation", approved()), ("capture", approved())]);
}

#[tokio::test]
async fn a_decline_stands_with_its_code() {
    for (pan, code) in
        [("4000000000000002", "05"), ("4000000000009995", "51"), ("4000000000000069", "54"), ("4000000000000119", "91")]
    {
        let mut desk = desk();
        let id = desk.take(100, pan).await;
        desk.settle().await;
        let payment = desk.payment(id).await;
        assert!(
            matches!(&payment.state, holdfast_core::payment::PaymentState::Declined { decline, .. } if decline.code == code),
            "{pan}: {:?}",
            payment.state
        );
        assert_eq!((desk.captures(id).await, payment.record), (0, None));
    }
}

/// The process dies at the n-th operation of the books, with the operation written or not, and another takes over: for every n.
#[tokio::test]
async fn a_payment_survives_a_crash_at_every_operation() {
    let mut crashes = 0;
    for is_written in [false, true] {
        for after in 0.. {
            let mut desk = desk();
            let id = desk.take(1_060, GOOD).await;
            desk.ledger.fail_after(Crash { after, is_written });
            let outcome = desk.processor().process_due(50).await;
            if outcome.is_ok() {
                assert!(after > 4, "a payment takes more than {after} operations");
                break;
            }
            assert!(matches!(outcome, Err(ProcessError::Store(_))));
            crashes += 1;
            desk.ledger.restart();
            desk.ledger.release_leases().await.expect("releases");
            desk.settle().await;
            assert_eq!(desk.payment(id).await.state.name(), "captured", "crash at {after}, written: {is_written}");
            let ledger = desk.acquirer_ledger().await;
            assert_eq!(
                ledger.captures_per_reference.get(&id.to_string()),
                Some(&1),
                "crash at {after}, written: {is_written}"
            );
            assert_eq!(
                ledger.repeated_requests, 0,
                "nothing is sent again blind: crash at {after}, written: {is_written}"
            );
        }
    }
    assert!(crashes >= 10, "{crashes}");
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_and_nothing_is_sent_twice() {
    let drop = || Step::DropAnswer;
    for (name, script) in [
        ("at authorise", vec![drop()]),
        ("at capture", vec![Step::Approve, drop()]),
        ("at both", vec![drop(), drop()]),
        ("late at authorise", vec![Step::Delay { ms: 60_000 }]),
        ("unreachable, then lost", vec![Step::Unreachable, drop(), Step::Unreachable, drop()]),
        ("unreachable for long", vec![Step::Unreachable; 9]),
    ] {
        let mut desk = desk();
        desk.script(&script);
        let id = desk.take(1_060, GOOD).await;
        desk.settle().await;
        assert_eq!(desk.payment(id).await.state.name(), "captured", "{name}");
        let ledger = desk.acquirer_ledger().await;
        assert_eq!(
            (ledger.captures_per_reference.get(&id.to_string()), ledger.repeated_requests),
            (Some(&1), 0),
            "{name}"
        );
    }
}

/// The copy knows nothing of the payment, which was captured after it was made; the till hands it in again.
#[tokio::test]
async fn books_that_came_from_a_copy_ask_the_acquirer_before_they_send_what_was_taken_before() {
    let mut desk = desk();
    let copy = desk.ledger.copy();
    let draft = desk.till.draft(1_060, GOOD);
    let id = desk.take_draft(&draft).await;
    desk.settle().await;
    assert_eq!(desk.captures(id).await, 1);
    desk.ledger.put_back(&copy, "epoch-2", NOW + 1);
    assert!(desk.ledger.payment(id).await.expect("reads").is_none());
    assert_eq!(desk.take_draft(&draft).await, id);
    desk.settle().await;
    assert_eq!(desk.payment(id).await.state.name(), "captured");
    let view = desk.acquirer_ledger().await;
    assert_eq!((desk.captures(id).await, view.repeated_requests, view.repeated_captures), (1, 0, 0));
}

#[tokio::test]
async fn a_first_lost_answer_is_asked_for_at_once() {
    let mut desk = desk();
    desk.script(&[Step::DropAnswer]);
    let id = desk.take(1_060, GOOD).await;
    let processor = desk.processor();
    assert_eq!(processor.process_due(50).await, Ok(1));
    assert_eq!(desk.payment(id).await.state.name(), "authorising");
    assert_eq!(processor.process_due(50).await, Ok(1), "it is due again with no time gone by");
    assert_eq!(desk.payment(id).await.state.name(), "captured");
}

#[tokio::test]
async fn a_payment_stays_visible_while_the_acquirer_is_down_and_others_go_on() {
    let mut desk = desk();
    desk.simulator.set_script(Script { always: Some(Step::Unreachable), ..Script::default() });
    let id = desk.take(1_060, GOOD).await;
    desk.settle().await;
    assert_eq!(desk.payment(id).await.state.name(), "authorising");
    assert_eq!(desk.acquirer_ledger().await.entries.len(), 0);
    desk.script(&[]);
    desk.settle().await;
    assert_eq!((desk.payment(id).await.state.name(), desk.captures(id).await), ("captured", 1));
}

#[tokio::test]
async fn a_payment_past_its_window_expires_with_its_amount() {
    let mut desk = desk();
    let mut draft = desk.till.draft(4_820, GOOD);
    draft.payload.server_ms = NOW - WINDOW_MS_MAX - 3_600_000;
    let id = desk.take_draft(&draft).await;
    desk.settle().await;
    let payment = desk.payment(id).await;
    assert_eq!((payment.state.name(), payment.sale.amount_minor, payment.record), ("expired", 4_820, None));
    assert_eq!(desk.acquirer_ledger().await.entries.len(), 0);
}

#[tokio::test]
async fn an_envelope_that_does_not_fit_its_record_waits_for_the_owner() {
    type Spoil = fn(&mut Draft, &mut TestTill);
    let cases: [(&str, &str, Spoil); 6] = [
        ("another amount", reason::ENVELOPE_MISMATCH, |d, _| {
            d.payload.sale.total_minor = 1;
            d.payload.sale.lines[0].total_minor = 1;
        }),
        ("another payment's envelope", reason::ENVELOPE_MISMATCH, |d, t| {
            d.payload.jwe = t.draft(1_060, GOOD).payload.jwe
        }),
        ("another card's digits", reason::ENVELOPE_MISMATCH, |d, _| d.payload.card.last4 = "1111".into()),
        ("no envelope", reason::ENVELOPE_UNREADABLE, |d, _| d.payload.jwe = "a.b.c.d.e".into()),
        ("a flipped bit", reason::ENVELOPE_REFUSED, |d, _| {
            let at = d.payload.jwe.len() - 4;
            let flipped = if &d.payload.jwe[at..=at] == "A" { "B" } else { "A" };
            d.payload.jwe.replace_range(at..=at, flipped);
        }),
        ("an unknown key id", reason::CARD_KEY_UNKNOWN, |d, _| {
            let (header, rest) = d.payload.jwe.split_once('.').expect("a header");
            let header = String::from_utf8(holdfast_wire::b64::decode(header).expect("base64")).expect("text");
            let header = header.replace("card-2026-11-23", "card-1999-01-01");
            d.payload.jwe = format!("{}.{rest}", holdfast_wire::b64::encode(header));
        }),
    ];
    for (name, reason, spoil) in cases {
        let mut desk = desk();
        let mut draft = desk.till.draft(1_060, GOOD);
        spoil(&mut draft, &mut desk.till);
        let id = desk.take_draft(&draft).await;
        desk.settle().await;
        let payment = desk.payment(id).await;
        let state = holdfast_core::payment::PaymentState::Quarantined { reason: reason.to_owned() };
        assert_eq!((payment.state, payment.record, payment.card_key_kid), (state, None, None), "{name}");
        assert_eq!((desk.ledger.quarantine().len(), desk.acquirer_ledger().await.entries.len()), (1, 0), "{name}");
    }
}

#[tokio::test]
async fn two_processes_on_one_payment_capture_once() {
    let mut desk = desk();
    let id = desk.take(1_060, GOOD).await;
    let (first, second) = (desk.processor(), desk.processor());
    let job = first.claim(1).await.expect("claims")[0];
    assert!(second.claim(1).await.expect("looks").is_empty(), "a lease keeps the other away");
    // Even if both hold the job: the books let one of them write.
    let (a, b) = tokio::join!(first.process(job), second.process(job));
    assert!(a.is_ok() || b.is_ok());
    desk.settle().await;
    assert_eq!((desk.payment(id).await.state.name(), desk.captures(id).await), ("captured", 1));
}
