//! The till: entry point of the page.
//!
//! The page renders and wires; rules are in `holdfast-core`, stores and network behind `holdfast-web`. Natively this
//! package is only its message table and view models, so that their tests need no browser.

mod messages;
mod state;

#[cfg(target_arch = "wasm32")]
mod boot;
#[cfg(target_arch = "wasm32")]
mod browser;
#[cfg(target_arch = "wasm32")]
mod components;
#[cfg(target_arch = "wasm32")]
mod env;
#[cfg(target_arch = "wasm32")]
mod pages;

fn main() {
    #[cfg(target_arch = "wasm32")]
    boot::start();
}
