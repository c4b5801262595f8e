//! What waits on this device and what was taken before, kept true on the screen; and the ways to send it.

use super::payment::{Payment, PaymentStage, Tone};
use super::till::Till;
use super::view_model::WaitingView;
use super::{connection, convert, instruct, receipts, risk};
use holdfast_core::money::Amount;
use holdfast_core::outbox::UploadOutcome;
use holdfast_web::device::{Device, HistoryItem, Standing};
use leptos::prelude::*;
use leptos::task::spawn_local;

/// Keeps the strip and the history true, whoever changes the queue.
pub fn watch(till: Till, device: &Device) {
    let queue = device.on_queue_changed(move || spawn_local(refresh(till)));
    let standing = device.on_standing_changed(move || show_standing(till));
    till.subscriptions.set_value(vec![queue, standing]);
    show_standing(till);
}

/// Whether the owner has signed this tablet off, and when it heard of it.
fn show_standing(till: Till) {
    let Some(device) = till.device() else { return };
    till.revoked_ms.set(match device.standing() {
        Standing::Good => None,
        Standing::Revoked { since_ms, .. } => Some(since_ms),
    });
}

/// Reads what the device knows.
pub async fn refresh(till: Till) {
    let Some(device) = till.device() else { return };
    if let Ok(waiting) = device.waiting().await {
        // The payment of the sale that is being taken this moment is no news yet.
        let in_flight = till.in_flight.get_value();
        let others = waiting.iter().filter(|w| w.voided_ms.is_none() && Some(w.id.to_string()) != in_flight);
        let (count, sum_minor, first_by_ms) = others.fold((0, 0_i64, i64::MAX), |(count, sum, first), w| {
            (count + 1, sum.saturating_add(w.sale.total_minor), first.min(w.expires_ms))
        });
        let sum = Amount::new(sum_minor, till.currency());
        let view = (count > 0).then_some(WaitingView { count, sum, first_by_ms });
        if till.waiting.with_untracked(|old| *old != view) {
            till.waiting.set(view);
        }
    }
    risk::measure(till, &device).await;
    if let Ok(history) = device.history().await {
        let payments: Vec<Payment> = history.iter().filter_map(from_history).collect();
        if till.payments.with_untracked(|old| *old != payments) {
            till.payments.set(payments);
        }
    }
}

fn from_history(item: &HistoryItem) -> Option<Payment> {
    match item {
        HistoryItem::Known(view) => convert::known(view),
        HistoryItem::Sent(stone) => convert::sent(stone),
        HistoryItem::Waiting(w) => {
            let stage = match w.voided_ms {
                Some(_) => PaymentStage::Voided,
                None => PaymentStage::Stored { by_ms: w.expires_ms },
            };
            let mut payment = convert::own(&w.id.to_string(), &w.sale, &w.card, w.created_ms, stage)?;
            (payment.offline, payment.changed_ms) = (w.offline, w.voided_ms);
            Some(payment)
        }
    }
}

/// Whether anything is to go up: payments, or voids of payments that never went.
pub fn any_to_send(till: Till) -> bool {
    let is_untold = |p: &Payment| p.state == PaymentStage::Voided && p.received_ms.is_none();
    till.waiting.with_untracked(Option::is_some) || till.payments.with_untracked(|all| all.iter().any(is_untold))
}

/// Whether a payment is at the server and not settled, or something was asked about one: then the history is worth asking for soon.
pub fn any_on_its_way(till: Till) -> bool {
    till.under_way.with_untracked(|all| !all.is_empty())
        || till.payments.with_untracked(|all| all.iter().any(|p| p.state.tone() == Tone::Plain))
}

pub async fn sync_history(till: Till, device: &Device) {
    receipts::sync(till, device).await;
    instruct::follow(till, device).await;
    match device.sync_history().await {
        Ok(_) => refresh(till).await,
        Err(error) => leptos::logging::log!("the history is not up to date: {error}"),
    }
}

/// Sends everything that waits.
pub async fn send(till: Till, device: &Device) -> Option<UploadOutcome> {
    till.sending.set(true);
    let outcome = device.send_now().await;
    till.sending.set(false);
    refresh(till).await;
    outcome
}

/// The button: the same, and it says how it went.
pub fn send_now(till: Till) {
    let Some(device) = till.device() else { return };
    spawn_local(async move {
        let outcome = send(till, &device).await;
        let words = till.lang.get_untracked().messages();
        match outcome {
            Some(UploadOutcome::Drained) => till.notify(words.sent_all),
            None | Some(UploadOutcome::MoreLater) => {}
            Some(_) => till.notify(words.sent_none),
        }
        connection::nudge();
    });
}
