//! The journal in the origin private file system: what can be done from anywhere.

use crate::js::{call, call_async, error_name, fault, get, global, object};
use holdfast_core::outbox::StoreFault;
use wasm_bindgen::prelude::*;

/// A folder, if this browser has such a file system.
pub(super) struct OpfsPlace {
    name: String,
}

impl OpfsPlace {
    pub fn new(name: &str) -> Self {
        Self { name: name.into() }
    }

    pub async fn list(&self) -> Result<Vec<String>, StoreFault> {
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
        let Some(folder) = self.folder().await? else { return Ok(()) };
        match call_async(&folder, "removeEntry", &[name.into()]).await {
            Err(e) if error_name(&e) == "NotFoundError" => Ok(()),
            Err(e) => Err(fault(&e)),
            Ok(_) => Ok(()),
        }
    }

    /// `None` where there is no such file system, which includes private windows that refuse it.
    async fn folder(&self) -> Result<Option<JsValue>, StoreFault> {
        let storage = get(&global().navigator(), "storage");
        if get(&storage, "getDirectory").is_undefined() {
            return Ok(None);
        }
        let Ok(root) = call_async(&storage, "getDirectory", &[]).await else { return Ok(None) };
        let create = object(&[("create", true.into())]);
        match call_async(&root, "getDirectoryHandle", &[self.name.as_str().into(), create.into()]).await {
            Ok(folder) => Ok(Some(folder)),
            Err(e) => Err(fault(&e)),
        }
    }
}
