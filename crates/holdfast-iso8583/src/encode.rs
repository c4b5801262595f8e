//! A message into bytes.

use crate::MESSAGE_BYTES_MAX;
use crate::bcd;
use crate::dialect::{BinaryAs, BitmapAs, Dialect, FieldSpec, Filler, Kind, Length, LengthAs, MtiAs, NumericAs};
use crate::message::Message;
use zeroize::Zeroizing;

/// Why a message cannot be written. It names the field and never its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    #[error("field {0} is not in the dialect's table: add it there")]
    Unknown(u8),
    #[error("field {0} is longer than its format")]
    TooLong(u8),
    #[error("field {0} holds characters that its format does not allow")]
    Content(u8),
    #[error("the message is longer than {MESSAGE_BYTES_MAX} bytes")]
    MessageTooLong,
}

impl Dialect {
    /// Writes a message. The buffer is made at its largest size, so that no copy of a card number is left behind by growing.
    ///
    /// # Errors
    /// [`EncodeError`].
    pub fn encode(&self, message: &Message) -> Result<Zeroizing<Vec<u8>>, EncodeError> {
        let mut out = Zeroizing::new(Vec::with_capacity(2 * MESSAGE_BYTES_MAX));
        match self.mti {
            MtiAs::Ascii => out.extend_from_slice(message.mti().digits()),
            // A message type is four digits, so it packs.
            MtiAs::Bcd => bcd::pack(message.mti().digits(), Filler::Left, &mut out).unwrap_or_default(),
        }
        self.encode_bitmap(message, &mut out);
        for number in message.fields() {
            let spec = self.field(number).ok_or(EncodeError::Unknown(number))?;
            let value = message.bytes(number).unwrap_or_default();
            encode_field(number, spec, value, &mut out)?;
            if out.len() > MESSAGE_BYTES_MAX {
                return Err(EncodeError::MessageTooLong);
            }
        }
        Ok(out)
    }

    fn encode_bitmap(&self, message: &Message, out: &mut Vec<u8>) {
        let mut bits = 0_u128;
        for number in message.fields() {
            bits |= bit(number);
        }
        let is_secondary = bits & u128::from(u64::MAX) != 0;
        if is_secondary {
            bits |= bit(1);
        }
        let bytes = bits.to_be_bytes();
        let bitmap = if is_secondary { &bytes[..] } else { &bytes[..8] };
        match self.bitmap {
            BitmapAs::Binary => out.extend_from_slice(bitmap),
            BitmapAs::Hex => push_hex(bitmap, out),
        }
    }
}

/// Bit 1 is the first of the first byte.
pub(crate) fn bit(number: u8) -> u128 {
    128_u8.checked_sub(number).and_then(|shift| 1_u128.checked_shl(u32::from(shift))).unwrap_or(0)
}

fn encode_field(number: u8, spec: &FieldSpec, value: &[u8], out: &mut Vec<u8>) -> Result<(), EncodeError> {
    if !is_allowed(spec.kind, value) {
        return Err(EncodeError::Content(number));
    }
    let (max, digits) = match spec.length {
        Length::Fixed(len) => (len, 0),
        Length::Ll(max) => (max, 2),
        Length::Lll(max) => (max, 3),
    };
    let missing = max.checked_sub(value.len()).ok_or(EncodeError::TooLong(number))?;
    let is_hex = spec.kind == Kind::Binary && spec.binary == BinaryAs::Hex;
    let padded;
    let value = if digits > 0 {
        let sent = if is_hex { 2 * value.len() } else { value.len() };
        encode_length(spec.prefix, sent, digits, out).ok_or(EncodeError::TooLong(number))?;
        value
    } else {
        padded = Zeroizing::new(match spec.kind {
            Kind::Numeric | Kind::Track => [&vec![b'0'; missing], value].concat(),
            Kind::Text => [value, &vec![b' '; missing]].concat(),
            Kind::Binary if missing == 0 => value.to_vec(),
            Kind::Binary => return Err(EncodeError::Content(number)),
        });
        padded.as_slice()
    };
    match spec.kind {
        Kind::Numeric | Kind::Track if spec.numeric == NumericAs::Bcd => {
            bcd::pack(value, spec.filler, out).ok_or(EncodeError::Content(number))?;
        }
        Kind::Binary if is_hex => push_hex(value, out),
        _ => out.extend_from_slice(value),
    }
    Ok(())
}

fn is_allowed(kind: Kind, value: &[u8]) -> bool {
    match kind {
        Kind::Numeric => value.iter().all(u8::is_ascii_digit),
        Kind::Track => value.iter().all(|b| b.is_ascii_digit() || *b == b'='),
        Kind::Text => value.iter().all(|b| matches!(b, 0x20..=0x7E)),
        Kind::Binary => true,
    }
}

fn encode_length(prefix: LengthAs, length: usize, digits: usize, out: &mut Vec<u8>) -> Option<()> {
    let text = format!("{length:0digits$}");
    if text.len() > digits {
        return None;
    }
    match prefix {
        LengthAs::Ascii => out.extend_from_slice(text.as_bytes()),
        LengthAs::Bcd => bcd::pack(text.as_bytes(), Filler::Left, out)?,
        LengthAs::Binary if digits == 2 => out.push(u8::try_from(length).ok()?),
        LengthAs::Binary => out.extend_from_slice(&u16::try_from(length).ok()?.to_be_bytes()),
    }
    Some(())
}

fn push_hex(bytes: &[u8], out: &mut Vec<u8>) {
    let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'A' + nibble - 10 };
    out.extend(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xF)]));
}
