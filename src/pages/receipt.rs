//! The receipt: a slip on the screen, and the same slip on a printer. A stored payment says that it is not charged yet.

use crate::browser::{intl::TimeStyle, page};
use crate::components::icon::{BACK, PRINTER, icon};
use crate::components::qr::qr;
use crate::components::receipt_mail::receipt_mail;
use crate::messages::{fill, isolated};
use crate::state::payment::{Payment, PaymentStage, Receipt};
use crate::state::till::Till;
use crate::state::words::card_words;
use holdfast_core::card::Entry;
use holdfast_core::staff::first_name;
use leptos::html::{a, article, bdi, button, div, h1, hr, main, p, span, strong};
use leptos::prelude::*;

pub fn receipt(till: Till, receipt: Receipt) -> AnyView {
    let by_mail = receipt_mail(till, receipt.payment.id.clone(), "receipt-email");
    let back = button()
        .r#type("button")
        .class("button quiet")
        .on(leptos::ev::click, move |_| till.back())
        .child((icon(BACK), span().child(move || till.t().back)));
    let print = button()
        .r#type("button")
        .class("button tall")
        .on(leptos::ev::click, |_| page::print())
        .child((icon(PRINTER), span().child(move || till.t().print)));
    let new_sale = button()
        .r#type("button")
        .class("button primary tall")
        .on(leptos::ev::click, move |_| till.new_sale())
        .child(move || till.t().new_sale);
    main()
        .class("receipt-page")
        .attr("data-testid", "receipt")
        .attr("data-state", receipt.payment.state.name())
        .aria_label(move || till.t().receipt)
        .child((
            div().class("bar").child(back),
            div()
                .class("receipt-scroll")
                .tabindex("0")
                .role("region")
                .aria_label(move || till.t().receipt)
                .child((slip(till, receipt), by_mail)),
            div().class("receipt-actions").child((print, new_sale)),
        ))
        .into_any()
}

fn slip(till: Till, receipt: Receipt) -> AnyView {
    let payment = StoredValue::new(receipt.payment);
    let text = move |say: fn(Till, &Payment) -> String| move || payment.with_value(|p| say(till, p));
    let lines = payment.with_value(|p| p.lines.clone()).into_iter().map(|line| {
        let (unit, total, quantity) = (line.unit, line.total, line.quantity);
        let many = (quantity > 1).then(|| {
            div()
                .class("slip-small num")
                .child(move || format!("{} × {}", till.count(usize::try_from(quantity).unwrap_or(0)), till.money(unit)))
        });
        row(div().child((bdi().child(line.name), many)), span().class("num").child(move || till.money(total)))
    });
    let tip = payment
        .with_value(|p| p.tip.is_positive())
        .then(|| row(span().child(move || till.t().tip), span().class("num").child(text(|till, p| till.money(p.tip)))));
    let served = receipt.says_seller.then(|| {
        p().class("slip-small").child(text(|till, p| match till.seller_of(p) {
            Some(name) => fill(till.t().served_by, &[("name", &isolated(first_name(&name)))]),
            None => String::new(),
        }))
    });
    let paper = article().class("slip").child((
        h1().child(receipt.shop),
        p().class("slip-meta").child((
            text(|till, p| fill(till.t().receipt_number, &[("number", &isolated(&p.number))])),
            leptos::html::br(),
            text(|till, p| till.time(p.taken_ms, TimeStyle::Full)),
        )),
        hr(),
        lines.collect_view(),
        tip,
        hr(),
        div().class("slip-row slip-total").child((
            span().child(move || till.t().total),
            span().class("num").child(text(|till, p| till.money(p.amount))),
        )),
        row(
            span().class("slip-small").child(move || till.t().tax_included),
            span().class("slip-small num").child(text(|till, p| till.money(p.tax))),
        ),
        stamp(till, payment),
        p().class("slip-small").child(text(|till, p| {
            let t = till.t();
            format!("{}, {}", card_words(&p.card, t), if p.card.entry == Entry::Swipe { t.swiped } else { t.keyed })
        })),
        p().class("slip-small").child(text(|till, p| match &p.approval_code {
            Some(code) => fill(till.t().approval, &[("code", code)]),
            None => String::new(),
        })),
        served,
        payment.with_value(|p| p.live.clone()).and_then(|path| live(till, &path)),
        p().class("slip-foot").child(bdi().child(receipt.footer)),
    ));
    div().class("slip-lift").child(paper).into_any()
}

/// Where the customer can see what becomes of the payment: to be scanned from the screen, or from paper.
fn live(till: Till, path: &str) -> Option<AnyView> {
    let address = page::address_of(path);
    let code = qr(&address, move || till.t().live_receipt)?;
    let link = a()
        .class("slip-live-link")
        .href(address)
        .target("_blank")
        .rel("noopener noreferrer")
        .child(move || till.t().live_receipt);
    let say = p().class("slip-small").child(move || till.t().live_receipt_say);
    Some(div().class("slip-live").child((code, div().child((link, say)))).into_any())
}

fn row(name: impl IntoView + 'static, value: impl IntoView + 'static) -> AnyView {
    div().class("slip-row").child((name.into_any(), value.into_any())).into_any()
}

/// What the customer must know about the money.
fn stamp(till: Till, payment: StoredValue<Payment>) -> AnyView {
    let kind = payment.with_value(|p| match &p.state {
        PaymentStage::Stored { .. } => "stored",
        PaymentStage::Declined { .. } => "declined",
        PaymentStage::PartlyRefunded => "partly-refunded",
        PaymentStage::Refunded => "refunded",
        PaymentStage::Voided => "voided",
        PaymentStage::Expired | PaymentStage::Quarantined { .. } => "not-charged",
        _ => "paid",
    });
    let (head, say) = (
        move || {
            let t = till.t();
            match kind {
                "stored" => t.receipt_stored,
                "declined" => t.receipt_declined,
                "partly-refunded" => t.state_part_refunded,
                "refunded" => t.state_refunded,
                "voided" => t.state_voided,
                "not-charged" => t.receipt_not_charged,
                _ => t.receipt_paid,
            }
        },
        move || {
            payment.with_value(|p| match p.state {
                PaymentStage::Stored { by_ms } => {
                    fill(till.t().receipt_stored_say, &[("time", &till.time(by_ms, TimeStyle::Full))])
                }
                PaymentStage::PartlyRefunded | PaymentStage::Refunded => till.money(p.refunded),
                _ => till.money(p.amount),
            })
        },
    );
    div().class("slip-stamp").attr("data-state", kind).child((strong().child(head), span().child(say))).into_any()
}
