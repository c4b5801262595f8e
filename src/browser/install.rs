//! The browser's offer to install the till. `BeforeInstallPromptEvent` is Chromium's alone and not in web-sys.

use std::cell::RefCell;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    #[derive(Clone)]
    type BeforeInstallPromptEvent;
    #[wasm_bindgen(method, js_name = preventDefault)]
    fn prevent_default(this: &BeforeInstallPromptEvent);
    #[wasm_bindgen(method, catch)]
    fn prompt(this: &BeforeInstallPromptEvent) -> Result<JsValue, JsValue>;
}

thread_local! {
    static OFFER: RefCell<Option<BeforeInstallPromptEvent>> = const { RefCell::new(None) };
}

/// Says whether an offer is there, now and whenever that changes.
pub fn watch(changed: impl Fn(bool) + Clone + 'static) {
    let Some(window) = web_sys::window() else { return };
    let on_offer = changed.clone();
    let offered = Closure::<dyn Fn(BeforeInstallPromptEvent)>::new(move |event: BeforeInstallPromptEvent| {
        // Kept for the button in the settings; the browser's own bar would cover the sale.
        event.prevent_default();
        OFFER.set(Some(event));
        on_offer(true);
    });
    let _ = window.add_event_listener_with_callback("beforeinstallprompt", offered.as_ref().unchecked_ref());
    offered.forget();
    super::page::listen(window.as_ref(), "appinstalled", move || {
        OFFER.set(None);
        changed(false);
    });
}

/// Shows the browser's own question. An offer can be used once.
pub fn prompt() {
    if let Some(offer) = OFFER.take() {
        let _ = offer.prompt();
    }
}
