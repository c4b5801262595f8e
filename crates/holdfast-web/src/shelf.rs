//! What is not money, in the database `holdfast` by rexie: shop, settings, history, the open sale.
//!
//! rexie gives `Ok(Aborted)` for a failed transaction, so every write here asks how it ended. It also drops stores that its
//! builder does not declare, which is why money has a database of its own.

mod history;
mod receipts;

use holdfast_core::outbox::StoreFault;
use rexie::{ObjectStore, Rexie, Transaction, TransactionMode, TransactionResult};
use wasm_bindgen::JsValue;

/// The database's name.
pub const SHELF: &str = "holdfast";
const VERSION: u32 = 1;

const SHOP: &str = "shop";
const SETTINGS: &str = "settings";
const HISTORY: &str = "history";
const DRAFTS: &str = "drafts";

/// Names within the small stores.
const CURRENT: &str = "current";
const ETAG: &str = "etag";

/// The database.
pub struct Shelf {
    database: Rexie,
}

impl Shelf {
    pub async fn open(name: &str) -> Result<Self, StoreFault> {
        let builder = Rexie::builder(name).version(VERSION);
        let builder = [SHOP, SETTINGS, HISTORY, DRAFTS]
            .into_iter()
            .fold(builder, |builder, store| builder.add_object_store(ObjectStore::new(store)));
        Ok(Self { database: builder.build().await.map_err(|_| StoreFault::Broken)? })
    }

    /// The shop as JSON, and its ETag.
    pub async fn shop(&self) -> Result<Option<(String, Option<String>)>, StoreFault> {
        let Some(shop) = self.text(SHOP, CURRENT).await? else { return Ok(None) };
        Ok(Some((shop, self.text(SHOP, ETAG).await?)))
    }

    pub async fn put_shop(&self, shop: &str, etag: Option<&str>) -> Result<(), StoreFault> {
        self.put(SHOP, &[(CURRENT, Some(shop)), (ETAG, etag)]).await
    }

    pub async fn setting(&self, name: &str) -> Result<Option<String>, StoreFault> {
        self.text(SETTINGS, &format!("page-{name}")).await
    }

    pub async fn put_setting(&self, name: &str, value: &str) -> Result<(), StoreFault> {
        self.put(SETTINGS, &[(&format!("page-{name}"), Some(value))]).await
    }

    pub async fn draft(&self) -> Result<Option<String>, StoreFault> {
        self.text(DRAFTS, CURRENT).await
    }

    pub async fn put_draft(&self, draft: Option<&str>) -> Result<(), StoreFault> {
        self.put(DRAFTS, &[(CURRENT, draft)]).await
    }

    async fn text(&self, store: &str, key: &str) -> Result<Option<String>, StoreFault> {
        let reading = self.begin(&[store], TransactionMode::ReadOnly)?;
        let value = reading.store(store).map_err(broken)?.get(key.into()).await.map_err(broken)?;
        Ok(value.and_then(|v| v.as_string()))
    }

    /// Puts texts; `None` deletes.
    async fn put(&self, store: &str, entries: &[(&str, Option<&str>)]) -> Result<(), StoreFault> {
        let writing = self.begin(&[store], TransactionMode::ReadWrite)?;
        let target = writing.store(store).map_err(broken)?;
        for (key, text) in entries {
            let key = JsValue::from_str(key);
            match text {
                Some(text) => target.put(&JsValue::from_str(text), Some(&key)).await.map(drop),
                None => target.delete(key).await,
            }
            .map_err(broken)?;
        }
        end(writing).await
    }

    fn begin(&self, stores: &[&str], mode: TransactionMode) -> Result<Transaction, StoreFault> {
        self.database.transaction(stores, mode).map_err(broken)
    }
}

/// Waits for the end; only `Committed` is one.
async fn end(transaction: Transaction) -> Result<(), StoreFault> {
    match transaction.done().await {
        Ok(TransactionResult::Committed) => Ok(()),
        Ok(TransactionResult::Aborted) | Err(_) => Err(StoreFault::Broken),
    }
}

fn broken(_: rexie::Error) -> StoreFault {
    StoreFault::Broken
}
