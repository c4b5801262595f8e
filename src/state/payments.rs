//! Taking a card, and what becomes of it.
//!
//! Online and offline are one path: seal, store, read back; then, with a connection, send this one payment and wait a little for
//! its result. If that time is over nothing has to be converted: it is a stored payment already, under the id it always had.

use super::draft::{self, Attempt};
use super::outcome::{Outcome, Said};
use super::payment::{Payment, PaymentStage};
use super::till::Till;
use super::view_model::{Overlay, Problem, Stage, Tender};
use super::{connection, convert, queue};
use crate::browser::keys::Swipe;
use crate::browser::sound;
use crate::env::{self, NotSealed};
use holdfast_core::card::Card;
use holdfast_core::connectivity::Way;
use holdfast_core::limits::{ONLINE_ANSWER_MS_MAX, STAND_IN_MS_MAX};
use holdfast_core::money::Amount;
use holdfast_core::outbox::StoreFault;
use holdfast_core::policy::Asked;
use holdfast_web::device::{Device, DeviceError, OnlineOutcome, PaymentPlace, TakeOutcome, TakePayment, TakeRefusal};
use holdfast_wire::history::PaymentView;
use holdfast_wire::record::SaleWire;
use leptos::prelude::*;
use leptos::task::spawn_local;

/// A card went through the reader, wherever the seller is.
pub fn swiped(till: Till, swipe: Swipe) {
    let words = till.lang.get_untracked().messages();
    if till.stage.get_untracked() != Stage::Ready || till.is_taking() {
        return;
    }
    if till.pin.with_untracked(Option::is_some) {
        return till.notify(words.sign_in_first);
    }
    if !till.hears_swipes() {
        return till.notify(words.sale_needed);
    }
    match swipe {
        Swipe::Card(card) => take(till, *card),
        Swipe::Unreadable(error) => till.open_tender(Some(Problem::Track(error))),
    }
}

pub fn charge_keyed(till: Till) {
    if let Some(card) = till.take_keyed() {
        take(till, card);
    }
}

fn take(till: Till, card: Card) {
    let Some(device) = till.device() else { return };
    if till.is_taking() {
        return;
    }
    till.forget_keyed();
    till.cart_open.set(false);
    if let Err(refusal) = card.check(device.reading().trusted_ms()) {
        return till.open_tender(Some(Problem::Card(refusal)));
    }
    till.overlay.set(Overlay::Tender(Tender::Working));
    spawn_local(async move {
        match carry_out(till, &device, card).await {
            Ok(outcome) => finish(till, outcome).await,
            Err(problem) => {
                if problem == Problem::Voided {
                    next_is_another(till);
                }
                till.overlay.set(Overlay::Tender(Tender::Swipe { problem: Some(problem) }));
            }
        }
        till.in_flight.set_value(None);
        queue::refresh(till).await;
        env::prepare(&device);
    });
}

/// Seals and stores, then asks for the result if somebody can be asked.
async fn carry_out(till: Till, device: &Device, card: Card) -> Result<Outcome, Problem> {
    let amount = till.total_untracked();
    let (id, number) = match attempt(till, device).await {
        Ok(made) => made,
        Err(error) => {
            // A full disk meets the sale's number first, before the journal and the queue.
            let fault = if let DeviceError::Store(fault) = error { fault } else { StoreFault::Broken };
            return Ok(Outcome { amount, said: Said::NotStored(fault), receipt: None });
        }
    };
    till.in_flight.set_value(Some(id.to_string()));
    let seller = till.seller.with_untracked(|seller| seller.as_ref().map(|seller| seller.id));
    let (goods, tip) = untrack(|| (till.cart.with(|cart| SaleWire::from_cart(&number, cart)), till.tip_amount()));
    let sale = goods.with_tip(tip).ok_or(Problem::TooLarge)?.sold_by(seller);
    let (way, tag) = (connection::way(), env::tag(device, &card).await);
    let take = TakePayment {
        id,
        amount,
        sale,
        card: card.summary(),
        offline: !connection::is_online(),
        unanswered: connection::is_unanswered(),
        tag,
        approval: till.cap_override.get_untracked(),
    };
    let was_unanswered = take.unanswered;
    let asked = Asked::of(amount, &take.card);
    let is_noted = was_unanswered && device.policy().is_some_and(|policy| policy.flags(asked));
    let taken = device.take_payment(take, |to| env::seal(&card, to)).await;
    drop(card);
    let waiting = match taken {
        TakeOutcome::Stored(waiting) => Some(waiting),
        TakeOutcome::AlreadySent => None,
        TakeOutcome::NotStored(fault) => return Ok(Outcome { amount, said: Said::NotStored(fault), receipt: None }),
        TakeOutcome::Unsure(_) => return Ok(Outcome { amount, said: Said::Unsure, receipt: None }),
        TakeOutcome::Refused(refusal) => return Err(refused(&refusal)),
        TakeOutcome::NotSealed(NotSealed) => return Err(Problem::NoKey),
    };
    if is_noted {
        till.notify(till.lang.get_untracked().messages().policy.chip_noted);
    }
    let stored = waiting.and_then(|w| {
        let stage = PaymentStage::Stored { by_ms: w.expires_ms };
        convert::own(&w.id.to_string(), &w.sale, &w.card, w.created_ms, stage)
    });
    // Where only the bank is away the server takes the payment and stands in: nobody waits for an answer that will not come.
    let wait_ms = match way {
        Way::Ask => ONLINE_ANSWER_MS_MAX,
        Way::StandIn => STAND_IN_MS_MAX,
        Way::Store => 0,
    };
    if wait_ms > 0 {
        match device.settle_online(id, wait_ms).await {
            OnlineOutcome::Settled(view) => {
                if let Some(outcome) = settled(till, &view) {
                    return Ok(outcome);
                }
            }
            // The network may be gone, or only the bank is slow: the loop finds out which. But the acknowledgement itself may have been
            // the last word.
            OnlineOutcome::StillStored => {
                if let Ok(PaymentPlace::Sent(stone)) = device.find_payment(id).await
                    && let Some(outcome) = convert::sent(&stone).and_then(|payment| ended(till, payment))
                {
                    return Ok(outcome);
                }
            }
        }
    }
    if !was_unanswered && let Err(error) = device.note_unanswered(tag, amount.minor()).await {
        leptos::logging::warn!("a payment without an answer is not counted for the day: {error}");
    }
    // Whether or not this browser can upload in the background, the page's own triggers remain.
    device.register_sync().await;
    connection::nudge();
    Ok(still_stored(till, stored, amount))
}

