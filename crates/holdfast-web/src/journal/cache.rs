//! The journal in Cache Storage, for browsers without a file system of the origin. It cannot be flushed; it is a second copy all the same.

use crate::js::{fault, global};
use holdfast_core::outbox::StoreFault;
use js_sys::Array;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Cache, Request, Response};

/// A cache with one entry per file, under `/journal/<name>`.
pub(super) struct CachePlace {
    name: String,
}

const PREFIX: &str = "/journal/";

impl CachePlace {
    pub fn new(name: &str) -> Self {
        Self { name: name.into() }
    }

    pub async fn write(&self, name: &str, text: &str) -> Result<(), StoreFault> {
        let cache = self.open(true).await?.ok_or(StoreFault::Broken)?;
        let response = Response::new_with_opt_str(Some(text)).map_err(|e| fault(&e))?;
        let put = JsFuture::from(cache.put_with_str(&address(name), &response));
        put.await.map(drop).map_err(|e| fault(&e))
    }

    pub async fn list(&self) -> Result<Vec<String>, StoreFault> {
        let Some(cache) = self.open(false).await? else { return Ok(Vec::new()) };
        let requests: Array =
            JsFuture::from(cache.keys()).await.map_err(|e| fault(&e))?.dyn_into().map_err(|_| StoreFault::Broken)?;
        let urls = requests.iter().filter_map(|r| r.dyn_into::<Request>().ok()).map(|r| r.url());
        Ok(urls.filter_map(|u| u.rsplit_once(PREFIX).map(|(_, name)| name.to_owned())).collect())
    }

    pub async fn read(&self, name: &str) -> Result<Option<String>, StoreFault> {
        let Some(cache) = self.open(false).await? else { return Ok(None) };
        let found = JsFuture::from(cache.match_with_str(&address(name))).await.map_err(|e| fault(&e))?;
        let Ok(response) = found.dyn_into::<Response>() else { return Ok(None) };
        let text = response.text().map_err(|e| fault(&e))?;
        Ok(JsFuture::from(text).await.map_err(|e| fault(&e))?.as_string())
    }

    pub async fn remove_all(&self, names: &[String]) -> Result<(), StoreFault> {
        let Some(cache) = self.open(false).await? else { return Ok(()) };
        for name in names {
            JsFuture::from(cache.delete_with_str(&address(name))).await.map_err(|e| fault(&e))?;
        }
        Ok(())
    }

    /// `None` where there is no such storage, and where nothing was ever written and nothing is to be.
    async fn open(&self, create: bool) -> Result<Option<Cache>, StoreFault> {
        let Some(caches) = global().caches() else { return Ok(None) };
        let is_there = async || JsFuture::from(caches.has(&self.name)).await.map_err(|e| fault(&e));
        if !create && !is_there().await?.is_truthy() {
            return Ok(None);
        }
        let cache = JsFuture::from(caches.open(&self.name)).await.map_err(|e| fault(&e))?;
        Ok(Some(cache.unchecked_into()))
    }
}

fn address(name: &str) -> String {
    format!("{PREFIX}{name}")
}
