//! The protected header, which is also the additional authenticated data: which key, and which payment.

use serde::{Deserialize, Serialize};

/// The longest key id or identifier in a header, in bytes.
const ID_BYTES_MAX: usize = 64;

/// Where an envelope belongs: one payment of one till. Nothing of it is secret; all of it is authenticated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pos {
    /// Version of this object, 1.
    pub v: u32,
    /// Merchant id.
    pub mid: String,
    /// Device id.
    pub did: String,
    /// Payment id (UUIDv7).
    pub pid: String,
    /// Sequence number of the record on its device, from 1.
    pub seq: u64,
    /// Amount in minor units, above 0.
    pub amt: i64,
    /// ISO 4217 code.
    pub cur: String,
    /// Version of the key set that the card key came from.
    pub ksv: u64,
}

/// A [`Pos`] that no payment can have. The text names the member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the position of the payment is not valid: {0}")]
pub struct PosError(pub &'static str);

impl Pos {
    /// The version that this code writes and reads.
    pub const VERSION: u32 = 1;

    /// Checks every member. Sealing and opening both do it, so neither relies on the other.
    ///
    /// # Errors
    /// The first member that is out of its range.
    pub fn check(&self) -> Result<(), PosError> {
        let rules = [
            (self.v == Self::VERSION, "v"),
            (is_id(&self.mid), "mid"),
            (is_id(&self.did), "did"),
            (is_id(&self.pid), "pid"),
            (self.seq >= 1, "seq"),
            (self.amt >= 1, "amt"),
            (is_currency(&self.cur), "cur"),
        ];
        match rules.iter().find(|(holds, _)| !holds) {
            Some((_, member)) => Err(PosError(member)),
            None => Ok(()),
        }
    }
}

/// The protected header: exactly these members, or the envelope is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    alg: String,
    enc: String,
    kid: String,
    pos: Pos,
}

impl Header {
    const ALG: &'static str = "RSA-OAEP-256";
    const ENC: &'static str = "A256GCM";

    pub(super) fn new(kid: &str, pos: &Pos) -> Self {
        Self { alg: Self::ALG.to_owned(), enc: Self::ENC.to_owned(), kid: kid.to_owned(), pos: pos.clone() }
    }

    /// Id of the card key that the content key was encrypted for.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The payment that this envelope claims to belong to: authenticated once the envelope was opened, a claim before.
    pub fn pos(&self) -> &Pos {
        &self.pos
    }

    #[cfg(feature = "native")]
    pub(super) fn into_pos(self) -> Pos {
        self.pos
    }

    /// Whether the algorithms, the key id and the position are those that the protocol allows.
    #[cfg(feature = "native")]
    pub(super) fn is_allowed(&self) -> bool {
        self.alg == Self::ALG && self.enc == Self::ENC && is_id(&self.kid) && self.pos.check().is_ok()
    }
}

/// Ids are short and need no JSON escape, so the lengths of header and plaintext are bounded.
pub(super) fn is_id(text: &str) -> bool {
    (1..=ID_BYTES_MAX).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

fn is_currency(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Pos {
        Pos { v: 1, mid: "m".into(), did: "d".into(), pid: "p".into(), seq: 1, amt: 1, cur: "EUR".into(), ksv: 0 }
    }

    #[test]
    fn the_header_is_written_as_the_protocol_shows_it() {
        let json = serde_json::to_string(&Header::new("card-2026-11-23", &good())).unwrap();
        assert_eq!(
            json,
            r#"{"alg":"RSA-OAEP-256","enc":"A256GCM","kid":"card-2026-11-23","pos":{"v":1,"mid":"m","did":"d","pid":"p","seq":1,"amt":1,"cur":"EUR","ksv":0}}"#
        );
    }

    #[test]
    fn every_member_of_pos_is_checked() {
        assert_eq!(good().check(), Ok(()));
        let long = "x".repeat(65);
        let cases: [(&str, Pos); 9] = [
            ("v", Pos { v: 2, ..good() }),
            ("mid", Pos { mid: String::new(), ..good() }),
            ("mid", Pos { mid: long, ..good() }),
            ("did", Pos { did: "a\"b".into(), ..good() }),
            ("pid", Pos { pid: "a b".into(), ..good() }),
            ("seq", Pos { seq: 0, ..good() }),
            ("amt", Pos { amt: 0, ..good() }),
            ("amt", Pos { amt: -5, ..good() }),
            ("cur", Pos { cur: "eur".into(), ..good() }),
        ];
        for (member, pos) in cases {
            assert_eq!(pos.check(), Err(PosError(member)));
        }
    }
}
