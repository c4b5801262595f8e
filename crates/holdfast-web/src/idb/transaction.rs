//! A transaction whose end is known: it succeeds on the browser's `complete` event only, and one that is dropped before is aborted.

use super::request::wait;
use crate::js::{call, fault, object};
use futures_channel::oneshot;
use futures_util::future::try_join_all;
use holdfast_core::outbox::StoreFault;
use js_sys::Array;
use std::cell::Cell;
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use web_sys::{IdbDatabase, IdbObjectStore, IdbTransaction};

#[wasm_bindgen]
extern "C" {
    /// `IDBDatabase` with the third argument of `transaction`, which web-sys keeps behind its unstable switch.
    #[wasm_bindgen(extends = IdbDatabase)]
    type Database;
    #[wasm_bindgen(method, catch)]
    fn transaction(this: &Database, stores: &Array, mode: &str, options: &JsValue) -> Result<IdbTransaction, JsValue>;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Read,
    WriteStrictly,
}

/// The transaction. Between its requests nothing but its own requests may be awaited: the browser would commit it.
pub struct Transaction {
    inner: IdbTransaction,
    ended: oneshot::Receiver<Result<(), StoreFault>>,
    is_over: bool,
    _handlers: [Closure<dyn FnMut()>; 2],
}

impl Transaction {
    pub(super) fn begin(database: &IdbDatabase, stores: &[&str], mode: Mode) -> Result<Self, JsValue> {
        let stores: Array = stores.iter().map(|s| JsValue::from_str(s)).collect();
        let mode = match mode {
            Mode::Read => "readonly",
            Mode::WriteStrictly => "readwrite",
        };
        let options = object(&[("durability", "strict".into())]);
        let inner = database.unchecked_ref::<Database>().transaction(&stores, mode, &options)?;
        let (send, ended) = oneshot::channel();
        let send = Rc::new(Cell::new(Some(send)));
        let tell = move |send: &Rc<Cell<Option<oneshot::Sender<_>>>>, result| {
            if let Some(send) = send.take() {
                let _ = send.send(result);
            }
        };
        let (on_complete, on_abort, of) = (Rc::clone(&send), send, inner.clone());
        let handlers = [
            Closure::<dyn FnMut()>::new(move || tell(&on_complete, Ok(()))),
            Closure::<dyn FnMut()>::new(move || {
                tell(&on_abort, Err(of.error().map_or(StoreFault::Broken, |e| fault(&e))));
            }),
        ];
        inner.set_oncomplete(Some(handlers[0].as_ref().unchecked_ref()));
        inner.set_onabort(Some(handlers[1].as_ref().unchecked_ref()));
        Ok(Self { inner, ended, is_over: false, _handlers: handlers })
    }

    /// A value, if there is one.
    pub async fn get(&self, store: &str, key: &str) -> Result<Option<JsValue>, StoreFault> {
        let request = self.store(store)?.get(&key.into()).map_err(|e| fault(&e))?;
        Ok(Some(wait(&request).await?).filter(|v| !v.is_undefined()))
    }

    /// A value that is text.
    pub async fn get_text(&self, store: &str, key: &str) -> Result<Option<String>, StoreFault> {
        Ok(self.get(store, key).await?.and_then(|v| v.as_string()))
    }

    /// The values of these keys that are text; those that are not there are left out.
    pub async fn get_texts(&self, store: &str, keys: &[String]) -> Result<Vec<String>, StoreFault> {
        let store = self.store(store)?;
        let requests: Result<Vec<_>, _> = keys.iter().map(|key| store.get(&key.as_str().into())).collect();
        let requests = requests.map_err(|e| fault(&e))?;
        let values = try_join_all(requests.iter().map(wait)).await?;
        Ok(values.into_iter().filter_map(|v| v.as_string()).collect())
    }

    /// All values that are text.
    pub async fn all_texts(&self, store: &str) -> Result<Vec<String>, StoreFault> {
        let request = self.store(store)?.get_all().map_err(|e| fault(&e))?;
        let values: Array = wait(&request).await?.dyn_into().map_err(|_| StoreFault::Broken)?;
        Ok(values.iter().filter_map(|v| v.as_string()).collect())
    }

    /// All keys.
    pub async fn keys(&self, store: &str) -> Result<Vec<String>, StoreFault> {
        let request = self.store(store)?.get_all_keys().map_err(|e| fault(&e))?;
        let keys: Array = wait(&request).await?.dyn_into().map_err(|_| StoreFault::Broken)?;
        Ok(keys.iter().filter_map(|k| k.as_string()).collect())
    }

    /// Writes; whether it worked is known after [`Self::commit`].
    pub fn put(&self, store: &str, key: &str, value: &JsValue) -> Result<(), StoreFault> {
        self.store(store)?.put_with_key(value, &key.into()).map(drop).map_err(|e| fault(&e))
    }

    pub fn put_text(&self, store: &str, key: &str, text: &str) -> Result<(), StoreFault> {
        self.put(store, key, &text.into())
    }

    pub fn delete(&self, store: &str, key: &str) -> Result<(), StoreFault> {
        self.store(store)?.delete(&key.into()).map(drop).map_err(|e| fault(&e))
    }

    /// Ends it and waits until it is on the disk.
    pub async fn commit(mut self) -> Result<(), StoreFault> {
        // Not waiting for the browser to notice that nothing follows saves a turn; where it cannot be asked, it notices.
        let _ = call(&self.inner, "commit", &[]);
        let ended = (&mut self.ended).await;
        self.is_over = true;
        ended.unwrap_or(Err(StoreFault::Broken))
    }

    fn store(&self, name: &str) -> Result<IdbObjectStore, StoreFault> {
        self.inner.object_store(name).map_err(|e| fault(&e))
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        self.inner.set_oncomplete(None);
        self.inner.set_onabort(None);
        if !self.is_over {
            // A read that is not ended is aborted too; nothing hangs on it.
            let _ = self.inner.abort();
        }
    }
}
