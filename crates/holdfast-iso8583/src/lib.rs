//! ISO 8583:1987 messages as bytes and back, and the framing that carries them over a stream.
//!
//! Nothing here does IO. What the fields look like on the wire is a [`Dialect`]: a table in the standard's own notation (`n6`,
//! `ans..25`, `b8`) with encodings, read from configuration, so that another acquirer's layout is a file and not code.
//!
//! A message may carry a card number, so its values are wiped on drop, its `Debug` shows only fields that never hold card data,
//! and no error carries a value.

mod bcd;
mod decode;
mod dialect;
mod encode;
mod frame;
mod message;

pub use decode::DecodeError;
pub use dialect::{
    BinaryAs, BitmapAs, Dialect, DialectConfig, DialectError, FieldConfig, FieldSpec, Filler, Kind, Length, LengthAs,
    MtiAs, NumericAs,
};
pub use encode::EncodeError;
pub use frame::{Deframer, FrameError, Framing, LengthHeader};
pub use message::{Message, Mti};

/// Bytes of one message. The longest field has 999, and no acquirer sends more than a few of those at once.
pub const MESSAGE_BYTES_MAX: usize = 8_192;
