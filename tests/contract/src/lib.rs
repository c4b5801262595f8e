//! The till's half of the protocol, played natively against the real server: the same shapes (`holdfast-wire`) and the same
//! sealing (`holdfast-crypto`) as the page, and no browser. Where the two halves disagree, the tests of this crate fail.

mod server;
mod till;

pub use server::{Answer, Server, binary, new_home, shared_server};
pub use till::{Payment, Till, fetch_keyset, open_jws};

/// Public test cards: one that approves, one that declines with 51 (not enough funds).
pub const APPROVED: &str = "4242424242424242";
pub const DECLINED_51: &str = "4000000000009995";

/// The wall clock, in milliseconds since 1970.
pub fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock after 1970");
    i64::try_from(since.as_millis()).expect("a clock before the year 292 million")
}
