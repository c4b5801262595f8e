//! Web Locks. A lock is a lease: a stopped worker loses it without notice, so whatever is done under one may be done twice.

use crate::js::{self, call, get, object};
use futures_channel::oneshot;
use js_sys::{Function, Promise};
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::prelude::*;

/// Held around a save, so that the chain of records is written by one at a time.
pub const CHAIN: &str = "holdfast-chain";
/// Held by whoever uploads the whole queue.
pub const UPLOAD: &str = "holdfast-upload";

/// Held while a PIN is tried, so that every attempt is counted.
pub const PINS: &str = "holdfast-pins";

/// Releases its lock when dropped.
pub struct Guard {
    release: Function,
}

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.release.call0(&JsValue::UNDEFINED);
    }
}

/// Waits for the lock. `None` only where the browser has no locks.
pub async fn hold(name: &str) -> Option<Guard> {
    request(name, false).await
}

/// Takes the lock if it is free.
pub async fn hold_if_free(name: &str) -> Option<Guard> {
    request(name, true).await
}

async fn request(name: &str, only_if_free: bool) -> Option<Guard> {
    let locks = get(&js::global().navigator(), "locks");
    let release = Rc::new(RefCell::new(None));
    let into = Rc::clone(&release);
    let until_released = Promise::new(&mut |resolve, _| *into.borrow_mut() = Some(resolve));
    let guard = Guard { release: release.borrow_mut().take()? };
    let (send, granted) = oneshot::channel();
    // The guard travels in the channel: if nobody waits any more, it is dropped there and the lock is free again.
    let callback = Closure::once_into_js(move |lock: JsValue| -> JsValue {
        if lock.is_null() {
            return JsValue::UNDEFINED;
        }
        let _ = send.send(guard);
        until_released.into()
    });
    let options = object(&[("ifAvailable", only_if_free.into())]);
    call(&locks, "request", &[name.into(), options.into(), callback]).ok()?;
    granted.await.ok()
}
