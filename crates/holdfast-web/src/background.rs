//! The page's dealings with its service worker: registration, background sync, updates.

use crate::clock::wall_ms;
use crate::js::{call, call_async, get, global, object, script_url};
use gloo_timers::future::TimeoutFuture;
use wasm_bindgen::JsValue;

/// The service worker's script.
pub const SERVICE_WORKER: &str = "/sw.js";
/// Every tag of a background sync begins so. The rest is new each time: the same tag again does nothing while it is backing off.
pub const SYNC_TAG: &str = "holdfast-upload-";
/// The message upon which a waiting worker takes over.
const SKIP_WAITING: &str = "skip-waiting";
/// How soon, and at last how seldom, an installation that failed is tried again.
const AGAIN_MS: u32 = 2_000;
const AGAIN_MS_MAX: u32 = 20_000;
const LOOK_MS: u32 = 500;

/// Registers the service worker and does not rest before it is installed: all its files must arrive, and the network that a tablet
/// is set up in may come and go. `false`: this browser has none; the till then does not start without a network.
pub async fn install_worker() -> bool {
    if !container().is_object() {
        return false;
    }
    let mut pause_ms = AGAIN_MS;
    while !(register_worker().await && is_installed().await) {
        TimeoutFuture::new(pause_ms).await;
        pause_ms = pause_ms.saturating_mul(2).min(AGAIN_MS_MAX);
    }
    true
}

/// Waits for the installation's end, which the browser tells by what has become of the registration.
async fn is_installed() -> bool {
    while let Some(registration) = registration().await {
        if ["active", "waiting"].iter().any(|worker| get(&registration, worker).is_object()) {
            return true;
        }
        if !get(&registration, "installing").is_object() {
            return false;
        }
        TimeoutFuture::new(LOOK_MS).await;
    }
    false
}

async fn register_worker() -> bool {
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
