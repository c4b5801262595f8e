//! What the browser tests share: a server that lives in the page's own `fetch`, fresh devices, and spanners for the works.
//!
//! Test code: it panics where something cannot be set up.
#![cfg(target_arch = "wasm32")]

pub mod device;
pub mod js;
pub mod server;
pub mod store;
