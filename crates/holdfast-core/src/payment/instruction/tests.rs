//! What is taken, what is known, and what is refused.

use super::*;
use crate::payment::{Refund, Refunds};

const HOUR: i64 = 3_600_000;

fn reason() -> GiveBackReason {
    "customer-returned".parse().expect("a reason")
}

fn wanted(id: &str, kind: InstructionKind, amount_minor: i64) -> Wanted {
    Wanted { id: id.into(), kind, amount_minor, reason: reason(), by: "user:1".into() }
}

fn captured() -> PaymentState {
    PaymentState::Captured { approval_code: "A1".into(), at_ms: 7 }
}

fn partly(amount_minor: i64) -> PaymentState {
    let refund = Refund { amount_minor, reason: reason(), at_ms: 7 };
    PaymentState::PartlyRefunded { approval_code: "A1".into(), refunds: Refunds::first(1_060, refund).expect("a part") }
}

fn declined(code: &str) -> PaymentState {
    PaymentState::Declined { decline: Decline { code: code.into() }, at_ms: 0 }
}

fn facts<'a>(state: &'a PaymentState, instructions: &'a [Instruction]) -> Facts<'a> {
    Facts { state, amount_minor: 1_060, is_sealed: true, until_ms: 72 * HOUR, instructions }
}

fn take(state: &PaymentState, earlier: &[Instruction], wanted: Wanted) -> Instruction {
    match judge(facts(state, earlier), wanted, 9) {
        Ok(Verdict::Take(instruction)) => instruction,
        other => panic!("{other:?}"),
    }
}

#[test]
fn no_more_is_paid_back_than_is_left() {
    let refund = |amount| wanted("a", InstructionKind::Refund, amount);
    for (state, amount, outcome) in [
        (captured(), 1_060, None),
        (captured(), 1, None),
        (captured(), 1_061, Some(InstructionError::TooMuch { left_minor: 1_060 })),
        (captured(), 0, Some(InstructionError::TooMuch { left_minor: 1_060 })),
        (captured(), -5, Some(InstructionError::TooMuch { left_minor: 1_060 })),
        (partly(1_000), 60, None),
        (partly(1_000), 61, Some(InstructionError::TooMuch { left_minor: 60 })),
        (PaymentState::Authorising, 1, Some(InstructionError::NotCaptured)),
        (declined("51"), 1, Some(InstructionError::NotCaptured)),
    ] {
        let said = judge(facts(&state, &[]), refund(amount), 9);
        assert_eq!(said.as_ref().err().copied(), outcome, "{amount} of {state:?}");
    }
}

#[test]
fn one_id_is_one_instruction_and_one_is_on_its_way_at_a_time() {
    let first = take(&captured(), &[], wanted("a", InstructionKind::Refund, 500));
    assert_eq!((first.number, first.progress.name()), (1, "asked"));
    let open = [first.clone()];
    let again = judge(facts(&captured(), &open), wanted("a", InstructionKind::Refund, 500), 10);
    assert_eq!(again, Ok(Verdict::Known(first.clone())));
    for (other, error) in [
        (wanted("a", InstructionKind::Refund, 501), InstructionError::IdReused),
        (wanted("a", InstructionKind::Void, 500), InstructionError::IdReused),
        (wanted("b", InstructionKind::Refund, 500), InstructionError::AnotherOpen),
    ] {
        assert_eq!(judge(facts(&captured(), &open), other, 10), Err(error));
    }
    let refused = [Instruction { progress: Progress::Refused { code: "05".into() }, ..first }];
    let second = take(&captured(), &refused, wanted("b", InstructionKind::Refund, 500));
    assert_eq!(second.number, 2, "the acquirer has heard the first");
}

#[test]
fn a_payment_is_voided_before_it_is_captured() {
    for (state, is_voidable) in [
        (PaymentState::Received, true),
        (PaymentState::Authorising, true),
        (PaymentState::Authorised { approval_code: "A1".into() }, true),
        (PaymentState::Capturing { approval_code: "A1".into() }, true),
        (captured(), false),
        (declined("51"), false),
        (PaymentState::Expired { at_ms: 7 }, false),
    ] {
        let said = judge(facts(&state, &[]), wanted("a", InstructionKind::Void, 0), 9);
        assert_eq!(said.is_ok(), is_voidable, "{state:?}");
    }
}

#[test]
fn a_decline_is_tried_again_when_its_reason_time_and_the_sealed_data_allow() {
    let retry = || wanted("a", InstructionKind::Retry, 0);
    for (code, now_ms, is_sealed, outcome) in [
        ("91", 2 * HOUR, true, None),
        ("91", 2 * HOUR - 1, true, Some(InstructionError::TooEarly { wait_ms: 1 })),
        ("51", 24 * HOUR, true, None),
        ("05", 1, true, None),
        ("05", 1, false, Some(InstructionError::Wiped)),
        ("05", 72 * HOUR, true, Some(InstructionError::Wiped)),
        ("41", 9 * HOUR, true, Some(InstructionError::Never)),
    ] {
        let state = declined(code);
        let said = judge(Facts { is_sealed, ..facts(&state, &[]) }, retry(), now_ms);
        assert_eq!(said.err(), outcome, "{code} at {now_ms}");
    }
    assert_eq!(judge(facts(&captured(), &[]), retry(), 1), Err(InstructionError::NotDeclined));
}

#[test]
fn the_server_tries_by_itself_what_only_time_can_change() {
    let own = |code: &str, retries| own_retry_ms(&Decline { code: code.into() }, 0, 72 * HOUR, retries);
    assert_eq!(own("91", 0), Some(2 * HOUR));
    assert_eq!(own("51", 0), Some(24 * HOUR));
    assert_eq!(own("51", RETRIES_MAX), None);
    for code in ["05", "41", "62"] {
        assert_eq!(own(code, 0), None, "{code}: a person, never, or beyond the window");
    }
}
