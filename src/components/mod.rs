//! Parts that several pages use.
//!
//! Views are written with Leptos' builder functions, not with its `view!` macro: the macro turns static parts into
//! `innerHTML`, which the page's Content-Security-Policy (Trusted Types) forbids.

pub mod ask;
pub mod bar;
pub mod cart;
pub mod goods;
pub mod icon;
pub mod lamps;
pub mod menu;
pub mod meter;
pub mod pad;
pub mod qr;
pub mod receipt_mail;
pub mod refund;
pub mod signed_off;
pub mod strip;
pub mod tips;
pub mod ways;
