//! Requests that are worked on together: each succeeds or fails as if it had come alone.

use super::Fixture;
use crate::store::{AttemptKind, Books, Case, Ledger, Payment, PaymentOp, StoreError};
use crate::testing::NOW;
use futures_util::future::join_all;
use holdfast_core::id::PaymentId;
use holdfast_core::limits::WINDOW_MS_MAX;
use holdfast_core::payment::PaymentState;
use holdfast_core::payment::instruction::{Instruction, InstructionKind, Progress};

/// More than one group, and no round number.
const MANY: u64 = 150;

fn intent() -> Vec<PaymentOp> {
    let hmac = PaymentOp::PanHmac("hmac".into());
    vec![hmac, PaymentOp::Ask { kind: AttemptKind::Authorisation }, PaymentOp::State(PaymentState::Authorising)]
}

impl<L: Ledger> Fixture<L> {
    async fn many(&self) -> Vec<Payment> {
        let payments: Vec<Payment> = (1..=MANY).map(|seq| self.payment(seq)).collect();
        self.store(&payments.iter().collect::<Vec<_>>()).await.expect("stores");
        self.ledger.changed_after(self.device.merchant_id, 0, 1_000).await.expect("reads")
    }
}

pub async fn of_many_changes_at_once_each_is_written_or_conflicts<L: Ledger>(f: Fixture<L>) {
    let payments = f.many().await;
    // Every seventh was decided at a change that is over.
    let is_late = |at: usize| at % 7 == 3;
    let asked = payments
        .iter()
        .enumerate()
        .map(|(at, payment)| f.ledger.apply(NOW + 1, payment.id, payment.change - i64::from(is_late(at)), intent()));
    let told = join_all(asked).await;
    let mut changes = Vec::new();
    for (at, (payment, told)) in payments.iter().zip(told).enumerate() {
        let kept = f.read(payment.id).await;
        if is_late(at) {
            assert_eq!((told, &kept), (Err(StoreError::Conflict), payment));
            continue;
        }
        assert_eq!((told, kept.state.name(), kept.changed_ms), (Ok(kept.change), "authorising", NOW + 1));
        assert_eq!((kept.card.pan_hmac.as_deref(), &kept.record), (Some("hmac"), &payment.record));
        changes.push(kept.change);
    }
    changes.sort_unstable();
    changes.dedup();
    let events = f.ledger.events_after(f.device.merchant_id, payments[payments.len() - 1].change, 1_000).await;
    let events = events.expect("reads");
    assert_eq!(events.iter().map(|event| event.change).collect::<Vec<_>>(), changes, "one line for each, in order");
    assert!(events.iter().all(|event| event.state == "authorising"));
}

pub async fn of_two_changes_of_one_payment_the_second_sees_the_first<L: Ledger>(f: Fixture<L>) {
    let payments = f.many().await;
    let (one, other) = (&payments[0], &payments[1]);
    let apply = |payment: &Payment, ops| f.ledger.apply(NOW + 1, payment.id, payment.change, ops);
    let state = || vec![PaymentOp::State(PaymentState::Authorising)];
    let told = tokio::join!(
        apply(one, vec![PaymentOp::Ask { kind: AttemptKind::Capture }]),
        apply(other, state()),
        apply(one, state()),
        apply(other, state()),
    );
    assert_eq!(told.0, Ok(one.change), "no other state, no other change");
    assert!(told.1.is_ok() && told.2.is_ok() && told.3 == Err(StoreError::Conflict), "{told:?}");
}

pub async fn many_cases_are_read_at_once<L: Ledger>(f: Fixture<L>) {
    let payments = f.many().await;
    let unknown = PaymentId::make(NOW, [255; 10]);
    let ids = || payments.iter().map(|payment| payment.id).chain([unknown, payments[0].id]);
    let cases = join_all(ids().map(|id| f.ledger.case(id))).await;
    for (id, case) in ids().zip(cases) {
        let payment = payments.iter().find(|payment| payment.id == id).cloned();
        let expected = payment.map(|payment| Case { payment, instructions: Vec::new(), window_ms: WINDOW_MS_MAX });
        assert_eq!(case, Ok(expected));
    }
}

/// The database refuses a second open instruction of a payment.
pub async fn what_the_database_refuses_fails_alone(f: Fixture<Books>) {
    let payments = f.many().await;
    let open = |payment: &Payment, number| {
        PaymentOp::Instruction(Instruction {
            id: format!("click-{number}"),
            kind: InstructionKind::Void,
            number,
            amount_minor: payment.sale.amount_minor,
            reason: "mistake".parse().expect("a reason"),
            by: "device:1".into(),
            progress: Progress::Asked,
            asked_ms: NOW,
            changed_ms: NOW,
        })
    };
    let refused = payments[5].id;
    let asked = payments.iter().map(|payment| {
        let mut ops = intent();
        ops.push(open(payment, 1));
        if payment.id == refused {
            ops.push(open(payment, 2));
        }
        f.ledger.apply(NOW + 1, payment.id, payment.change, ops)
    });
    let told = join_all(asked).await;
    for (payment, told) in payments.iter().zip(told) {
        let (kept, instructions) = (f.read(payment.id).await, f.ledger.instructions(payment.id).await);
        if payment.id == refused {
            assert!(matches!(told, Err(StoreError::Database(_))), "{told:?}");
            assert_eq!((&kept, instructions), (payment, Ok(Vec::new())), "nothing of it was written");
        } else {
            assert_eq!((told, kept.state.name()), (Ok(kept.change), "authorising"));
            assert_eq!(instructions.map(|list| list.len()), Ok(1));
        }
    }
}
