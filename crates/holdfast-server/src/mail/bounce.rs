//! Bounces: what the mail system says of a letter that a mail server had taken (RFC 3464, multipart/report).
//!
//! A letter goes out under a return path of its own, `bounces+<token>@shop.example`. The token is the letter's id, enciphered as the addresses of receipts
//! are, so nobody can say of a letter that it bounced but those who were handed it. What a bounce says in words is passed over: it names the address.

use holdfast_core::id::MailId;
use holdfast_crypto::SecretBytes;
use holdfast_crypto::receipt_link::{ReceiptLinkError, ReceiptLinkKey};
use lettre::Address;
use mail_parser::{Header, Message, MessageParser, MimeHeaders as _};

/// Hexadecimal digits of a token: mail systems may change the case of an address.
const TOKEN_DIGITS: usize = 32;
/// Where the address that a message was sent to may stand, besides what the mail system says to whom it hands it.
const TO: [&str; 5] = ["X-Original-To", "Delivered-To", "Envelope-To", "X-Envelope-To", "To"];

/// The return paths of letters.
#[derive(Debug)]
pub struct ReturnPaths(ReceiptLinkKey);

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// This letter did not arrive; the enhanced status code (RFC 3463), as `5.1.1`.
    Bounced { mail: MailId, code: String },
    /// It is no bounce of ours, or says of none that it failed for good.
    Nothing(&'static str),
}

impl ReturnPaths {
    /// Under a key that every replica of this server shares.
    ///
    /// # Errors
    /// When the key cannot be used.
    pub fn new(key: &SecretBytes) -> Result<Self, ReceiptLinkError> {
        Ok(Self(ReceiptLinkKey::derive_for_bounces(key)?))
    }

    /// The return path of a letter, under the address that bounces are sent to. `None` when the two do not fit together.
    pub fn of(&self, base: &Address, id: MailId) -> Option<Address> {
        let token = self.0.token(id.to_bytes()).ok()?;
        let digits: String = token.iter().map(|byte| format!("{byte:02x}")).collect();
        Address::new(format!("{}+{digits}", base.user()), base.domain()).ok()
    }

    /// The letter whose return path this is. There need not be one.
    fn mail_of(&self, address: &str) -> Option<MailId> {
        let (_, rest) = address.split_once('+')?;
        let (digits, _) = rest.split_once('@')?;
        if digits.len() != TOKEN_DIGITS || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let token = u128::from_str_radix(digits, 16).ok()?.to_be_bytes();
        MailId::from_bytes(self.0.id(token).ok()?)
    }

    /// Reads a message as it was delivered, to `recipient` if the mail system said so.
    pub fn read(&self, message: &[u8], recipient: Option<&str>) -> Said {
        let Some(parsed) = MessageParser::default().parse(message) else { return Said::Nothing("it is no message") };
        let named = recipient.map(str::to_owned).into_iter().chain(addressees(&parsed));
        let Some(mail) = named.into_iter().find_map(|address| self.mail_of(&address)) else {
            return Said::Nothing("it is not addressed to the return path of a letter of ours");
        };
        match failed(&parsed) {
            Ok(code) => Said::Bounced { mail, code },
            Err(why) => Said::Nothing(why),
        }
    }
}

fn addressees<'a>(message: &'a Message<'_>) -> impl Iterator<Item = String> + 'a {
    let raw = |name: &str| message.header_raw(name).map(str::to_owned);
    TO.into_iter().filter_map(raw).flat_map(|text| {
        let split = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '<' | '>' | '"');
        text.split(split).filter(|word| word.contains('@')).map(str::to_owned).collect::<Vec<_>>()
    })
}

