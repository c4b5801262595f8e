//! What a seller must know once the owner has signed this tablet off. It is there only then.

use super::icon::{WARNING, icon};
use crate::state::till::Till;
use leptos::html::{div, p, span, strong};
use leptos::prelude::*;

pub fn signed_off(till: Till) -> impl IntoView {
    let is_so = Memo::new(move |_| till.revoked_ms.with(Option::is_some));
    move || {
        is_so.get().then(|| {
            div().class("signed-off").role("alert").attr("data-testid", "signed-off").child((
                icon(WARNING),
                p().child((strong().child(move || till.t().revoked), span().child(move || till.t().revoked_say))),
            ))
        })
    }
}
