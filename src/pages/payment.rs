//! One payment in full: state in words, lines, what happened when, and the details for whoever asks.

use crate::browser::{intl::TimeStyle, page};
use crate::components::icon::{BACK, icon, mark};
use crate::components::receipt_mail::receipt_mail;
use crate::components::ways::ways;
use crate::messages::fill;
use crate::pages::history::state_mark;
use crate::state::instruct::{self, Talk};
use crate::state::payment::{Payment, PaymentStage, Tone, is_voided_before_upload};
use crate::state::till::Till;
use crate::state::view_model::{Overlay, Route};
use crate::state::words::{card_words, quarantine_words, standing_word};
use holdfast_core::money::Amount;
use holdfast_core::payment::instruction::InstructionKind;
use holdfast_wire::stored::MISSING;
use leptos::html::{a, button, dd, div, dl, dt, h2, h3, li, ol, p, span};
use leptos::prelude::*;

/// The payment that is open, kept fresh, or a word that none is.
pub fn detail(till: Till, open: Memo<Option<String>>) -> impl IntoView {
    let payment = Memo::new(move |_| {
        let id = open.get()?;
        till.payments.with(|all| all.iter().find(|p| p.id == id).cloned())
    });
    Effect::new(move |_| {
        if let Some(id) = open.get() {
            instruct::look(till, id);
        }
    });
    let talk = Talk::new();
    move || match payment.get() {
        Some(payment) => whole(till, payment, talk),
        None => div().class("detail-none").child((mark(), p().child(move || till.t().history_pick))).into_any(),
    }
}

fn whole(till: Till, payment: Payment, talk: Talk) -> AnyView {
    let tone = payment.state.tone();
    let shown = StoredValue::new(payment.clone());
    let text = move |say: fn(Till, &Payment) -> String| move || shown.with_value(|p| say(till, p));
    let back = button()
        .r#type("button")
        .class("button quiet back-to-list")
        .on(leptos::ev::click, move |_| till.back())
        .child((icon(BACK), span().child(move || till.t().back)));
    let word = h2()
        .class("detail-state")
        .child((state_mark(tone), span().child(text(|till, p| standing_word(till, p).to_owned()))));
    let receipt = button()
        .r#type("button")
        .class("button")
        .on(leptos::ev::click, move |_| {
            if let Some(receipt) = till.receipt_of(shown.get_value()) {
                till.overlay.set(Overlay::Receipt(receipt));
            }
        })
        .child(move || till.t().receipt);
    let live = payment.live.as_deref().map(page::address_of).map(|address| {
        a().class("button")
            .href(address)
            .target("_blank")
            .rel("noopener noreferrer")
            .child(move || till.t().live_receipt)
    });
    div()
        .attr("data-payment", payment.id.clone())
        .attr("data-state", payment.state.name())
        .child((
            back,
            div().class("detail-head").child((
                div().class("detail-top").child((word, div().class("detail-ways").child((live, receipt)))),
                div().class("detail-amount num").child(text(|till, p| till.money(p.amount))),
                p().class("detail-say").child(text(say)),
            )),
            others(till, &payment),
            // What was paid again asks nothing of anybody any more.
            payment.replaced_by.is_none().then(|| ways(till, &payment, talk)),
            receipt_mail(till, payment.id.clone(), "payment-email"),
            lines(till, &payment),
            h3().child(move || till.t().timeline),
            timeline(till, &payment),
            h3().child(move || till.t().details),
            facts(till, shown),
        ))
        .into_any()
}

/// The ways to the other payments of the same sale, where its customer paid again on the live receipt.
fn others(till: Till, payment: &Payment) -> Option<AnyView> {
    let way = move |word: fn(Till) -> &'static str, id: Option<String>| {
        id.map(|id| {
            button()
                .r#type("button")
                .class("button")
                .on(leptos::ev::click, move |_| till.go(Route::History(Some(id.clone()))))
                .child(move || word(till))
        })
    };
    let (next, before) = (payment.replaced_by.clone(), payment.replaces.clone());
    (next.is_some() || before.is_some()).then(|| {
        div()
            .class("detail-others")
            .child((way(|till| till.t().paid_again, next), way(|till| till.t().paid_before, before)))
            .into_any()
    })
}

