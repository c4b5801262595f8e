//! The page's dealings with its service worker: registration, background sync, updates.

use crate::clock::wall_ms;
use crate::js::{call, call_async, get, global, object, script_url};
use wasm_bindgen::JsValue;

/// The service worker's script.
pub const SERVICE_WORKER: &str = "/sw.js";
/// Every tag of a background sync begins so. The rest is new each time: the same tag again does nothing while it is backing off.
pub const SYNC_TAG: &str = "holdfast-upload-";
/// The message upon which a waiting worker takes over.
const SKIP_WAITING: &str = "skip-waiting";

/// Registers the service worker. `false`: this browser has none, or refuses it here; the till then does not start without a network.
pub async fn register_worker() -> bool {
    let container = container();
    // Never from the HTTP cache: an update must be seen.
    let options = object(&[("updateViaCache", "none".into())]);
    call_async(&container, "register", &[script_url(SERVICE_WORKER), options.into()]).await.is_ok()
}

/// Whether a new version is installed and waits for a tap.
pub async fn update_waits() -> bool {
    match registration().await {
        Some(registration) => get(&registration, "waiting").is_object(),
        None => false,
    }
}

/// Lets the waiting version take over. The page must be loaded again afterwards.
pub async fn apply_update() {
    if let Some(registration) = registration().await {
        let _ = call(&get(&registration, "waiting"), "postMessage", &[SKIP_WAITING.into()]);
    }
}

/// Asks for a background sync with a fresh tag. `false`: this browser has none.
pub async fn register_sync() -> bool {
    let Some(registration) = registration().await else { return false };
    let sync = get(&registration, "sync");
    if sync.is_undefined() {
        return false;
    }
    let tag = format!("{SYNC_TAG}{}", wall_ms());
    call_async(&sync, "register", &[tag.into()]).await.is_ok()
}

async fn registration() -> Option<JsValue> {
    let registration = call_async(&container(), "getRegistration", &[]).await.ok()?;
    registration.is_object().then_some(registration)
}

fn container() -> JsValue {
    get(&global().navigator(), "serviceWorker")
}
