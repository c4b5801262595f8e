//! Receipts by e-mail: asking, passing on, and the words for what became of them.

use super::till::Till;
use crate::messages::Messages;
use holdfast_core::limits::EMAIL_CHARS_MAX;
use holdfast_web::device::Device;
use leptos::prelude::*;
use leptos::task::spawn_local;

/// Keeps a request and tries to pass it on.
pub fn ask(till: Till, payment_id: String, email: String) {
    let Some(device) = till.device() else { return };
    spawn_local(async move {
        let words = till.lang.get_untracked().messages();
        if device.ask_receipt(&payment_id, &email).await.is_err() {
            return till.notify(words.receipt_not_kept);
        }
        show(till, &device).await;
        sync(till, &device).await;
    });
}

/// Passes on what waits, and shows what became of it.
pub async fn sync(till: Till, device: &Device) {
    if let Err(error) = device.send_receipts().await {
        leptos::logging::log!("receipts wait: {error}");
    }
    show(till, device).await;
}

async fn show(till: Till, device: &Device) {
    if let Ok(asks) = device.receipt_asks().await
        && till.receipt_asks.with_untracked(|old| *old != asks)
    {
        till.receipt_asks.set(asks);
    }
}

/// Whether it could be one. The server judges it by the book.
pub fn is_address(text: &str) -> bool {
    let is_whole = text.len() <= EMAIL_CHARS_MAX && !text.chars().any(char::is_whitespace);
    is_whole
        && text
            .split_once('@')
            .is_some_and(|(name, host)| !name.is_empty() && host.contains('.') && !host.contains('@'))
}

pub fn state_words(state: &str, t: &'static Messages) -> &'static str {
    match state {
        "waiting" => t.mail_waiting,
        "queued" => t.mail_queued,
        "sent" => t.mail_sent,
        "bounced" => t.mail_bounced,
        "mail-not-set-up" => t.mail_not_set_up,
        _ => t.mail_refused,
    }
}
