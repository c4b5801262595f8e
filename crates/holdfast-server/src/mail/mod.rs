//! Receipts by e-mail: asked for over the interface, kept in the books, sent from the outbox.
//!
//! Sending is at least once: a server that is killed after the mail server took a letter and before its own commit sends the letter
//! again, with the same Message-ID. Nothing of it ever holds up a payment.

mod bounce;
mod letter;
pub mod notice;
mod post;
mod scan;
mod sender;
mod settings;
mod template;

pub use bounce::{ReturnPaths, Said};
pub use post::Post;
pub use sender::{Mails, run};
pub use settings::{MailArgs, MailSettings, MailSettingsError, Smtp};
pub use template::{Rendered, TemplateError, Templates};

#[cfg(test)]
mod tests;
