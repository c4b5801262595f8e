//! Voids and new tries: asking the server, following what it has under way, and the words for what became of it.

use super::payment::{Payment, PaymentStage};
use super::till::Till;
use super::{connection, queue, staff};
use crate::messages::{Messages, fill, isolated};
use holdfast_core::id::PaymentId;
use holdfast_core::payment::instruction::InstructionKind;
use holdfast_web::device::{Device, Instructed, InstructionAsk, PaymentPlace, StoredVoid, Wanted};
use leptos::prelude::*;
use leptos::task::spawn_local;

/// Where the asking stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    /// Nobody asked for it.
    Not,
    /// It is asked about once more.
    Sure,
    Working,
    /// Nobody knows whether it was taken: the very same may be asked for again.
    Doubt,
}

/// What the page holds of the asking. It outlives the drawing of a payment, which is drawn anew whenever the server moves it on.
#[derive(Clone, Copy)]
pub struct Talk {
    pub asking: RwSignal<Asking>,
    pub fault: RwSignal<Option<String>>,
    /// How many were refused while this payment is looked at.
    pub refused: StoredValue<u32>,
    about: StoredValue<Option<(String, InstructionKind)>>,
}

impl Talk {
    pub fn new() -> Self {
        Self {
            asking: RwSignal::new(Asking::Not),
            fault: RwSignal::new(None),
            refused: StoredValue::new(0),
            about: StoredValue::new(None),
        }
    }

    /// Begins anew for another payment, or for something else about the same.
    pub fn be_about(&self, payment_id: &str, kind: InstructionKind) {
        let about = Some((payment_id.to_owned(), kind));
        if self.about.with_value(|held| *held != about) {
            self.about.set_value(about);
            self.refused.set_value(0);
            self.asking.set(Asking::Not);
            self.fault.set(None);
        }
    }
}

/// Asks for a void or a new try. What still waits on this tablet is voided here.
pub fn carry_out(till: Till, payment: &Payment, wanted: Wanted, talk: Talk) {
    let Some(device) = till.device() else { return };
    let asked = InstructionAsk { payment_id: payment.id.clone(), wanted, refused: talk.refused.get_value() };
    let amount = till.money_within(payment.amount);
    talk.asking.set(Asking::Working);
    talk.fault.set(None);
    let here = matches!(payment.state, PaymentStage::Stored { .. }).then(|| payment.id.parse().ok()).flatten();
    let number = payment.number.clone();
    spawn_local(async move {
        let t = till.lang.get_untracked().messages();
        let why = fill(t.void_why, &[("amount", &amount), ("number", &isolated(&number))]);
        if wanted == Wanted::Void && !staff::allowed(till, why).await {
            let _ = talk.asking.try_set(Asking::Sure);
            let _ = talk.fault.try_set(Some(t.void_needs_manager.to_owned()));
            return;
        }
        if let Some(id) = here
            && let Some(said) = void_here(till, &device, id, &amount).await
        {
            let _ = talk.asking.try_set(Asking::Not);
            if let Some(Some(said)) = talk.fault.try_set(said) {
                till.notify(said);
            }
            return queue::refresh(till).await;
        }
        let outcome = device.instruct(&asked).await.unwrap_or(Instructed::NoAnswer);
        let kind = wanted.kind();
        let (next, said) = match outcome {
            Instructed::Done => {
                till.notify(fill(done_words(kind, t), &[("amount", &amount)]));
                (Asking::Not, None)
            }
            Instructed::UnderWay => {
                begin(till, &asked);
                (Asking::Not, None)
            }
            Instructed::Refused { code, .. } => {
                let _ = talk.refused.try_update_value(|count| *count += 1);
                (Asking::Not, Some(refused_words(kind, &code, t)))
            }
            Instructed::NotTaken(problem) => (Asking::Not, Some(taken_words(&problem, t).to_owned())),
            Instructed::NoAnswer => (Asking::Doubt, Some(t.ask_no_answer.to_owned())),
        };
        let _ = talk.asking.try_set(next);
        // The payment may be drawn anew by now: then it is said at the foot of the screen.
        if let Some(Some(said)) = talk.fault.try_set(said) {
            till.notify(said);
        }
        queue::sync_history(till, &device).await;
    });
}

