//! Messages between till and server and records in the device's stores, as docs/protocol.md tells them.
//!
//! Shapes are plain serde structs; what leaves this crate towards a decision is parsed into core types. Signatures are neither made nor
//! checked here: the crate says which bytes are to be signed or checked with which key, and the caller (WebCrypto in the browser,
//! aws-lc-rs on the server) does it.

pub mod ack;
pub mod b64;
pub mod batch;
pub mod enrolment;
pub mod history;
pub mod httpsig;
pub mod instruction;
pub mod jws;
pub mod keylog;
pub mod keyset;
pub mod lock;
pub mod offer;
pub mod pin;
pub mod policy;
pub mod problem;
pub mod receipt;
pub mod record;
pub mod report;
pub mod shop;
pub mod stored;
pub mod team;
pub mod time;

/// Version of every message and record that this code writes.
pub const V: u32 = 1;

/// Why a message or a stored record could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    #[error("this is not JSON of the expected shape: {0}")]
    Shape(String),
    #[error("this has version {found}, newer than this program knows ({known}): update the program")]
    Version { found: u32, known: u32 },
    #[error("the field {0} does not hold what it should")]
    Field(&'static str),
    #[error(transparent)]
    Jws(#[from] jws::JwsError),
}

/// Reads JSON. The error says where, never what: the text may hold something that no log may see.
pub(crate) fn from_json<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, WireError> {
    serde_json::from_slice(bytes)
        .map_err(|e| WireError::Shape(format!("{:?} at line {} column {}", e.classify(), e.line(), e.column())))
}

/// Writes JSON. Our shapes have string keys only, so this cannot fail; if it ever did, the empty text is refused by every reader.
pub(crate) fn to_json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

pub(crate) fn check_version(found: u32) -> Result<(), WireError> {
    if found == V { Ok(()) } else { Err(WireError::Version { found, known: V }) }
}
