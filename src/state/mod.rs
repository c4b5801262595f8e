//! The till's state: plain view models that are tested natively, and the signals that the views watch.

#![cfg_attr(not(target_arch = "wasm32"), expect(dead_code, reason = "natively only the tests use them"))]

pub mod convert;
pub mod draft;
pub mod keyed;
pub mod outcome;
pub mod payment;
pub mod pin;
pub mod view_model;

#[cfg(target_arch = "wasm32")]
pub mod connection;
#[cfg(target_arch = "wasm32")]
pub mod instruct;
#[cfg(target_arch = "wasm32")]
pub mod payments;
#[cfg(target_arch = "wasm32")]
pub mod queue;
#[cfg(target_arch = "wasm32")]
pub mod receipts;
#[cfg(target_arch = "wasm32")]
pub mod refunds;
#[cfg(target_arch = "wasm32")]
pub mod risk;
#[cfg(target_arch = "wasm32")]
pub mod session;
#[cfg(target_arch = "wasm32")]
pub mod staff;
#[cfg(target_arch = "wasm32")]
pub mod till;
#[cfg(target_arch = "wasm32")]
pub mod words;
