//! Small JavaScript: patches that are taken back, script addresses, databases that vanish.

use js_sys::{Array, Function, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, BlobPropertyBag, Url};

/// The dedicated worker's script, as it is shipped.
pub const JOURNAL_JS: &str = include_str!("../../../service-worker/journal.js");

/// Runs its code, which returns a function; that function is run when this is dropped.
pub struct Patch(Function);

impl Patch {
    pub fn new(code: &str) -> Self {
        let restore = Function::new_no_args(code).call0(&JsValue::NULL).expect("the patch runs");
        Self(restore.dyn_into().expect("the patch returns its undoing"))
    }
}

impl Drop for Patch {
    fn drop(&mut self) {
        self.0.call0(&JsValue::NULL).expect("the patch is taken back");
    }
}

/// An address for a script's text.
pub fn blob_url(code: &str) -> String {
    let options = BlobPropertyBag::new();
    options.set_type("text/javascript");
    let blob = Blob::new_with_str_sequence_and_options(&Array::of1(&code.into()), &options).expect("a blob");
    Url::create_object_url_with_blob(&blob).expect("an address")
}

/// Runs an async function's body.
pub async fn run(body: &str) -> JsValue {
    let promise = Function::new_no_args(&format!("return (async () => {{ {body} }})()"));
    let promise: Promise = promise.call0(&JsValue::NULL).expect("it starts").dyn_into().expect("a promise");
    JsFuture::from(promise).await.unwrap_or_else(|e| panic!("{body}: {e:?}"))
}

/// Deletes a database as a damaged browser profile does: at once and without a word.
pub async fn wipe(database: &str) {
    run(&format!(
        "await new Promise((done, failed) => {{ const r = indexedDB.deleteDatabase('{database}'); r.onsuccess = done; r.onerror = failed; }})"
    ))
    .await;
}

pub fn get(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &name.into()).unwrap_or_default()
}

pub async fn sleep(ms: u32) {
    run(&format!("await new Promise((done) => setTimeout(done, {ms}))")).await;
}

/// Waits for something that is not said but happens. Generous: a busy machine must not fail a test.
pub async fn until(happened: impl Fn() -> bool) {
    until_async(async || happened()).await;
}

/// The same for what must be looked for.
pub async fn until_async(happened: impl AsyncFn() -> bool) {
    for _ in 0..3_000 {
        if happened().await {
            return;
        }
        sleep(20).await;
    }
    panic!("waited in vain");
}
