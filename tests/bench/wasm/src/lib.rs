//! The till's code for a page that measures it beside its peers: sealing, saving and draining.
//!
//! Test code: card data comes in as plain strings here, which the product never does.

mod seal;
#[cfg(target_arch = "wasm32")]
mod till;