/// Voids a payment that waits on this tablet. What is to be said of it, if anything; `None`: the server may have it, and is to be asked.
async fn void_here(till: Till, device: &Device, id: PaymentId, amount: &str) -> Option<Option<String>> {
    let t = till.lang.get_untracked().messages();
    match device.void_stored(id).await {
        Ok(StoredVoid::Voided) => {
            till.notify(fill(t.void_done, &[("amount", amount)]));
            device.register_sync().await;
            connection::nudge();
            Some(None)
        }
        Ok(StoredVoid::MaybeSent) => {
            queue::send(till, device).await;
            let is_here = device.find_payment(id).await.is_ok_and(|place| matches!(place, PaymentPlace::Waiting(_)));
            is_here.then(|| Some(t.void_maybe_sent.to_owned()))
        }
        Ok(StoredVoid::Unsure(_)) => Some(Some(t.void_unsure.to_owned())),
        Ok(StoredVoid::NotVoided(_)) | Err(_) => Some(Some(t.void_not_kept.to_owned())),
    }
}

/// The server has it, and goes on with it.
pub fn begin(till: Till, asked: &InstructionAsk) {
    till.under_way.update(|all| {
        all.insert(asked.payment_id.clone(), asked.wanted.kind());
    });
}

/// Looks what the server has under way for a payment that is opened: another till or the owner may have asked.
pub fn look(till: Till, payment_id: String) {
    let Some(device) = till.device() else { return };
    spawn_local(async move { look_at(till, &device, payment_id).await });
}

/// Looks again at everything that was under way.
pub async fn follow(till: Till, device: &Device) {
    let ids: Vec<String> = till.under_way.with_untracked(|all| all.keys().cloned().collect());
    for id in ids {
        look_at(till, device, id).await;
    }
}

async fn look_at(till: Till, device: &Device, id: String) {
    // Without an answer, what was known stays.
    let Ok(last) = device.last_instruction(&id).await else { return };
    let open = last.as_ref().filter(|last| last.is_open()).and_then(|last| InstructionKind::from_name(&last.kind));
    let before = till.under_way.with_untracked(|all| all.get(&id).copied());
    if open == before {
        return;
    }
    till.under_way.update(|all| {
        all.remove(&id);
        all.extend(open.map(|kind| (id, kind)));
    });
    if let (Some(kind), Some(last)) = (before, last.filter(|last| last.progress == "refused")) {
        let t = till.lang.get_untracked().messages();
        till.notify(refused_words(kind, &last.code.unwrap_or_default(), t));
    }
}

/// What is said while the server goes on with it.
pub fn under_way_words(kind: InstructionKind, t: &'static Messages) -> &'static str {
    match kind {
        InstructionKind::Refund => t.refund_under_way,
        InstructionKind::Void => t.void_under_way,
        InstructionKind::Retry => t.retry_under_way,
    }
}

fn done_words(kind: InstructionKind, t: &'static Messages) -> &'static str {
    match kind {
        InstructionKind::Refund => t.refund_done,
        InstructionKind::Void => t.void_done,
        InstructionKind::Retry => t.retry_done,
    }
}

/// A code of two characters is the bank's; anything else is the state that the payment was found in.
fn refused_words(kind: InstructionKind, code: &str, t: &'static Messages) -> String {
    let is_banks = code.len() == 2;
    match kind {
        InstructionKind::Refund => fill(t.refund_refused, &[("code", code)]),
        InstructionKind::Void if is_banks => fill(t.void_refused, &[("code", code)]),
        InstructionKind::Void if matches!(code, "captured" | "partly-refunded") => t.void_too_late.to_owned(),
        InstructionKind::Void => t.ask_not_now.to_owned(),
        InstructionKind::Retry if code == "card-data-wiped" => t.retry_wiped.to_owned(),
        InstructionKind::Retry => t.ask_not_now.to_owned(),
    }
}

/// Why the server did not take an instruction, by its problem's name.
pub fn taken_words(problem: &str, t: &'static Messages) -> &'static str {
    match problem {
        "instruction-open" => t.ask_other_open,
        "refund-too-large" | "not-captured" => t.refund_too_large,
        "not-voidable" => t.void_too_late,
        "card-data-wiped" => t.retry_wiped,
        "retry-never" => t.way_never,
        "retry-too-early" => t.retry_early,
        "instructions-used-up" => t.ask_used_up,
        "not-declined" => t.ask_not_now,
        "device-revoked" => t.revoked_say,
        _ => t.ask_not_taken,
    }
}
