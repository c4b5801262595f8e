//! The few things that page and worker both find on their global object, and the names of the browser's errors.

use holdfast_core::outbox::StoreFault;
use js_sys::{Array, Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{CacheStorage, Crypto, IdbFactory};

#[wasm_bindgen]
extern "C" {
    /// `Window` or `ServiceWorkerGlobalScope`.
    pub(crate) type Global;
    #[wasm_bindgen(method, getter, js_name = indexedDB, catch)]
    pub(crate) fn indexed_db(this: &Global) -> Result<Option<IdbFactory>, JsValue>;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn caches(this: &Global) -> Option<CacheStorage>;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn crypto(this: &Global) -> Option<Crypto>;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn performance(this: &Global) -> Performance;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn navigator(this: &Global) -> Object;

    pub(crate) type Performance;
    #[wasm_bindgen(method)]
    pub(crate) fn now(this: &Performance) -> f64;
}

pub(crate) fn global() -> Global {
    js_sys::global().unchecked_into()
}

/// A property, or `undefined` when there is none.
pub(crate) fn get(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &JsValue::from_str(name)).unwrap_or(JsValue::UNDEFINED)
}

/// `{a: b, …}`.
pub(crate) fn object(members: &[(&str, JsValue)]) -> Object {
    let object = Object::new();
    for (name, value) in members {
        // Setting a member of a fresh plain object cannot fail.
        let _ = Reflect::set(&object, &JsValue::from_str(name), value);
    }
    object
}

/// Calls a method by name. An error when the object has none: an older browser.
pub(crate) fn call(object: &JsValue, method: &str, arguments: &[JsValue]) -> Result<JsValue, JsValue> {
    let function: Function = get(object, method).dyn_into()?;
    function.apply(object, &arguments.iter().collect::<Array>())
}

/// Calls a method that gives a promise, and waits for it.
pub(crate) async fn call_async(object: &JsValue, method: &str, arguments: &[JsValue]) -> Result<JsValue, JsValue> {
    JsFuture::from(Promise::resolve(&call(object, method, arguments)?)).await
}

/// The `name` of a DOMException or Error.
pub(crate) fn error_name(error: &JsValue) -> String {
    if error.is_object() { get(error, "name").as_string().unwrap_or_default() } else { String::new() }
}

/// What a store's error means for the seller.
pub(crate) fn fault(error: &JsValue) -> StoreFault {
    if error_name(error) == "QuotaExceededError" { StoreFault::Full } else { StoreFault::Broken }
}

/// A script's address in the form that a page under Trusted Types accepts.
pub(crate) fn script_url(url: &str) -> JsValue {
    thread_local! {
        // A policy may be created once for each name.
        static POLICY: JsValue = make_policy().unwrap_or(JsValue::UNDEFINED);
    }
    POLICY.with(|policy| call(policy, "createScriptURL", &[url.into()]).unwrap_or_else(|_| url.into()))
}

fn make_policy() -> Result<JsValue, JsValue> {
    let types = get(&global(), "trustedTypes");
    // Only our own constants reach it; anything that is not a path of this origin is refused.
    let only_ours = Closure::<dyn Fn(JsValue) -> JsValue>::new(|url: JsValue| {
        let is_ours =
            url.as_string().is_some_and(|u| (u.starts_with('/') && !u.starts_with("//")) || u.starts_with("blob:"));
        if is_ours { url } else { JsValue::NULL }
    });
    call(&types, "createPolicy", &["holdfast".into(), object(&[("createScriptURL", only_ours.into_js_value())]).into()])
}
