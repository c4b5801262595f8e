//! A message: its type and its fields.

use std::collections::BTreeMap;
use std::fmt;
use zeroize::Zeroizing;

/// Message type indicator: version, class, function, origin (ISO 8583:1987 section 4.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mti([u8; 4]);

impl Mti {
    pub const AUTHORISATION: Self = Self(*b"0100");
    pub const FINANCIAL: Self = Self(*b"0200");
    pub const FINANCIAL_ADVICE: Self = Self(*b"0220");
    pub const REVERSAL_ADVICE: Self = Self(*b"0420");
    pub const NETWORK: Self = Self(*b"0800");

    /// Four digits.
    pub fn new(digits: [u8; 4]) -> Option<Self> {
        digits.iter().all(u8::is_ascii_digit).then_some(Self(digits))
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    pub(crate) fn digits(&self) -> &[u8; 4] {
        &self.0
    }

    /// The same message, marked as a repeat: 0420 becomes 0421.
    pub fn repeated(self) -> Self {
        let [version, class, function, _] = self.0;
        Self([version, class, function, b'1'])
    }

    /// Whether this is the answer to `request`: 0110 to 0100, 0430 to 0420. A repeat 0421 is answered by 0430, and by some hosts
    /// with 0431, so the last digit does not count.
    pub fn answers(&self, request: Self) -> bool {
        let ([v, c, f, _], [rv, rc, rf, _]) = (self.0, request.0);
        v == rv && c == rc && matches!(rf, b'0' | b'2' | b'4') && f == rf + 1
    }

    /// Whether this is about the network itself, class 8: sign-on, echo.
    pub fn is_network(&self) -> bool {
        self.0[1] == b'8'
    }

    /// Whether this asks for an answer.
    pub fn is_request(&self) -> bool {
        matches!(self.0[2], b'0' | b'2' | b'4')
    }
}

impl fmt::Debug for Mti {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Mti {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Fields whose content is the same for every card. Everything else might hold card data in somebody's dialect.
const SHOWN: &[u8] = &[3, 4, 7, 11, 12, 13, 15, 22, 24, 25, 37, 38, 39, 41, 42, 49, 70, 90];

/// A message. Text fields are ASCII without their padding lengths; binary fields are raw bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    mti: Mti,
    fields: BTreeMap<u8, Zeroizing<Vec<u8>>>,
}

impl Message {
    pub fn new(mti: Mti) -> Self {
        Self { mti, fields: BTreeMap::new() }
    }

    pub fn mti(&self) -> Mti {
        self.mti
    }

    pub fn set_mti(&mut self, mti: Mti) {
        self.mti = mti;
    }

    /// Sets a field; text is ASCII. Whether it fits its format is judged by the encoder.
    pub fn set(&mut self, field: u8, value: impl AsRef<[u8]>) -> &mut Self {
        self.fields.insert(field, Zeroizing::new(value.as_ref().to_vec()));
        self
    }

    pub fn bytes(&self, field: u8) -> Option<&[u8]> {
        self.fields.get(&field).map(|value| value.as_slice())
    }

    /// A field as text, with its padding.
    pub fn text(&self, field: u8) -> Option<&str> {
        std::str::from_utf8(self.bytes(field)?).ok()
    }

    /// A field as text without spaces at its end, which pad `an` and `ans` fields of a fixed length.
    pub fn trimmed(&self, field: u8) -> Option<&str> {
        self.text(field).map(|text| text.trim_end_matches(' '))
    }

    /// Numbers of the fields that are there, in order.
    pub fn fields(&self) -> impl Iterator<Item = u8> {
        self.fields.keys().copied()
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        map.entry(&0, &self.mti);
        for (number, value) in &self.fields {
            match self.text(*number).filter(|_| SHOWN.contains(number)) {
                Some(text) => map.entry(number, &text),
                None => map.entry(number, &format_args!("[{} bytes]", value.len())),
            };
        }
        map.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_from_requests() {
        let mti = |digits: &[u8; 4]| Mti::new(*digits).expect("digits");
        for (answer, request) in
            [(b"0110", b"0100"), (b"0230", b"0220"), (b"0230", b"0221"), (b"0231", b"0221"), (b"0810", b"0800")]
        {
            assert!(mti(answer).answers(mti(request)), "{answer:?}");
            assert!(mti(request).is_request() && !mti(answer).is_request());
        }
        for (answer, request) in [(b"0110", b"0200"), (b"0100", b"0100"), (b"0110", b"0110"), (b"0430", b"0400")] {
            assert!(!mti(answer).answers(mti(request)), "{answer:?}");
        }
        assert_eq!(Mti::REVERSAL_ADVICE.repeated().as_str(), "0421");
        assert_eq!(Mti::new(*b"01a0"), None);
    }

    #[test]
    fn debug_shows_no_card() {
        let mut message = Message::new(Mti::AUTHORISATION);
        message.set(2, "4242424242424242").set(14, "3012").set(35, "4242424242424242=3012").set(11, "000042");
        message.set(48, "4242424242424242").set(60, "5206").set(128, [0x42; 8]);
        let shown = format!("{message:?}");
        assert!(!shown.contains("4242") && !shown.contains("3012"), "{shown}");
        assert!(shown.contains("0100") && shown.contains("000042") && shown.contains("[16 bytes]"), "{shown}");
    }
}
