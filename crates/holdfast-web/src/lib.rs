//! Holdfast in a browser: what the page and the service worker share of it.
//!
//! The decisions are in `holdfast-core`, the shapes in `holdfast-wire`; here their requests are carried out with the browser's
//! own means. Cards never come here: the page hands in what was sealed already.
#![cfg(target_arch = "wasm32")]

pub mod background;
pub mod clock;
pub mod device;
pub mod device_key;
pub mod events;
pub mod http;
pub mod idb;
pub mod journal;
pub mod locks;
pub mod money;
pub mod offer;
pub mod pin;
pub mod probe;
pub mod recovery;
pub mod rng;
pub mod save;
pub mod shared;
pub mod shelf;
pub mod standing;
pub mod trust;
pub mod upload;

mod js;

pub use device::Device;

/// The roots' public halves, compiled in by `HOLDFAST_ROOT_KEYS`. Without it there are none, and no server is believed.
pub const ROOTS_JSON: &str = include_str!(concat!(env!("OUT_DIR"), "/roots.json"));
