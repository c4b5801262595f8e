//! Waiting for an IndexedDB request without leaving its transaction: nothing but microtasks lie between its event and the awaiter.

use crate::js::fault;
use futures_channel::oneshot;
use holdfast_core::outbox::StoreFault;
use std::cell::Cell;
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use web_sys::IdbRequest;

/// Takes its handlers off again when dropped, so that a late event does not call what is gone.
struct Listening<'a> {
    request: &'a IdbRequest,
    _handlers: [Closure<dyn FnMut()>; 2],
}

impl Drop for Listening<'_> {
    fn drop(&mut self) {
        self.request.set_onsuccess(None);
        self.request.set_onerror(None);
    }
}

/// The request's result.
pub(super) async fn wait(request: &IdbRequest) -> Result<JsValue, StoreFault> {
    let (send, ended) = oneshot::channel();
    let send = Rc::new(Cell::new(Some(send)));
    let handler = || {
        let send = Rc::clone(&send);
        Closure::<dyn FnMut()>::new(move || {
            if let Some(send) = send.take() {
                let _ = send.send(());
            }
        })
    };
    let handlers = [handler(), handler()];
    request.set_onsuccess(Some(handlers[0].as_ref().unchecked_ref()));
    request.set_onerror(Some(handlers[1].as_ref().unchecked_ref()));
    let _listening = Listening { request, _handlers: handlers };
    ended.await.map_err(|_| StoreFault::Broken)?;
    match request.error() {
        Ok(None) => request.result().map_err(|e| fault(&e)),
        Ok(Some(error)) => Err(fault(&error)),
        Err(error) => Err(fault(&error)),
    }
}