fn say(till: Till, payment: &Payment) -> String {
    let t = till.t();
    match &payment.state {
        PaymentStage::Stored { by_ms } => fill(t.say_stored, &[("time", &till.time(*by_ms, TimeStyle::WeekdayTime))]),
        PaymentStage::Received => t.say_received.to_owned(),
        PaymentStage::Declined { code } => fill(t.declined_say, &[("reason", t.decline_reason(code))]),
        PaymentStage::Expired => t.say_expired.to_owned(),
        PaymentStage::Quarantined { reason } if reason == MISSING => t.say_missing.to_owned(),
        PaymentStage::Quarantined { reason } => fill(t.say_quarantined, &[("reason", quarantine_words(reason, t))]),
        PaymentStage::PartlyRefunded | PaymentStage::Refunded => {
            fill(t.say_refunded, &[("amount", &till.money_within(payment.refunded))])
        }
        PaymentStage::Voided if payment.received_ms.is_none() => t.say_voided_here.to_owned(),
        PaymentStage::Voided => t.say_voided.to_owned(),
        PaymentStage::Authorising | PaymentStage::Authorised | PaymentStage::Capturing | PaymentStage::Captured => {
            String::new()
        }
    }
}

fn lines(till: Till, payment: &Payment) -> Option<AnyView> {
    if payment.lines.is_empty() {
        return None;
    }
    let rows = payment.lines.iter().cloned().map(|line| {
        let name = if line.quantity > 1 { format!("{} ×{}", line.name, line.quantity) } else { line.name };
        li().class("detail-row").child((span().child(name), span().class("num").child(move || till.money(line.total))))
    });
    Some((h3().child(move || till.t().lines), leptos::html::ul().child(rows.collect_view())).into_any())
}

/// What is known to have happened, what is under way, and else the next thing that will.
fn timeline(till: Till, payment: &Payment) -> AnyView {
    if is_voided_before_upload(payment) {
        return never_sent(till, payment);
    }
    let (id, shown) = (payment.id.clone(), payment.clone());
    let under_way = Memo::new(move |_| till.under_way.with(|all| all.get(&id).copied()));
    let is_over = matches!(shown.state.tone(), Tone::Paid | Tone::Trouble | Tone::Void);
    let steps = move || {
        let end = end_of(&shown.state);
        let end_tone = if is_over { end.0 } else { Tone::Plain };
        let last = step(till, end_tone, end.1, shown.changed_ms.filter(|_| is_over));
        // A void that is under way comes instead of the charge.
        let last = (is_over || under_way.get() != Some(InstructionKind::Void)).then_some(last);
        let begun = under_way.get().map(|kind| step(till, Tone::Plain, begun_word(kind), None));
        (last, begun)
    };
    let taken_tone = if payment.offline { Tone::Waiting } else { Tone::Plain };
    ol().class("timeline")
        .child((
            step(till, taken_tone, taken_word(payment), Some(payment.taken_ms)),
            step(till, Tone::Plain, |till| till.t().step_received, payment.received_ms),
            steps,
        ))
        .into_any()
}

/// It was voided first, and went up as that.
fn never_sent(till: Till, payment: &Payment) -> AnyView {
    // When it was is known here only; the server knows when it heard of it.
    let voided_ms = payment.changed_ms.filter(|_| payment.received_ms.is_none());
    ol().class("timeline")
        .child((
            step(till, Tone::Waiting, taken_word(payment), Some(payment.taken_ms)),
            done(till, Tone::Void, |till| till.t().step_voided_here, voided_ms),
            step(till, Tone::Plain, |till| till.t().step_received, payment.received_ms),
        ))
        .into_any()
}

