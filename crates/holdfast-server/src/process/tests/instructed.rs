//! Refunds, voids and retries on their way, with a process that dies at every operation and an acquirer whose answers are lost.

use super::*;
use crate::instructions::{InstructError, instruct};
use crate::process::BY_SERVER;
use holdfast_core::payment::PaymentState;
use holdfast_core::payment::instruction::{Instruction, InstructionError, InstructionKind, Progress, Wanted};
use holdfast_core::time::DAY_MS;

const HOUR: i64 = 3_600_000;

fn wanted(id: &str, kind: InstructionKind, amount_minor: i64) -> Wanted {
    let reason = "customer-returned".parse().expect("a reason");
    Wanted { id: id.to_owned(), kind, amount_minor, reason, by: "user:1".to_owned() }
}

fn refund(id: &str, amount_minor: i64) -> Wanted {
    wanted(id, InstructionKind::Refund, amount_minor)
}

impl Desk {
    async fn ask(&self, id: PaymentId, wanted: Wanted) -> Result<Instruction, InstructError> {
        let now_ms = crate::process::Clock::now_ms(&self.clock);
        instruct(&*self.ledger, now_ms, self.till.merchant_id, id, wanted).await
    }

    async fn captured(&mut self) -> PaymentId {
        let id = self.take(1_060, GOOD).await;
        self.settle().await;
        assert_eq!(self.payment(id).await.state.name(), "captured");
        id
    }

    /// Number and sum of the refunds that the acquirer carried out.
    async fn paid_back(&self, id: PaymentId) -> (usize, i64) {
        let ledger = self.acquirer_ledger().await;
        let of_payment = ledger.entries.iter().filter(|e| e.reference == id.to_string() && e.kind.as_str() == "refund");
        let amounts: Vec<i64> = of_payment.filter(|e| e.code == "00").map(|e| e.amount_minor).collect();
        (amounts.len(), amounts.iter().sum())
    }

    async fn progress(&self, id: PaymentId, instruction: &str) -> Progress {
        let all = self.ledger.instructions(id).await.expect("reads");
        all.into_iter().find(|known| known.id == instruction).expect("is there").progress
    }
}