/// The status of the recipient that failed: a letter of ours has one.
fn failed(message: &Message<'_>) -> Result<String, &'static str> {
    let is_report = message.content_type().is_some_and(|kind| {
        kind.ctype().eq_ignore_ascii_case("multipart")
            && kind.subtype().is_some_and(|subtype| subtype.eq_ignore_ascii_case("report"))
            && kind.attribute("report-type").is_none_or(|of| of.eq_ignore_ascii_case("delivery-status"))
    });
    if !is_report {
        return Err("it is no report of a delivery");
    }
    let status = message.parts.iter().find(|part| {
        part.content_type().is_some_and(|kind| {
            let subtype = kind.subtype().unwrap_or_default();
            kind.ctype().eq_ignore_ascii_case("message")
                && (subtype.eq_ignore_ascii_case("delivery-status")
                    || subtype.eq_ignore_ascii_case("global-delivery-status"))
        })
    });
    let Some(status) = status else { return Err("it has no part that tells of a delivery") };
    // Groups of fields with an empty line between them: the message's, then one for each recipient (RFC 3464 section 2.1).
    let text = String::from_utf8_lossy(status.contents()).replace("\r\n", "\n");
    for group in text.split("\n\n").filter(|group| !group.trim().is_empty()) {
        let group = format!("{}\n\n", group.trim());
        let Some(fields) = MessageParser::default().parse_headers(group.as_bytes()) else { continue };
        let field = |name: &str| value(&fields, name);
        if field("Action").is_some_and(|action| action.eq_ignore_ascii_case("failed")) {
            return Ok(field("Status").and_then(|status| code(&status)).unwrap_or_else(|| "5.0.0".to_owned()));
        }
    }
    Err("it does not say that a delivery failed for good")
}

fn value(fields: &Message<'_>, name: &str) -> Option<String> {
    let found = fields.headers().iter().find(|header: &&Header<'_>| header.name().eq_ignore_ascii_case(name))?;
    fields.header_raw(found.name()).map(|text| text.trim().to_owned())
}

/// `5.1.1 (bad destination mailbox)` is `5.1.1`; anything else is no code, and its words stay outside.
fn code(status: &str) -> Option<String> {
    let first = status.split_whitespace().next()?;
    let parts: Vec<&str> = first.split('.').collect();
    let is_number = |text: &&str| (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_code = parts.len() == 3 && matches!(parts[0], "4" | "5") && parts.iter().all(is_number);
    is_code.then(|| first.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const POSTFIX: &str = include_str!("../../mail/dsn/postfix.eml");
    const EXIM: &str = include_str!("../../mail/dsn/exim.eml");
    const DELAYED: &str = include_str!("../../mail/dsn/postfix-delayed.eml");

    fn paths() -> ReturnPaths {
        ReturnPaths::new(&SecretBytes::from(&[7; 32][..])).expect("a key")
    }

    fn id() -> MailId {
        "7d1f1c9e-3b0a-4d1e-9b57-0c6a3d8f1a01".parse().expect("an id")
    }

    fn path() -> String {
        paths().of(&"bounces@shop.example".parse().expect("an address"), id()).expect("a path").to_string()
    }

    fn to(dsn: &str, address: &str) -> Vec<u8> {
        dsn.replace("RETURN-PATH", address).replace('\n', "\r\n").into_bytes()
    }

    #[test]
    fn what_mail_servers_write_is_read() {
        for (name, dsn, code) in [("Postfix", POSTFIX, "5.1.1"), ("Exim", EXIM, "5.0.0")] {
            let said = Said::Bounced { mail: id(), code: code.to_owned() };
            assert_eq!(paths().read(&to(dsn, &path()), None), said, "{name}");
            assert_eq!(paths().read(dsn.replace("RETURN-PATH", &path()).as_bytes(), None), said, "{name}, bare lines");
            // Where only the mail system knows to whom it was sent, in whatever case.
            let elsewhere = to(dsn, "postmaster@shop.example");
            assert_eq!(paths().read(&elsewhere, Some(&path().to_uppercase())), said, "{name}");
        }
        assert!(matches!(paths().read(&to(DELAYED, &path()), None), Said::Nothing(_)), "it is tried again");
    }

    #[test]
    fn what_is_no_bounce_of_ours_says_nothing() {
        let other = ReturnPaths::new(&SecretBytes::from(&[8; 32][..])).expect("a key");
        let foreign = other.of(&"bounces@shop.example".parse().expect("an address"), id()).expect("a path").to_string();
        let plain = format!("To: {}\r\nSubject: out of office\r\n\r\nI am away.\r\n", path());
        let mut digits = path();
        digits.replace_range(8..9, "g");
        for (name, message) in [
            ("another key's", to(POSTFIX, &foreign)),
            ("a guess", to(POSTFIX, "bounces+00000000000000000000000000000000@shop.example")),
            ("no token", to(POSTFIX, "bounces@shop.example")),
            ("no digits", to(POSTFIX, &digits)),
            ("an answer", plain.into_bytes()),
            ("nothing", Vec::new()),
            ("noise", vec![0, 159, 146, 150]),
        ] {
            assert!(matches!(paths().read(&message, None), Said::Nothing(_)), "{name}");
        }
    }

    #[test]
    fn a_code_is_a_code_and_no_words() {
        for (status, wanted) in [
            ("5.1.1", Some("5.1.1")),
            ("4.4.7 (expired)", Some("4.4.7")),
            ("2.0.0", None),
            ("ada@customer.example", None),
            ("5.1", None),
            ("5.1.1234", None),
            ("", None),
        ] {
            assert_eq!(code(status).as_deref(), wanted, "{status}");
        }
    }
}