fn taken_word(payment: &Payment) -> Word {
    if payment.offline { |till| till.t().step_taken_offline } else { |till| till.t().step_taken_online }
}

type Word = fn(Till) -> &'static str;

fn step(till: Till, tone: Tone, word: Word, at_ms: Option<i64>) -> AnyView {
    line_of(till, tone, word, at_ms, at_ms.is_some())
}

/// It happened, also where nobody knows when.
fn done(till: Till, tone: Tone, word: Word, at_ms: Option<i64>) -> AnyView {
    line_of(till, tone, word, at_ms, true)
}

fn line_of(till: Till, tone: Tone, word: Word, at_ms: Option<i64>, is_done: bool) -> AnyView {
    let time = move || at_ms.map(|ms| till.time(ms, TimeStyle::DayTime)).unwrap_or_default();
    li().attr("data-tone", tone.name())
        .attr("data-done", is_done.to_string())
        .child((span().child(move || word(till)), span().class("timeline-time num").child(time)))
        .into_any()
}

fn end_of(state: &PaymentStage) -> (Tone, Word) {
    match state {
        PaymentStage::Declined { .. } => (Tone::Trouble, |till| till.t().state_declined),
        PaymentStage::PartlyRefunded => (Tone::Paid, |till| till.t().state_part_refunded),
        PaymentStage::Refunded => (Tone::Paid, |till| till.t().state_refunded),
        PaymentStage::Voided => (Tone::Void, |till| till.t().state_voided),
        PaymentStage::Expired => (Tone::Trouble, |till| till.t().state_expired),
        PaymentStage::Quarantined { .. } => (Tone::Trouble, |till| till.t().state_quarantined),
        _ => (Tone::Paid, |till| till.t().step_charged),
    }
}

fn begun_word(kind: InstructionKind) -> Word {
    match kind {
        InstructionKind::Refund => |till| till.t().step_refunding,
        InstructionKind::Void => |till| till.t().step_voiding,
        InstructionKind::Retry => |till| till.t().step_retrying,
    }
}

fn facts(till: Till, payment: StoredValue<Payment>) -> AnyView {
    let row = move |name: fn(Till) -> &'static str, value: fn(Till, &Payment) -> String| {
        let value = move || payment.with_value(|p| value(till, p));
        move || {
            let value = value();
            (!value.is_empty()).then(|| div().class("detail-row").child((dt().child(name(till)), dd().child(value))))
        }
    };
    dl().child((
        row(|till| till.t().number, |_, p| p.number.clone()),
        row(|till| till.t().card, |till, p| card_words(&p.card, till.t())),
        row(|till| till.t().tax_included, |till, p| till.money(p.tax)),
        row(|till| till.t().tip, |till, p| if p.tip.is_positive() { till.money(p.tip) } else { String::new() }),
        row(|till| till.t().sold_by, |till, p| till.seller_of(p).unwrap_or_default()),
        row(|till| till.t().device, |_, p| p.device.clone()),
        row(
            |till| till.t().code,
            |_, p| match &p.state {
                PaymentStage::Declined { code } => code.clone(),
                _ => p.approval_code.clone().unwrap_or_default(),
            },
        ),
        row(
            |till| till.t().taken_back,
            |till, p| {
                let part = |(amount, code, at_ms): &(Amount, String, i64)| {
                    let when = till.time(*at_ms, TimeStyle::DayTime);
                    let code = if code.is_empty() { String::new() } else { format!(" ({code})") };
                    format!("{}{code}, {when}", till.money_within(*amount))
                };
                p.taken_back.iter().map(part).collect::<Vec<_>>().join("; ")
            },
        ),
        row(|till| till.t().payment_id, |_, p| p.id.clone()),
    ))
    .into_any()
}
