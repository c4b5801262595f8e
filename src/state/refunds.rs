//! Paying back: asking the server, and the words for what became of it.

use super::instruct::{self, taken_words};
use super::payment::Payment;
use super::till::Till;
use super::{queue, staff};
use crate::messages::{fill, isolated};
use holdfast_core::money::Amount;
use holdfast_web::device::{Instructed, InstructionAsk, Wanted};
use leptos::prelude::*;
use leptos::task::spawn_local;

/// Where the paying back of one payment stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Paying {
    /// Nobody asked for it.
    Not,
    Typing,
    /// An amount was typed, and is asked about once more.
    Sure(Amount),
    Working(Amount),
    /// Nobody knows whether it was taken: the same amount may be asked for again, and no other.
    Doubt(Amount),
}

/// Asks for it. `refused` counts what was refused while this payment is looked at.
pub fn pay_back(
    till: Till,
    payment: &Payment,
    amount: Amount,
    paying: RwSignal<Paying>,
    fault: RwSignal<Option<String>>,
    refused: StoredValue<u32>,
) {
    let Some(device) = till.device() else { return };
    let wanted = Wanted::Refund { amount_minor: amount.minor(), refunded_minor: payment.refunded.minor() };
    let asked = InstructionAsk { payment_id: payment.id.clone(), wanted, refused: refused.get_value() };
    paying.set(Paying::Working(amount));
    fault.set(None);
    let number = payment.number.clone();
    spawn_local(async move {
        let t = till.lang.get_untracked().messages();
        let why = fill(t.refund_why, &[("amount", &till.money_within(amount)), ("number", &isolated(&number))]);
        if !staff::allowed(till, why).await {
            let _ = paying.try_set(Paying::Sure(amount));
            let _ = fault.try_set(Some(t.refund_needs_manager.to_owned()));
            return;
        }
        let outcome = device.instruct(&asked).await.unwrap_or(Instructed::NoAnswer);
        let (next, said) = match outcome {
            Instructed::Done => {
                till.notify(fill(t.refund_done, &[("amount", &till.money_within(amount))]));
                (Paying::Not, None)
            }
            Instructed::UnderWay => {
                instruct::begin(till, &asked);
                (Paying::Not, None)
            }
            Instructed::Refused { code, .. } => {
                refused.update_value(|count| *count += 1);
                (Paying::Typing, Some(fill(t.refund_refused, &[("code", &code)])))
            }
            Instructed::NotTaken(problem) => (Paying::Typing, Some(taken_words(&problem, t).to_owned())),
            Instructed::NoAnswer => (Paying::Doubt(amount), Some(t.refund_no_answer.to_owned())),
        };
        // The payment may be drawn anew by now, and these with it.
        let _ = paying.try_set(next);
        let _ = fault.try_set(said);
        queue::sync_history(till, &device).await;
    });
}
