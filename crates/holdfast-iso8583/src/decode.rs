//! Bytes into a message. Every length is looked at before it is believed; nothing here can panic.

use crate::MESSAGE_BYTES_MAX;
use crate::bcd;
use crate::dialect::{BinaryAs, BitmapAs, Dialect, FieldSpec, Filler, Kind, Length, LengthAs, MtiAs, NumericAs};
use crate::encode::bit;
use crate::message::{Message, Mti};
use zeroize::Zeroizing;

/// Why bytes are no message of this dialect. It carries nothing of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("the message is longer than {MESSAGE_BYTES_MAX} bytes")]
    TooLong,
    #[error("the message type is not four digits: look at `mti` in the dialect")]
    Mti,
    #[error("the bitmap cannot be read: look at `bitmap` in the dialect")]
    Bitmap,
    #[error("field {0} is there and not in the dialect's table: add it there")]
    Unknown(u8),
    #[error("field {0} is cut off, or its length is none: look at its format in the dialect")]
    Length(u8),
    #[error("field {0} holds what its format does not allow: look at its format in the dialect")]
    Content(u8),
    #[error("there are bytes after the last field: look at the formats in the dialect")]
    Trailing,
}

impl Dialect {
    /// Reads a message.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(&self, bytes: &[u8]) -> Result<Message, DecodeError> {
        if bytes.len() > MESSAGE_BYTES_MAX {
            return Err(DecodeError::TooLong);
        }
        let mut reader = Reader(bytes);
        let mut message = Message::new(self.decode_mti(&mut reader).ok_or(DecodeError::Mti)?);
        let bits = self.decode_bitmap(&mut reader).ok_or(DecodeError::Bitmap)?;
        for number in (2..=128).filter(|number| bits & bit(*number) != 0) {
            let spec = self.field(number).ok_or(DecodeError::Unknown(number))?;
            let content = decode_field(number, spec, &mut reader)?;
            message.set(number, content.as_slice());
        }
        if reader.0.is_empty() { Ok(message) } else { Err(DecodeError::Trailing) }
    }

    fn decode_mti(&self, reader: &mut Reader<'_>) -> Option<Mti> {
        let mut digits = Vec::with_capacity(4);
        match self.mti {
            MtiAs::Ascii => digits.extend_from_slice(reader.take(4)?),
            MtiAs::Bcd => bcd::unpack(reader.take(2)?, 4, Filler::Left, &mut digits)?,
        }
        Mti::new(digits.try_into().ok()?)
    }

    fn decode_bitmap(&self, reader: &mut Reader<'_>) -> Option<u128> {
        let primary = self.decode_half(reader)?;
        let secondary = if primary >> 63 == 1 { self.decode_half(reader)? } else { 0 };
        Some(u128::from(primary) << 64 | u128::from(secondary))
    }

    fn decode_half(&self, reader: &mut Reader<'_>) -> Option<u64> {
        let bytes = match self.bitmap {
            BitmapAs::Binary => reader.take(8)?.to_vec(),
            BitmapAs::Hex => unhex(reader.take(16)?)?,
        };
        Some(u64::from_be_bytes(bytes.try_into().ok()?))
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }
}

fn decode_field(number: u8, spec: &FieldSpec, reader: &mut Reader<'_>) -> Result<Zeroizing<Vec<u8>>, DecodeError> {
    let is_hex = spec.kind == Kind::Binary && spec.binary == BinaryAs::Hex;
    let (units, max) = match spec.length {
        Length::Fixed(len) => (if is_hex { 2 * len } else { len }, len),
        Length::Ll(max) => (decode_length(spec.prefix, 2, reader).ok_or(DecodeError::Length(number))?, max),
        Length::Lll(max) => (decode_length(spec.prefix, 3, reader).ok_or(DecodeError::Length(number))?, max),
    };
    if units > if is_hex { 2 * max } else { max } {
        return Err(DecodeError::Length(number));
    }
    let is_packed = matches!(spec.kind, Kind::Numeric | Kind::Track) && spec.numeric == NumericAs::Bcd;
    let sent = if is_packed { bcd::packed_len(units) } else { units };
    let bytes = reader.take(sent).ok_or(DecodeError::Length(number))?;
    let mut content = Zeroizing::new(Vec::with_capacity(units));
    let holds = if is_packed {
        bcd::unpack(bytes, units, spec.filler, &mut content).is_some()
    } else if is_hex {
        unhex(bytes).map(|bytes| content.extend_from_slice(&bytes)).is_some()
    } else {
        content.extend_from_slice(bytes);
        true
    };
    // Text is taken as it comes: hosts put all sorts of bytes into private fields, and none of them is worth an answer lost.
    let holds = holds
        && match spec.kind {
            Kind::Numeric => content.iter().all(u8::is_ascii_digit),
            // Some hosts write the nibble D as a letter.
            Kind::Track => content.iter().all(|b| b.is_ascii_digit() || matches!(b, b'=' | b'D')),
            Kind::Text | Kind::Binary => true,
        };
    if holds { Ok(content) } else { Err(DecodeError::Content(number)) }
}

fn decode_length(prefix: LengthAs, digits: usize, reader: &mut Reader<'_>) -> Option<usize> {
    let bytes = digits - 1;
    match prefix {
        LengthAs::Binary => Some(reader.take(bytes)?.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte))),
        LengthAs::Ascii => number(reader.take(digits)?),
        LengthAs::Bcd => {
            let mut text = Vec::with_capacity(digits);
            bcd::unpack(reader.take(bytes)?, digits, Filler::Left, &mut text)?;
            number(&text)
        }
    }
}

fn number(digits: &[u8]) -> Option<usize> {
    let is_number = digits.iter().all(u8::is_ascii_digit);
    is_number.then(|| digits.iter().fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0')))
}

fn unhex(text: &[u8]) -> Option<Vec<u8>> {
    let nibble = |byte: u8| char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok());
    text.chunks(2)
        .map(|pair| match pair {
            [high, low] => Some(nibble(*high)? << 4 | nibble(*low)?),
            _ => None,
        })
        .collect()
}
