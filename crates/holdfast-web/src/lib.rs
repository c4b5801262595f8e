//! Holdfast in a browser: what the page and the service worker share of it.
//!
//! The decisions are in `holdfast-core`, the shapes in `holdfast-wire`; here their requests are carried out with the browser's
//! own means. Cards never come here: the page hands in what was sealed already.
#![cfg(target_arch = "wasm32")]

pub mod device;

pub use device::Device;
