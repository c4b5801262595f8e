//! Window and document: language, theme, address, small settings, printing, focus.

use crate::messages::Lang;
use crate::state::view_model::{Route, Theme};
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{AddEventListenerOptions, Document, HtmlElement, MediaQueryList, Window};

const THEME_KEY: &str = "holdfast.theme";
const SOUNDS_KEY: &str = "holdfast.sounds";
const LANG_KEY: &str = "holdfast.lang";
const DARK_QUERY: &str = "(prefers-color-scheme: dark)";
const CALM_QUERY: &str = "(prefers-reduced-motion: reduce)";

/// Milliseconds of the tablet's wall clock, for what is shown only; payments get their time from the device.
pub fn wall_ms() -> i64 {
    js_sys::Date::now() as i64
}

/// Milliseconds since the page began: no clock that somebody sets changes it.
pub fn uptime_ms() -> i64 {
    web_sys::window().and_then(|w| w.performance()).map_or(0, |p| p.now() as i64)
}

/// Calls back with everything that a person does to the page.
pub fn on_touch(touched: impl Fn() + Clone + 'static) {
    let Some(document) = document() else { return };
    let options = AddEventListenerOptions::new();
    // Before the wedge, which keeps a card's keys from everybody else.
    options.set_capture(true);
    for event in ["pointerdown", "keydown", "wheel"] {
        let touched = touched.clone();
        let closure = Closure::<dyn Fn()>::new(touched);
        let listener = closure.as_ref().unchecked_ref();
        let target: &web_sys::EventTarget = document.as_ref();
        let _ = target.add_event_listener_with_callback_and_add_event_listener_options(event, listener, &options);
        closure.forget();
    }
}

/// The browser's languages, the most wanted first.
pub fn languages() -> Vec<String> {
    let Some(window) = web_sys::window() else { return Vec::new() };
    window.navigator().languages().iter().filter_map(|tag| tag.as_string()).collect()
}

/// The language to begin with: `?lang=`, what was chosen before, the browser's wish, English.
pub fn initial_lang() -> Lang {
    let asked =
        location_search().split(['?', '&']).find_map(|pair| pair.strip_prefix("lang=").and_then(Lang::from_tag));
    let kept = || setting(LANG_KEY).and_then(|tag| Lang::from_tag(&tag));
    let wished = || languages().iter().find_map(|tag| Lang::from_tag(tag));
    asked.or_else(kept).or_else(wished).unwrap_or_default()
}

pub fn keep_lang(lang: Lang) {
    keep_setting(LANG_KEY, lang.tag());
}

/// Puts language and direction on the document.
pub fn apply_lang(lang: Lang) {
    if let Some(root) = root() {
        let _ = root.set_attribute("lang", lang.tag());
        let _ = root.set_attribute("dir", lang.direction());
    }
}

pub fn initial_theme() -> Theme {
    setting(THEME_KEY).map_or(Theme::System, |name| Theme::from_name(&name))
}

pub fn keep_theme(theme: Theme) {
    keep_setting(THEME_KEY, theme.name());
}

/// Puts the scheme on the document; the stylesheet knows only light and dark.
pub fn apply_theme(theme: Theme) {
    let dark = match theme {
        Theme::System => matches(DARK_QUERY),
        Theme::Light => false,
        Theme::Dark => true,
    };
    if let Some(root) = root() {
        let _ = root.set_attribute("data-theme", if dark { "dark" } else { "light" });
    }
}

/// Calls back when the system changes between light and dark.
pub fn on_system_theme(changed: impl Fn() + 'static) {
    if let Some(query) = media_query(DARK_QUERY) {
        listen(query.as_ref(), "change", changed);
    }
}

/// Off until somebody turns them on.
pub fn initial_sounds() -> bool {
    setting(SOUNDS_KEY).as_deref() == Some("on")
}

pub fn keep_sounds(sounds: bool) {
    keep_setting(SOUNDS_KEY, if sounds { "on" } else { "off" });
}

/// Whether this person asked for less going on.
pub fn wants_calm() -> bool {
    matches(CALM_QUERY)
}

