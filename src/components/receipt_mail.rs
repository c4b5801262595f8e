//! The receipt by e-mail: an address, a button, and what became of it. It works without a network: then the request waits here.

use crate::state::receipts;
use crate::state::till::Till;
use leptos::html::{button, div, form, input, label, p};
use leptos::prelude::*;

/// `field_id`: a receipt may lie over the history, which has this form as well.
pub fn receipt_mail(till: Till, payment_id: String, field_id: &'static str) -> AnyView {
    let email = RwSignal::new(String::new());
    let id = StoredValue::new(payment_id);
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let wanted = email.get_untracked().trim().to_owned();
        if receipts::is_address(&wanted) {
            email.set(String::new());
            receipts::ask(till, id.get_value(), wanted);
        }
    };
    // The newest request of this payment.
    let state = Memo::new(move |_| {
        let asks = till.receipt_asks.get();
        let mine = asks.into_iter().filter(|ask| id.with_value(|id| *id == ask.payment_id));
        mine.max_by_key(|ask| ask.asked_ms).map(|ask| ask.state)
    });
    let told = move || state.get().map(|state| receipts::state_words(&state, till.t())).unwrap_or_default();
    let field = input()
        .id(field_id)
        .class("input")
        .r#type("email")
        .autocomplete("off")
        .spellcheck("false")
        .attr("autocapitalize", "off")
        .attr("inputmode", "email")
        .prop("value", move || email.get())
        .on(leptos::ev::input, move |event| email.set(event_target_value(&event)));
    let send = button()
        .r#type("submit")
        .class("button")
        .disabled(move || !email.with(|email| receipts::is_address(email.trim())))
        .child(move || till.t().send_receipt);
    form()
        .class("receipt-mail")
        .attr("novalidate", "")
        .on(leptos::ev::submit, submit)
        .child((
            label().r#for(field_id).child(move || till.t().customer_email),
            div().class("receipt-mail-row").child((field, send)),
            p().class("receipt-mail-state")
                .role("status")
                .attr("data-state", move || state.get().unwrap_or_default())
                .child(told),
        ))
        .into_any()
}
