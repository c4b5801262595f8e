//! A letter as it goes over the wire.

use super::template::Rendered;
use crate::store::books::Mail;
use lettre::Message;
use lettre::address::{Address, Envelope};
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use std::time::{Duration, UNIX_EPOCH};

/// The letter cannot be written: the address or the sender is not one.
#[derive(Debug, thiserror::Error)]
#[error("the letter cannot be written: {0}")]
pub struct LetterError(#[from] lettre::error::Error);

/// Puts a letter together, with `back` as its return path if it has one of its own. Its Message-ID and date are the same in every attempt, so that mail programs can fold copies.
pub fn letter(
    mail: &Mail,
    from: &Mailbox,
    back: Option<Address>,
    shop: &str,
    to: Address,
    parts: Rendered,
) -> Result<Message, LetterError> {
    let name = if shop.is_empty() { from.name.clone() } else { Some(shop.to_owned()) };
    let asked = UNIX_EPOCH + Duration::from_millis(u64::try_from(mail.asked_ms).unwrap_or(0));
    let envelope = Envelope::new(Some(back.unwrap_or_else(|| from.email.clone())), vec![to.clone()])?;
    let mut message = Message::builder()
        .envelope(envelope)
        .from(Mailbox::new(name, from.email.clone()))
        .to(Mailbox::new(None, to))
        .subject(parts.subject)
        .date(asked)
        .message_id(Some(format!("<{}@{}>", mail.id, from.email.domain())))
        .multipart(MultiPart::alternative_plain_html(parts.text, parts.html))?;
    // Nobody's out-of-office is wanted (RFC 3834 section 5).
    let automatic = HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned());
    message.headers_mut().insert_raw(automatic);
    Ok(message)
}
