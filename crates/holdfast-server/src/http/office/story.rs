//! What happened to a payment, step by step, and who did it.

use super::format::{money, state, step, time};
use crate::desk::{StoryLine, What};
use maud::{Markup, html};

/// The steps, oldest first. Only the last one has the colour of where the payment stands; what was refused stays red.
pub fn told(story: &[StoryLine], currency: &str, zone: &str) -> Markup {
    html! {
        @for (at, line) in story.iter().enumerate() {
            @let (words, reason, colour) = words_of(line, currency, at + 1 == story.len());
            li data-colour=(colour) {
                strong { (words) }
                (time(line.at_ms, zone))
                @if reason.is_some() || line.who.is_some() {
                    span.note { (reason.unwrap_or_default()) @if let Some(who) = &line.who { " · " (who) } }
                }
            }
        }
    }
}

fn words_of(line: &StoryLine, currency: &str, is_last: bool) -> (String, Option<String>, &'static str) {
    match &line.what {
        What::State { name, reason } => (step(name), reason.clone(), if is_last { state(name).1 } else { "plain" }),
        What::Asked { kind, amount_minor, reason } => {
            (asked_for(kind, *amount_minor, currency), Some(reason.clone()), "plain")
        }
        What::Refused { kind, amount_minor, reason } => {
            let words = format!("Not carried out: {}", asked_for(kind, *amount_minor, currency));
            (words, Some(reason.clone()), "red")
        }
        What::Settled => ("Settled in another way".to_owned(), None, "plain"),
        What::ChargedBack { amount_minor, reason } => {
            (format!("Taken back by the bank: {}", money(*amount_minor, currency)), Some(reason.clone()), "red")
        }
    }
}

fn asked_for(kind: &str, amount_minor: i64, currency: &str) -> String {
    match kind {
        "refund" => format!("Refund of {}", money(amount_minor, currency)),
        "void" => "Void".to_owned(),
        _ => "Another try".to_owned(),
    }
}
