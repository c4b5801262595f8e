//! The real server with an independent ISO 8583 host as its acquirer: the host as a process of its own, and a tap on the line
//! between the two that keeps every message and can spoil answers.
#![cfg(not(target_arch = "wasm32"))]

mod config;
mod peer;
mod tap;
mod view;

pub use config::arguments;
pub use peer::{Peer, Speech};
pub use tap::{Seen, Spoil, Tap};
pub use view::{HostView, eventually};
