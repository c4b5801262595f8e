//! The lifecycle as a document, made by asking the state machine itself: every state is offered every event.

use super::{Decline, Event, NextStep, PaymentState, Refund, Refunds, Retry};
use std::fmt::Write as _;

/// The document, in Markdown.
pub fn markdown() -> String {
    let mut text = String::from(
        "# A payment's life\n\nMade from `holdfast_core::payment` by its test, which fails when this page is not what the code says;\n\
         `HOLDFAST_WRITE_DOCS=1 cargo test -p holdfast-core --test lifecycle` writes it anew.\n\n\
         On the device a payment is `stored` until the server has acknowledged it. The states here are the server's. One that was voided on its\n\
         device before it was uploaded is `voided` from its first moment, and the acquirer never hears of it.\n\n\
         ## States\n\n| state | what it means | what comes next by itself |\n|---|---|---|\n",
    );
    let states = states();
    for state in &states {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| `{}` | {} | {} |", state.name(), state.about(), next(state.next_step()));
    }
    text += "\n## Moves\n\nEvery move that is not here is refused, and the payment stays as it was.\n\n| from | what happens | to |\n|---|---|---|\n";
    for state in &states {
        for event in events().into_iter().filter(|event| event.is_told_from(state)) {
            if let Ok(after) = state.clone().apply(event.clone(), 1) {
                let _ = writeln!(text, "| `{}` | {} | `{}` |", state.name(), event.about(), after.name());
            }
        }
    }
    text += "\n## Declines\n\nBy the response code of the acquirer (ISO 8583 field 39). A code that is not here is `ask the customer`.\n\n\
             | code | in words | try again |\n|---|---|---|\n";
    for code in CODES {
        let decline = Decline { code: (*code).to_owned() };
        let when = match decline.retry() {
            Retry::AfterHours(hours) => format!(" (at the earliest after {hours})"),
            Retry::AfterDays(days) => format!(" (at the earliest after {days})"),
            Retry::Never | Retry::AskCustomer => String::new(),
        };
        let _ = writeln!(text, "| {code} | {} | {}{when} |", decline.words(), decline.advice());
    }
    text += INSTRUCTIONS;
    text += RETRIES;
    text
}

const INSTRUCTIONS: &str = "
## Instructions

What a person asks for is an instruction: a refund, a void or a retry. It is kept, with who asked and when, before anything is done about it, and the jobs carry it
out. Its id is made by whoever asks, so that a repeated click is one instruction. There is one open instruction for a payment at a time, judged in the transaction
that keeps it; so refunds never add up to more than was captured, however many people click.

| progress | what it means |
|---|---|
| `asked` | kept; the acquirer knows nothing of it |
| `sent` | the intent is written: the acquirer is asked what became of it before anything is sent again |
| `done` | carried out; the payment has moved |
| `refused` | not carried out; the acquirer's code, or the state that the payment was found in, is kept. The payment is as it was |

A void of what was never authorised wipes the sealed card and asks nobody. A void of a payment whose answer is not known waits for that answer. One that comes too late is refused
as `captured`: then a refund pays back.
";

const RETRIES: &str = "
## Trying a declined card again

A new try needs the card. By default the server wipes the sealed card data as soon as the authorisation is answered, declined or not, because what is not there cannot be
lost; then a new try is the customer's, with the card in hand, and an instruction to retry is refused as `card-data-wiped`.

`holdfast serve --retry-declined` keeps the sealed data of a declined payment until its offline window is over (72 hours after it was taken, at most), and only of a payment that

- was taken offline: of a card that was declined in front of its customer the goods may never have left, or were paid in another way;
- holds no track, so was keyed: a swiped card's track must not be kept after authorisation, encrypted or not (PCI DSS 3.3);
- was declined with a code that does not say never.

Within that time the server itself tries again what only time can change (`later` in the table above), at the earliest when the table says, and at most five times; for the rest the shop may
ask for a try after it has spoken with the customer. Then the data are wiped, whatever came of it. A card key lives for as long as an envelope needs it.
";

const CODES: &[&str] = &[
    "01", "02", "04", "05", "07", "12", "14", "15", "19", "41", "43", "46", "51", "54", "55", "57", "59", "61", "62",
    "65", "75", "78", "91", "92", "93", "96", "R0", "R1", "R3",
];