fn refused(error: InstructError) -> InstructionError {
    match error {
        InstructError::Refused(error) => error,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn refunds_add_up_to_what_was_captured_and_no_further() {
    let mut desk = desk();
    let id = desk.captured().await;
    desk.ask(id, refund("a", 400)).await.expect("is taken");
    desk.ask(id, refund("a", 400)).await.expect("the same again is the same");
    let other = desk.ask(id, refund("b", 400)).await.expect_err("one is on its way");
    assert_eq!(refused(other), InstructionError::AnotherOpen);
    desk.settle().await;
    assert_eq!(desk.payment(id).await.state.name(), "partly-refunded");
    let too_much = desk.ask(id, refund("b", 661)).await.expect_err("is refused");
    assert_eq!(refused(too_much), InstructionError::TooMuch { left_minor: 660 });
    desk.ask(id, refund("b", 660)).await.expect("is taken");
    desk.settle().await;
    let payment = desk.payment(id).await;
    assert_eq!((payment.state.name(), payment.state.refunded_minor()), ("refunded", 1_060));
    assert_eq!(desk.paid_back(id).await, (2, 1_060));
    let again = desk.ask(id, refund("a", 400)).await.expect("a late repeat is told how it ended");
    assert_eq!(again.progress, Progress::Done);
    desk.settle().await;
    assert_eq!((desk.paid_back(id).await, desk.ledger.job_count()), ((2, 1_060), 0));
}

/// The process dies at the n-th operation of the books, with the operation written or not, and another takes over: for every n.
#[tokio::test]
async fn a_refund_and_a_void_survive_a_crash_at_every_operation() {
    let mut crashes = 0;
    for is_void in [false, true] {
        for is_written in [false, true] {
            for after in 0.. {
                let mut desk = desk();
                let (id, end) = if is_void {
                    // It is stuck before its capture, and voided there.
                    desk.script(&[Step::Approve, Step::Unreachable, Step::Unreachable]);
                    let id = desk.take(1_060, GOOD).await;
                    desk.processor().process_due(50).await.expect("processes");
                    assert_eq!(desk.payment(id).await.state.name(), "capturing");
                    desk.script(&[]);
                    desk.clock.advance(ACQUIRER_RETRY_MS_MAX);
                    desk.ask(id, wanted("a", InstructionKind::Void, 0)).await.expect("is taken");
                    (id, "voided")
                } else {
                    let id = desk.captured().await;
                    desk.ask(id, refund("a", 400)).await.expect("is taken");
                    (id, "partly-refunded")
                };
                desk.ledger.fail_after(Crash { after, is_written });
                let outcome = desk.processor().process_due(50).await;
                if outcome.is_ok() {
                    assert!(after > 3, "it takes more than {after} operations");
                    break;
                }
                crashes += 1;
                desk.ledger.restart();
                desk.ledger.release_leases().await.expect("releases");
                desk.settle().await;
                let seen = format!("crash at {after}, written: {is_written}, void: {is_void}");
                assert_eq!(desk.payment(id).await.state.name(), end, "{seen}");
                let (ledger, paid_back) = (desk.acquirer_ledger().await, desk.paid_back(id).await);
                assert_eq!(ledger.repeated_requests, 0, "nothing is sent again blind: {seen}");
                assert_eq!(paid_back, if is_void { (0, 0) } else { (1, 400) }, "{seen}");
                assert_eq!(desk.captures(id).await, u32::from(!is_void), "{seen}");
            }
        }
    }
    assert!(crashes >= 12, "{crashes}");
}

#[tokio::test]
async fn a_lost_answer_to_a_refund_is_asked_for() {
    let drop = || Step::DropAnswer;
    for (name, script) in [
        ("lost", vec![drop()]),
        ("late", vec![Step::Delay { ms: 60_000 }]),
        ("unreachable, then lost", vec![Step::Unreachable, Step::Unreachable, drop()]),
        ("unreachable for long", vec![Step::Unreachable; 7]),
    ] {
        let mut desk = desk();
        let id = desk.captured().await;
        desk.script(&script);
        desk.ask(id, refund("a", 1_060)).await.expect("is taken");
        desk.settle().await;
        assert_eq!(desk.payment(id).await.state.name(), "refunded", "{name}");
        assert_eq!(
            (desk.paid_back(id).await, desk.acquirer_ledger().await.repeated_requests),
            ((1, 1_060), 0),
            "{name}"
        );
    }
}

#[tokio::test]
async fn what_was_not_captured_is_voided() {
    // Before anything was asked: the acquirer never hears of it.
    let mut desk = desk();
    let id = desk.take(1_060, GOOD).await;
    desk.ask(id, wanted("a", InstructionKind::Void, 0)).await.expect("is taken");
    desk.settle().await;
    let payment = desk.payment(id).await;
    assert_eq!((payment.state.name(), payment.record), ("voided", None));
    assert_eq!(desk.acquirer_ledger().await.entries.len(), 0);

    // Approved, and the answer lost: it is reversed instead of captured.
    desk.script(&[Step::DropAnswer]);
    let id = desk.take(700, GOOD).await;
    desk.processor().process_due(50).await.expect("processes");
    assert_eq!(desk.payment(id).await.state.name(), "authorising");
    desk.ask(id, wanted("b", InstructionKind::Void, 0)).await.expect("is taken");
    desk.settle().await;
    assert_eq!((desk.payment(id).await.state.name(), desk.captures(id).await), ("voided", 0));
    let kinds = |ledger: LedgerView| ledger.entries.iter().map(|e| e.kind.as_str()).collect::<Vec<_>>();
    assert_eq!(kinds(desk.acquirer_ledger().await), ["authorisation", "reversal"]);

    // Captured, and that answer lost: the void comes too late, and says so.
    let mut desk = self::desk();
    desk.script(&[Step::Approve, Step::DropAnswer]);
    let id = desk.take(700, GOOD).await;
    desk.processor().process_due(50).await.expect("processes");
    desk.ask(id, wanted("c", InstructionKind::Void, 0)).await.expect("is taken");
    desk.settle().await;
    assert_eq!(desk.payment(id).await.state.name(), "captured");
    assert_eq!(desk.progress(id, "c").await, Progress::Refused { code: "captured".into() });
    assert_eq!(desk.ledger.job_count(), 0);
}

/// 91: the card's bank cannot be reached. Taken offline, and without a track.
const BANK_AWAY: &str = "4000000000000119";

#[tokio::test]
async fn by_default_a_decline_wipes_the_card_and_a_retry_says_so() {
    let mut desk = desk();
    let id = desk.take(1_060, BANK_AWAY).await;
    desk.settle().await;
    desk.clock.advance(3 * HOUR);
    let retry = || wanted("a", InstructionKind::Retry, 0);
    assert_eq!(refused(desk.ask(id, retry()).await.expect_err("is refused")), InstructionError::Wiped);
    assert_eq!(desk.ledger.job_count(), 0);
}

#[tokio::test]
async fn a_kept_card_is_tried_again_by_itself_and_wiped_in_the_end() {
    let mut desk = desk();
    let processor = desk.processor().with_retries_declined(true);
    let id = desk.take(1_060, BANK_AWAY).await;
    let run = async |desk: &Desk| {
        processor.process_due(50).await.expect("processes");
        desk.payment(id).await
    };
    let declined = run(&desk).await;
    assert_eq!((declined.state.name(), declined.record.is_some()), ("declined", true));
    let early = desk.ask(id, wanted("a", InstructionKind::Retry, 0)).await.expect_err("is refused");
    assert!(matches!(refused(early), InstructionError::TooEarly { .. }));
    // The bank is there again, and then it is not.
    desk.clock.advance(2 * HOUR);
    desk.script(&[Step::Decline { code: "51".into() }]);
    assert_eq!(run(&desk).await.state.name(), "declined");
    let tries = |ledger: LedgerView| ledger.entries.iter().map(|e| (e.number, e.code.clone())).collect::<Vec<_>>();
    assert_eq!(tries(desk.acquirer_ledger().await), [(0, "91".to_owned()), (1, "51".to_owned())]);
    desk.clock.advance(DAY_MS);
    desk.script(&[Step::Approve]);
    let captured = run(&desk).await;
    assert_eq!((captured.state.name(), captured.record, desk.captures(id).await), ("captured", None, 1));
    let by: Vec<_> = desk.ledger.instructions(id).await.expect("reads").into_iter().map(|i| (i.by, i.number)).collect();
    assert_eq!(by, [(BY_SERVER.to_owned(), 1), (BY_SERVER.to_owned(), 2)]);
    assert_eq!(desk.ledger.job_count(), 0);

    // A reason that only a person can change: kept for the shop until the window is over.
    desk.script(&[Step::Decline { code: "05".into() }]);
    let id = desk.take(500, GOOD).await;
    processor.process_due(50).await.expect("processes");
    desk.clock.advance(HOUR);
    desk.ask(id, wanted("b", InstructionKind::Retry, 0)).await.expect("is taken");
    desk.script(&[Step::Decline { code: "05".into() }]);
    processor.process_due(50).await.expect("processes");
    let declined = desk.payment(id).await;
    assert!(matches!(declined.state, PaymentState::Declined { .. }) && declined.record.is_some());
    desk.clock.advance(WINDOW_MS_MAX);
    processor.process_due(50).await.expect("processes");
    let wiped = desk.payment(id).await;
    assert_eq!((wiped.state.name(), wiped.record, wiped.card_key_kid), ("declined", None, None));
    assert_eq!(desk.ledger.job_count(), 0);
}

#[tokio::test]
async fn a_card_that_may_not_be_kept_is_wiped_all_the_same() {
    for (name, pan, offline, code) in
        [("never", BANK_AWAY, true, Some("41")), ("declined in front of the customer", BANK_AWAY, false, None)]
    {
        let mut desk = desk();
        let next = code.map(|code: &str| Step::Decline { code: code.into() });
        desk.script(&next.into_iter().collect::<Vec<_>>());
        let mut draft = desk.till.draft(1_060, pan);
        draft.payload.offline = offline;
        let id = desk.take_draft(&draft).await;
        desk.processor().with_retries_declined(true).process_due(50).await.expect("processes");
        let payment = desk.payment(id).await;
        assert_eq!((payment.state.name(), payment.record, desk.ledger.job_count()), ("declined", None, 0), "{name}");
    }
}

/// The books came from a copy. A refund that they lost keeps its number at the acquirer: one that is asked for since is not taken for it. One
/// that the copy knows as asked for is its own.
#[tokio::test]
async fn a_refund_after_a_restore_is_not_mistaken_for_a_lost_one() {
    for is_in_copy in [false, true] {
        let mut desk = desk();
        let id = desk.captured().await;
        let mut copy = desk.ledger.copy();
        desk.ask(id, refund("lost", 300)).await.expect("is taken");
        if is_in_copy {
            copy = desk.ledger.copy();
        }
        desk.settle().await;
        assert_eq!(desk.paid_back(id).await, (1, 300));
        desk.clock.advance(1_000);
        desk.ledger.put_back(&copy, "epoch-2", crate::process::Clock::now_ms(&desk.clock));
        desk.clock.advance(1_000);
        desk.settle().await;
        let expected = if is_in_copy { 300 } else { 0 };
        assert_eq!(desk.payment(id).await.state.refunded_minor(), expected);

        desk.ask(id, refund("new", 500)).await.expect("is taken");
        desk.settle().await;
        let progress = desk.progress(id, "new").await;
        if is_in_copy {
            assert_eq!((progress, desk.paid_back(id).await), (Progress::Done, (2, 800)));
            continue;
        }
        assert_eq!(progress, Progress::Refused { code: super::super::instructed::REFUNDED_BEFORE.to_owned() });
        assert_eq!(desk.paid_back(id).await, (1, 300), "nothing more is sent");
        desk.ask(id, refund("once more", 500)).await.expect("is taken, under the next number");
        desk.settle().await;
        assert_eq!((desk.paid_back(id).await, desk.payment(id).await.state.refunded_minor()), ((2, 800), 500));
    }
}