/// Where the address says we are; the part after `#`.
pub fn route() -> Route {
    let hash = web_sys::window().and_then(|w| w.location().hash().ok()).unwrap_or_default();
    Route::from_hash(&hash)
}

/// The code that an address such as `/#enrol=CODE` carries. What stands behind `#` is sent to no server.
pub fn enrolment_code() -> Option<String> {
    let hash = web_sys::window()?.location().hash().ok()?;
    hash.strip_prefix("#enrol=").filter(|code| !code.is_empty()).map(str::to_owned)
}

/// Goes somewhere, with an entry in the browser's history so that Back works.
pub fn go(route: &Route) {
    if let Some(window) = web_sys::window() {
        let _ = window.location().set_hash(&route.to_hash());
    }
}

pub fn on_route(changed: impl Fn() + 'static) {
    if let Some(window) = web_sys::window() {
        listen(window.as_ref(), "hashchange", changed);
    }
}

/// Calls back when the page comes to the front, and when the browser believes it has a network or has none.
pub fn on_nudge(nudged: impl Fn() + Clone + 'static) {
    let Some(window) = web_sys::window() else { return };
    listen(window.as_ref(), "online", nudged.clone());
    if let Some(document) = window.document() {
        let visible = document.clone();
        listen(document.as_ref(), "visibilitychange", move || {
            if visible.visibility_state() == web_sys::VisibilityState::Visible {
                nudged();
            }
        });
    }
}

/// Whether the browser believes that there is a network.
pub fn says_online() -> bool {
    web_sys::window().is_some_and(|window| window.navigator().on_line())
}

/// Calls back when the browser says that there is no network at all.
pub fn on_offline(gone: impl Fn() + 'static) {
    if let Some(window) = web_sys::window() {
        listen(window.as_ref(), "offline", gone);
    }
}

pub fn print() {
    if let Some(window) = web_sys::window() {
        let _ = window.print();
    }
}

pub fn reload() {
    if let Some(window) = web_sys::window() {
        let _ = window.location().reload();
    }
}

/// Moves the focus to the first element that fits, if it is there.
pub fn focus(selector: &str) {
    if let Some(element) = document().and_then(|d| d.query_selector(selector).ok().flatten())
        && let Ok(element) = element.dyn_into::<HtmlElement>()
    {
        let _ = element.focus();
    }
}

/// Takes the focus from whatever has it.
pub fn blur() {
    if let Some(element) = document().and_then(|d| d.active_element())
        && let Ok(element) = element.dyn_into::<HtmlElement>()
    {
        let _ = element.blur();
    }
}

/// The static splash of index.html has done its work.
pub fn remove_splash() {
    if let Some(splash) = document().and_then(|d| d.get_element_by_id("splash")) {
        splash.remove();
    }
}

pub(super) fn document() -> Option<Document> {
    web_sys::window().and_then(|w: Window| w.document())
}

/// Listens for the life of the page.
pub(super) fn listen(target: &web_sys::EventTarget, event: &str, called: impl Fn() + 'static) {
    let closure = Closure::<dyn Fn()>::new(called);
    let _ = target.add_event_listener_with_callback(event, closure.as_ref().unchecked_ref());
    closure.forget();
}

fn root() -> Option<web_sys::Element> {
    document().and_then(|d| d.document_element())
}

fn media_query(query: &str) -> Option<MediaQueryList> {
    web_sys::window().and_then(|w| w.match_media(query).ok().flatten())
}

fn matches(query: &str) -> bool {
    media_query(query).is_some_and(|q| q.matches())
}

/// A path of this server as an address for others.
pub fn address_of(path: &str) -> String {
    let origin = web_sys::window().and_then(|w| w.location().origin().ok()).unwrap_or_default();
    format!("{origin}{path}")
}

fn location_search() -> String {
    web_sys::window().and_then(|w| w.location().search().ok()).unwrap_or_default()
}

/// Local storage holds looks only: losing it loses nothing.
fn setting(key: &str) -> Option<String> {
    web_sys::window()?.local_storage().ok().flatten()?.get_item(key).ok().flatten()
}

fn keep_setting(key: &str, value: &str) {
    if let Some(storage) = web_sys::window().and_then(|w| w.local_storage().ok().flatten()) {
        let _ = storage.set_item(key, value);
    }
}
