//! The sell screen: what can be sold, what is sold, what waits.

use crate::components::{bar, cart, goods, signed_off, strip};
use crate::state::till::Till;
use crate::state::view_model::Overlay;
use leptos::html::div;
use leptos::prelude::*;

pub fn sell(till: Till) -> AnyView {
    let is_covered = move || till.overlay.with(|o| *o != Overlay::None);
    div()
        .class("sell")
        .prop("inert", is_covered)
        .child((
            bar::sell_bar(till),
            signed_off::signed_off(till),
            goods::goods(till),
            strip::strip(till),
            cart::cart(till),
        ))
        .into_any()
}