fn next(step: NextStep) -> &'static str {
    match step {
        NextStep::Authorise => "the envelope is opened, the intent written, the acquirer asked",
        NextStep::InquireAuthorisation => "the acquirer is asked what became of it, or takes it back",
        NextStep::Capture => "the intent to capture is written, then it is captured",
        NextStep::InquireCapture => "the acquirer is asked what became of it, or told again",
        NextStep::Nothing => "nothing",
    }
}

/// One of each.
fn states() -> Vec<PaymentState> {
    let approval_code = || "A1".to_owned();
    let refunds = |amount_minor| refund(amount_minor).and_then(|refund| Refunds::first(3, refund));
    let refunded = [
        refunds(1).map(|refunds| PaymentState::PartlyRefunded { approval_code: approval_code(), refunds }),
        refunds(3).map(|refunds| PaymentState::Refunded { approval_code: approval_code(), refunds }),
    ];
    let mut states = vec![
        PaymentState::Received,
        PaymentState::Authorising,
        PaymentState::Authorised { approval_code: approval_code() },
        PaymentState::Capturing { approval_code: approval_code() },
        PaymentState::Captured { approval_code: approval_code(), at_ms: 0 },
    ];
    states.extend(refunded.into_iter().flatten());
    states.extend("x".parse().ok().map(|reason| PaymentState::Voided {
        approval_code: approval_code(),
        reason,
        at_ms: 0,
    }));
    states.extend([
        PaymentState::Declined { decline: Decline { code: "51".to_owned() }, at_ms: 0 },
        PaymentState::Expired { at_ms: 0 },
        PaymentState::Quarantined { reason: "x".to_owned() },
    ]);
    states
}

fn refund(amount_minor: i64) -> Option<Refund> {
    Some(Refund { amount_minor, reason: "x".parse().ok()?, at_ms: 0 })
}

fn events() -> Vec<Event> {
    let mut events = vec![
        Event::AuthoriseIntended,
        Event::NotAtAcquirer,
        Event::Approved { approval_code: "A1".to_owned() },
        Event::Declined(Decline { code: "51".to_owned() }),
        Event::CaptureIntended,
        Event::Captured,
        Event::WindowOver,
        Event::Unprocessable { reason: "x".to_owned() },
        Event::RetryIntended,
    ];
    if let Ok(reason) = "x".parse::<super::GiveBackReason>() {
        events.push(Event::Voided { reason: reason.clone() });
        // Of three, one is a part, and three or the two that are left are everything.
        events.extend([1, 2, 3].map(|amount_minor| Event::Refunded {
            amount_minor,
            captured_minor: 3,
            reason: reason.clone(),
        }));
    }
    events
}

impl PaymentState {
    fn about(&self) -> &'static str {
        match self {
            Self::Received => "durably with the server; the acquirer knows nothing of it",
            Self::Authorising => "the intent is written: from here on the acquirer may have carried it out",
            Self::Authorised { .. } => "approved; the customer's money is held",
            Self::Capturing { .. } => "the intent to capture is written",
            Self::Captured { .. } => "the money is taken",
            Self::PartlyRefunded { .. } => "a part was paid back; amounts, reasons and times are kept",
            Self::Refunded { .. } => "everything was paid back",
            Self::Voided { .. } => "given back before it was captured; reason and time are kept",
            Self::Declined { .. } => "the bank declined it; the code is kept",
            Self::Expired { .. } => "it reached the server after its window and was never sent",
            Self::Quarantined { .. } => "it cannot be processed and waits for the owner; the reason is kept",
        }
    }
}

impl Event {
    /// Two of three are all that is left only after the first.
    fn is_told_from(&self, state: &PaymentState) -> bool {
        let is_captured = matches!(state, PaymentState::Captured { .. });
        !(is_captured && matches!(self, Self::Refunded { amount_minor: 2, .. }))
    }

    fn about(&self) -> &'static str {
        match self {
            Self::AuthoriseIntended => "the intent to authorise is written",
            Self::NotAtAcquirer => "the acquirer never heard of it, or has taken it back",
            Self::Approved { .. } => "approved",
            Self::Declined(_) => "declined",
            Self::CaptureIntended => "the intent to capture is written",
            Self::Captured => "captured",
            Self::WindowOver => "its window is over",
            Self::Unprocessable { .. } => "it cannot be opened or does not fit its record",
            Self::RetryIntended => "it is to be tried again",
            Self::Voided { .. } => "given back before capture",
            Self::Refunded { amount_minor: 1, .. } => "a part is paid back",
            Self::Refunded { .. } => "all that is left is paid back",
        }
    }
}
