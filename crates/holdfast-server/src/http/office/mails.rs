//! What became of a payment's receipts by e-mail: also of one that came back. Of no address anything is known any more.

use super::format::time;
use crate::store::books::Mail;
use maud::{Markup, html};

/// The letters, the oldest first.
pub fn letters(mails: &[Mail], zone: &str) -> Markup {
    html! {
        @if !mails.is_empty() {
            section.office-card {
                h2 { "Receipts by e-mail" }
                dl.office-facts {
                    @for mail in mails { dt { (time(mail.asked_ms, zone)) } dd { (words(mail)) } }
                }
            }
        }
    }
}

fn words(mail: &Mail) -> String {
    let with = |words: &str| match &mail.code {
        Some(code) => format!("{words} ({code})"),
        None => words.to_owned(),
    };
    match mail.state.as_str() {
        "queued" => "On its way".to_owned(),
        "sent" => "Sent".to_owned(),
        "refused" => with("Refused: the address does not take it"),
        "bounced" => with("Came back: nobody has this address"),
        _ => with("Given up: the mail server could not be reached"),
    }
}
