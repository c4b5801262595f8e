//! The journal in the origin private file system: what can be done from anywhere.

use crate::js::{call, call_async, error_name, fault, get, global, object};
use gloo_timers::future::TimeoutFuture;
use holdfast_core::outbox::StoreFault;
use std::cell::RefCell;
use wasm_bindgen::prelude::*;

/// A folder, if this browser has such a file system.
pub(super) struct OpfsPlace {
    name: String,
    /// Asking for the folder takes longer than what is done in it.
    held: RefCell<Option<JsValue>>,
}

/// How often, and after how long, a file that somebody holds open is tried again: the writer closes it a moment after it has answered.
const IN_USE_TRIES: u32 = 4;
const IN_USE_MS: u32 = 60;

impl OpfsPlace {
    pub fn new(name: &str) -> Self {
        Self { name: name.into(), held: RefCell::default() }
    }

    pub async fn list(&self) -> Result<Vec<String>, StoreFault> {
        // The folder may have been deleted since it was asked for.
        self.held.borrow_mut().take();
        let Some(folder) = self.folder().await? else { return Ok(Vec::new()) };
        let names = call(&folder, "keys", &[]).map_err(|e| fault(&e))?;
        let mut found = Vec::new();
        loop {
            let next = call_async(&names, "next", &[]).await.map_err(|e| fault(&e))?;
            if get(&next, "done").is_truthy() {
                return Ok(found);
            }
            found.extend(get(&next, "value").as_string());
        }
    }

    pub async fn read(&self, name: &str) -> Result<Option<String>, StoreFault> {
        let Some(folder) = self.folder().await? else { return Ok(None) };
        let handle = match call_async(&folder, "getFileHandle", &[name.into()]).await {
            Err(e) if error_name(&e) == "NotFoundError" => return Ok(None),
            handle => handle.map_err(|e| fault(&e))?,
        };
        let file = call_async(&handle, "getFile", &[]).await.map_err(|e| fault(&e))?;
        Ok(call_async(&file, "text", &[]).await.map_err(|e| fault(&e))?.as_string())
    }

    pub async fn remove(&self, name: &str) -> Result<(), StoreFault> {
        for _ in 0..IN_USE_TRIES {
            let Some(folder) = self.folder().await? else { return Ok(()) };
            match call_async(&folder, "removeEntry", &[name.into()]).await {
                Err(e) if error_name(&e) == "NoModificationAllowedError" => TimeoutFuture::new(IN_USE_MS).await,
                Err(e) if error_name(&e) == "NotFoundError" => return Ok(()),
                Err(e) => return Err(fault(&e)),
                Ok(_) => return Ok(()),
            }
        }
        Err(StoreFault::Broken)
    }

    /// `None` where there is no such file system, which includes private windows that refuse it.
    async fn folder(&self) -> Result<Option<JsValue>, StoreFault> {
        let held = self.held.borrow().clone();
        if held.is_some() {
            return Ok(held);
        }
        let storage = get(&global().navigator(), "storage");
        if get(&storage, "getDirectory").is_undefined() {
            return Ok(None);
        }
        let Ok(root) = call_async(&storage, "getDirectory", &[]).await else { return Ok(None) };
        let create = object(&[("create", true.into())]);
        match call_async(&root, "getDirectoryHandle", &[self.name.as_str().into(), create.into()]).await {
            Ok(folder) => {
                *self.held.borrow_mut() = Some(folder.clone());
                Ok(Some(folder))
            }
            Err(e) => Err(fault(&e)),
        }
    }
}
