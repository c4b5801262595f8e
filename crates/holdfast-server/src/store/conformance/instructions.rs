//! Instructions: kept once under their id, one open at a time, judged in the transaction that keeps them.

use super::Fixture;
use crate::instructions::{InstructError, instruct};
use crate::store::{Ledger, PaymentOp, StoreError};
use crate::testing::NOW;
use holdfast_core::id::{MerchantId, PaymentId};
use holdfast_core::payment::PaymentState;
use holdfast_core::payment::instruction::{Instruction, InstructionError, InstructionKind, Progress, Wanted};

fn refund(id: &str, amount_minor: i64) -> Wanted {
    let reason = "damaged-goods".parse().expect("a reason");
    Wanted { id: id.into(), kind: InstructionKind::Refund, amount_minor, reason, by: "device:1".into() }
}

impl<L: Ledger> Fixture<L> {
    async fn captured(&self) -> PaymentId {
        let payment = self.payment(1);
        self.store(&[&payment]).await.expect("stores");
        let state = PaymentState::Captured { approval_code: "A1".into(), at_ms: NOW };
        self.apply(payment.id, vec![PaymentOp::State(state), PaymentOp::Done]).await;
        payment.id
    }

    async fn ask(&self, id: PaymentId, wanted: Wanted) -> Result<Instruction, InstructError> {
        instruct(&self.ledger, NOW + 5, self.device.merchant_id, id, wanted).await
    }
}

pub async fn an_instruction_is_kept_and_calls_the_jobs<L: Ledger>(f: Fixture<L>) {
    let id = f.captured().await;
    assert_eq!(f.ledger.next_due_ms().await, Ok(None));
    let asked = f.ask(id, refund("a", 400)).await.expect("is taken");
    assert_eq!(f.ledger.next_due_ms().await, Ok(Some(NOW + 5)));
    assert_eq!(f.ledger.instructions(id).await, Ok(vec![asked.clone()]));
    assert_eq!(f.ask(id, refund("a", 400)).await.expect("is known"), asked);
    let sent = Instruction { progress: Progress::Sent, changed_ms: NOW + 6, ..asked };
    f.apply(id, vec![PaymentOp::Instruction(sent.clone())]).await;
    assert_eq!(f.ledger.instructions(id).await, Ok(vec![sent.clone()]));
    let refused = Instruction { progress: Progress::Refused { code: "05".into() }, ..sent };
    f.apply(id, vec![PaymentOp::Instruction(refused.clone()), PaymentOp::Done]).await;
    assert_eq!(f.ledger.instructions(id).await, Ok(vec![refused]));
    assert_eq!(f.ledger.next_due_ms().await, Ok(None));
    assert_eq!(f.ask(id, refund("b", 1_060)).await.expect("is taken").number, 2);
}

pub async fn a_job_that_ends_does_not_lose_what_was_asked_meanwhile<L: Ledger>(f: Fixture<L>) {
    let id = f.captured().await;
    f.ask(id, refund("a", 400)).await.expect("is taken");
    let jobs = f.ledger.claim_due(NOW + 5, NOW + 100, 10).await.expect("claims");
    assert_eq!(jobs.len(), 1);
    // As somebody who began before it was asked for.
    f.apply(id, vec![PaymentOp::Done]).await;
    assert_eq!(f.ledger.claim_due(NOW + 5, NOW + 100, 10).await.expect("claims").len(), 1, "it is due at once");
}

pub async fn of_many_who_click_at_once_one_is_heard<L: Ledger>(f: Fixture<L>) {
    let id = f.captured().await;
    let names: Vec<String> = (0..12).map(|n| format!("click-{n}")).collect();
    let clicks = names.iter().map(|name| f.ask(id, refund(name, 700)));
    let said = futures_util::future::join_all(clicks).await;
    let taken = said.iter().filter(|said| said.is_ok()).count();
    let open = |said: &&Result<Instruction, InstructError>| {
        matches!(said, Err(InstructError::Refused(InstructionError::AnotherOpen)))
    };
    assert_eq!((taken, said.iter().filter(open).count()), (1, 11), "{said:?}");
    assert_eq!(f.ledger.instructions(id).await.expect("reads").len(), 1);
    // The same click many times.
    let (state, again) =
        (PaymentState::Captured { approval_code: "A1".into(), at_ms: NOW }, f.ledger.instructions(id).await);
    let done = Instruction { progress: Progress::Done, ..again.expect("reads").remove(0) };
    f.apply(id, vec![PaymentOp::Instruction(done), PaymentOp::State(state)]).await;
    let clicks = (0..12).map(|_| f.ask(id, refund("one", 100)));
    let said = futures_util::future::join_all(clicks).await;
    assert!(said.iter().all(|said| said.as_ref().is_ok_and(|known| known.number == 2)), "{said:?}");
    assert_eq!(f.ledger.instructions(id).await.expect("reads").len(), 2);
}

pub async fn nothing_is_asked_of_another_merchants_payment<L: Ledger>(f: Fixture<L>) {
    let id = f.captured().await;
    let stranger = MerchantId::make([9; 16]);
    // A merchant that is not in the books has no window either.
    let said = instruct(&f.ledger, NOW, stranger, id, refund("a", 1)).await;
    assert!(matches!(said, Err(InstructError::Unknown | InstructError::Store(StoreError::Database(_)))), "{said:?}");
    let unknown = f.ask(PaymentId::make(NOW, [99; 10]), refund("a", 1)).await;
    assert!(matches!(unknown, Err(InstructError::Unknown)), "{unknown:?}");
    assert_eq!(f.ledger.instructions(id).await, Ok(Vec::new()));
}