fn still_stored(till: Till, stored: Option<Payment>, amount: Amount) -> Outcome {
    let by_ms = match stored.as_ref().map(|p| &p.state) {
        Some(PaymentStage::Stored { by_ms }) => *by_ms,
        _ => till.now_ms.get_untracked(),
    };
    let amount = stored.as_ref().map_or(amount, |p| p.amount);
    Outcome { amount, said: Said::Stored { by_ms }, receipt: stored.and_then(|p| till.receipt_of(p)) }
}

/// What the server's final word means for the customer at the counter.
fn settled(till: Till, view: &PaymentView) -> Option<Outcome> {
    ended(till, convert::known(view)?)
}

fn ended(till: Till, payment: Payment) -> Option<Outcome> {
    let (amount, said) = (payment.amount, Said::of(&payment.state)?);
    Some(Outcome { amount, said, receipt: till.receipt_of(payment) })
}

fn refused(refusal: &TakeRefusal) -> Problem {
    match refusal {
        TakeRefusal::Policy(policy) => Problem::Policy(*policy),
        TakeRefusal::TooLarge => Problem::TooLarge,
        TakeRefusal::Revoked => Problem::Revoked,
        TakeRefusal::CannotSign => Problem::CannotSign,
        TakeRefusal::Voided => Problem::Voided,
        TakeRefusal::NotEnrolled | TakeRefusal::NoShop | TakeRefusal::NoCardKey => Problem::NoKey,
    }
}

/// The payment's id and the sale's number: made before the first try, kept durably, the same for every further one.
async fn attempt(till: Till, device: &Device) -> Result<(holdfast_core::id::PaymentId, String), DeviceError> {
    let kept = till.attempt.get_value();
    let number = match &kept {
        Some(attempt) => attempt.number.clone(),
        None => device.next_sale_number().await?,
    };
    let id = kept.as_ref().and_then(Attempt::payment_id).unwrap_or_else(|| device.make_payment_id());
    let attempt = Attempt { payment_id: Some(id.to_string()), number: number.clone() };
    let text = till.cart.with_untracked(|cart| draft::write(cart, till.tip.get_untracked(), Some(&attempt)));
    till.attempt.set_value(Some(attempt));
    device.save_draft(text.as_deref()).await?;
    Ok((id, number))
}

/// Shows the outcome first, so that the amount never flickers, then puts away what is over.
async fn finish(till: Till, outcome: Outcome) {
    let said = outcome.said.clone();
    till.overlay.set(Overlay::Result(outcome));
    if till.sounds.get_untracked() {
        sound::play(&said);
    }
    match said {
        said if said.ends_sale() => {
            till.clear_sale();
            forget_draft(till).await;
        }
        said if said.is_final() => next_is_another(till),
        _ => {}
    }
}

/// The next card is another payment of the same sale.
fn next_is_another(till: Till) {
    till.attempt.update_value(|attempt| {
        if let Some(attempt) = attempt {
            attempt.payment_id = None;
        }
    });
    keep_draft(till);
}

/// Keeps the open sale on the device.
pub fn keep_draft(till: Till) {
    let Some(device) = till.device() else { return };
    let attempt = till.attempt.get_value();
    let text = till.cart.with_untracked(|cart| draft::write(cart, till.tip.get_untracked(), attempt.as_ref()));
    if text.is_none() {
        // An emptied sale gives its attempt up: the next one has its own number.
        till.attempt.set_value(None);
    }
    spawn_local(async move {
        if let Err(error) = device.save_draft(text.as_deref()).await {
            leptos::logging::warn!("the open sale is not kept: {error}");
        }
    });
}

pub async fn forget_draft(till: Till) {
    till.attempt.set_value(None);
    if let Some(device) = till.device()
        && let Err(error) = device.save_draft(None).await
    {
        leptos::logging::warn!("the finished sale is still kept: {error}");
    }
}
