//! Messages on a stream: a length in front of each, and on some links a fixed header (a TPDU) behind it.

use crate::MESSAGE_BYTES_MAX;
use serde::Deserialize;
use zeroize::{Zeroize, Zeroizing};

/// How the length in front of a message is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LengthHeader {
    /// Two bytes, big-endian.
    #[serde(rename = "binary-2")]
    Binary2,
    /// Four bytes, big-endian.
    #[serde(rename = "binary-4")]
    Binary4,
    /// Four ASCII digits.
    #[serde(rename = "ascii-4")]
    Ascii4,
    /// Two bytes of packed digits.
    #[serde(rename = "bcd-2")]
    Bcd2,
}

impl LengthHeader {
    fn len(self) -> usize {
        match self {
            Self::Binary2 | Self::Bcd2 => 2,
            Self::Binary4 | Self::Ascii4 => 4,
        }
    }
}

/// Framing of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Framing {
    pub header: LengthHeader,
    /// The length counts its own bytes too.
    pub counts_itself: bool,
    /// Sent in front of every message, and skipped in front of every received one.
    pub prefix: Vec<u8>,
}

impl Default for Framing {
    fn default() -> Self {
        Self { header: LengthHeader::Binary2, counts_itself: false, prefix: Vec::new() }
    }
}

/// Why a stream cannot be read on. The connection must be closed: nothing says where the next message begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    #[error("the length in front of a message is none: look at `framing`")]
    Length,
    #[error("a message is too long for its length header or for {MESSAGE_BYTES_MAX} bytes: look at `framing`")]
    TooLong,
}

impl Framing {
    /// A message with its length in front.
    ///
    /// # Errors
    /// [`FrameError::TooLong`].
    pub fn frame(&self, message: &[u8]) -> Result<Zeroizing<Vec<u8>>, FrameError> {
        let own = if self.counts_itself { self.header.len() } else { 0 };
        let body = self.prefix.len() + message.len();
        if body > MESSAGE_BYTES_MAX {
            return Err(FrameError::TooLong);
        }
        let length = body + own;
        let mut out = Zeroizing::new(Vec::with_capacity(self.header.len() + body));
        match self.header {
            LengthHeader::Binary2 => {
                out.extend_from_slice(&u16::try_from(length).map_err(|_| FrameError::TooLong)?.to_be_bytes());
            }
            LengthHeader::Binary4 => {
                out.extend_from_slice(&u32::try_from(length).map_err(|_| FrameError::TooLong)?.to_be_bytes());
            }
            LengthHeader::Ascii4 if length <= 9_999 => out.extend_from_slice(format!("{length:04}").as_bytes()),
            LengthHeader::Bcd2 if length <= 9_999 => {
                let packed =
                    format!("{length:04}").bytes().fold(0_u16, |sum, digit| sum << 4 | u16::from(digit - b'0'));
                out.extend_from_slice(&packed.to_be_bytes());
            }
            LengthHeader::Ascii4 | LengthHeader::Bcd2 => return Err(FrameError::TooLong),
        }
        out.extend_from_slice(&self.prefix);
        out.extend_from_slice(message);
        Ok(out)
    }

    fn length(&self, header: &[u8]) -> Result<usize, FrameError> {
        let digit = |sum: usize, digit: u8| (digit < 10).then(|| sum * 10 + usize::from(digit));
        let length = match self.header {
            LengthHeader::Binary2 | LengthHeader::Binary4 => {
                Some(header.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
            }
            LengthHeader::Ascii4 => header.iter().map(|byte| byte.wrapping_sub(b'0')).try_fold(0, digit),
            LengthHeader::Bcd2 => header.iter().flat_map(|byte| [byte >> 4, byte & 0xF]).try_fold(0, digit),
        };
        let own = if self.counts_itself { self.header.len() } else { 0 };
        let length = length.and_then(|length| length.checked_sub(own)).ok_or(FrameError::Length)?;
        if length > MESSAGE_BYTES_MAX { Err(FrameError::TooLong) } else { Ok(length) }
    }
}

/// Takes a stream apart, whatever pieces it arrives in. It holds one message and one read at most.
#[derive(Debug)]
pub struct Deframer {
    framing: Framing,
    held: Vec<u8>,
}

impl Deframer {
    pub fn new(framing: Framing) -> Self {
        Self { framing, held: Vec::with_capacity(4 * MESSAGE_BYTES_MAX) }
    }

    /// Adds what was read. Call [`Deframer::next`] until it gives nothing before the next read.
    pub fn push(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
    }

    /// The next whole message, without its length and header. An empty one, which some hosts send to keep a line alive, is skipped.
    ///
    /// # Errors
    /// [`FrameError`].
    #[expect(clippy::should_implement_trait, reason = "an iterator could not tell an error from the end")]
    pub fn next(&mut self) -> Result<Option<Zeroizing<Vec<u8>>>, FrameError> {
        loop {
            let start = self.framing.header.len();
            let Some(header) = self.held.get(..start) else { return Ok(None) };
            let end = start + self.framing.length(header)?;
            if self.held.len() < end {
                return Ok(None);
            }
            let message = self.held.get(start + self.framing.prefix.len()..end).unwrap_or_default();
            let message = Zeroizing::new(message.to_vec());
            if let Some(taken) = self.held.get_mut(..end) {
                taken.zeroize();
            }
            self.held.drain(..end);
            if !message.is_empty() {
                return Ok(Some(message));
            }
        }
    }
}

impl Drop for Deframer {
    fn drop(&mut self) {
        self.held.zeroize();
    }
}
