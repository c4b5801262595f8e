//! The page's end of the dedicated worker (journal.js) that writes and flushes files.

use crate::clock::wall_ms;
use crate::js::{error_name, get, object, script_url};
use crate::rng;
use futures_channel::oneshot;
use futures_util::future::{Either, select};
use gloo_timers::future::TimeoutFuture;
use holdfast_core::limits::PREPARED_FILES_MAX;
use holdfast_core::outbox::StoreFault;
use holdfast_wire::stored::prepared_name;
use js_sys::{Array, Function, Reflect};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::pin::pin;
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use web_sys::{MessageEvent, Worker};

/// A worker that does not answer within this is taken for broken.
const ANSWER_MS_MAX: u32 = 5_000;

type Pending = Rc<RefCell<HashMap<u32, oneshot::Sender<Result<(), String>>>>>;

/// Starts its worker when first used.
pub(super) struct Writer {
    folder: String,
    url: String,
    running: RefCell<Option<Running>>,
    works: Cell<Option<bool>>,
    last_id: Cell<u32>,
    pending: Pending,
    /// Names of files that the worker has made and holds open.
    prepared: RefCell<Vec<String>>,
    is_preparing: Cell<bool>,
}

struct Running {
    worker: Worker,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}

impl Writer {
    pub fn new(folder: &str, url: &str) -> Self {
        Self {
            folder: folder.into(),
            url: url.into(),
            running: RefCell::default(),
            works: Cell::default(),
            last_id: Cell::default(),
            pending: Rc::default(),
            prepared: RefCell::default(),
            is_preparing: Cell::default(),
        }
    }

    /// Whether this browser can flush files. A certain answer is kept; a script that could not be loaded just now is tried again.
    pub async fn works(&self) -> bool {
        if let Some(works) = self.works.get() {
            return works;
        }
        match self.ask(&[("op", "hello".into())]).await {
            Ok(()) => self.works.set(Some(true)),
            Err(error) if matches!(error.as_str(), "TimeoutError" | "AbortError") => {
                // What it held open is closed with it.
                self.prepared.borrow_mut().clear();
                self.running.borrow_mut().take();
            }
            Err(_) => self.works.set(Some(false)),
        }
        self.works.get().unwrap_or(false)
    }

    /// Has files made until there are [`PREPARED_FILES_MAX`]. What does not work is left: a payment then makes its file itself.
    pub async fn prepare(&self) {
        if self.works.get() != Some(true) || self.is_preparing.replace(true) {
            return;
        }
        while self.prepared.borrow().len() < PREPARED_FILES_MAX {
            let Ok(random) = rng::bytes() else { break };
            let name = prepared_name(wall_ms(), random);
            if self.ask(&[("op", "prepare".into()), ("name", name.as_str().into())]).await.is_err() {
                break;
            }
            self.prepared.borrow_mut().push(name);
        }
        self.is_preparing.set(false);
    }

    /// The name of a prepared file, for one payment only.
    pub fn take_prepared(&self) -> Option<String> {
        self.prepared.borrow_mut().pop()
    }

    /// Removes a file if it is empty and nobody holds it open.
    pub async fn discard(&self, name: &str) -> bool {
        self.ask(&[("op", "discard".into()), ("name", name.into())]).await.is_ok()
    }

    pub async fn write(&self, name: &str, text: &str) -> Result<(), StoreFault> {
        let members = [("op", "write".into()), ("name", name.into()), ("text", text.into())];
        self.ask(&members).await.map_err(|error| match error.as_str() {
            "QuotaExceededError" => StoreFault::Full,
            _ => StoreFault::Broken,
        })
    }

    /// Sends a message and waits for its answer: `Err` with the error's name.
    async fn ask(&self, members: &[(&str, JsValue)]) -> Result<(), String> {
        let worker = self.worker().map_err(|e| error_name(&e))?;
        let id = self.last_id.get().wrapping_add(1);
        self.last_id.set(id);
        let message = object(members);
        for (name, value) in [("id", JsValue::from(id)), ("folder", self.folder.as_str().into())] {
            let _ = Reflect::set(&message, &name.into(), &value);
        }
        let (send, answer) = oneshot::channel();
        self.pending.borrow_mut().insert(id, send);
        worker.post_message(&message).map_err(|e| error_name(&e))?;
        let answered = match select(pin!(answer), TimeoutFuture::new(ANSWER_MS_MAX)).await {
            Either::Left((answer, _)) => answer.unwrap_or_else(|_| Err("AbortError".into())),
            Either::Right(_) => Err("TimeoutError".into()),
        };
        self.pending.borrow_mut().remove(&id);
        answered
    }

    fn worker(&self) -> Result<Worker, JsValue> {
        if let Some(running) = self.running.borrow().as_ref() {
            return Ok(running.worker.clone());
        }
        // By way of Reflect, because under Trusted Types the address is not a string.
        let constructor: Function = get(&js_sys::global(), "Worker").dyn_into()?;
        let worker: Worker = Reflect::construct(&constructor, &Array::of1(&script_url(&self.url)))?.unchecked_into();
        let pending = Rc::clone(&self.pending);
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            let data = event.data();
            let id = get(&data, "id").as_f64().unwrap_or_default() as u32;
            let result = get(&data, "error").as_string().map_or(Ok(()), Err);
            if let Some(send) = pending.borrow_mut().remove(&id) {
                let _ = send.send(result);
            }
        });
        let pending = Rc::clone(&self.pending);
        // The script is missing or failed: whoever waits learns it now.
        let on_error = Closure::<dyn FnMut()>::new(move || pending.borrow_mut().clear());
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        *self.running.borrow_mut() =
            Some(Running { worker: worker.clone(), _on_message: on_message, _on_error: on_error });
        Ok(worker)
    }
}
