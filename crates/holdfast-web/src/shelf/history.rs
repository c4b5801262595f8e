//! The till's copy of the history: the newest payments and how far the server's feed was read.

use super::{HISTORY, SETTINGS, Shelf, broken, end};
use holdfast_core::limits::HISTORY_KEPT_MAX;
use holdfast_core::outbox::StoreFault;
use holdfast_wire::history::PaymentView;
use rexie::TransactionMode;
use wasm_bindgen::JsValue;

const CURSOR: &str = "history-cursor";

impl Shelf {
    pub async fn history(&self) -> Result<Vec<PaymentView>, StoreFault> {
        let reading = self.begin(&[HISTORY], TransactionMode::ReadOnly)?;
        let rows = reading.store(HISTORY).map_err(broken)?.get_all(None, None).await.map_err(broken)?;
        let texts = rows.into_iter().filter_map(|row| row.as_string());
        Ok(texts.filter_map(|text| PaymentView::from_json(text.as_bytes()).ok()).collect())
    }

    /// Where the feed goes on; empty for its beginning.
    pub async fn history_cursor(&self) -> Result<String, StoreFault> {
        Ok(self.text(SETTINGS, CURSOR).await?.unwrap_or_default())
    }

    /// Keeps a page of changes and, in the same transaction, where the next begins. The oldest go when there are too many.
    pub async fn put_history(&self, payments: &[PaymentView], cursor: Option<&str>) -> Result<(), StoreFault> {
        let writing = self.begin(&[HISTORY, SETTINGS], TransactionMode::ReadWrite)?;
        let history = writing.store(HISTORY).map_err(broken)?;
        for payment in payments {
            let key = JsValue::from_str(&payment.id);
            let held = history.get(key).await.map_err(broken)?.and_then(|row| row.as_string());
            let held = held.and_then(|text| PaymentView::from_json(text.as_bytes()).ok());
            // A slow answer must not put an older state over a newer one.
            if held.is_some_and(|held| held.changed_ms > payment.changed_ms) {
                continue;
            }
            let row = JsValue::from_str(&payment.to_json());
            history.put(&row, Some(&JsValue::from_str(&payment.id))).await.map_err(broken)?;
        }
        // Ids begin with the time, so the first keys are the oldest payments.
        let keys = history.get_all_keys(None, None).await.map_err(broken)?;
        for key in keys.iter().take(keys.len().saturating_sub(HISTORY_KEPT_MAX)) {
            history.delete(key.clone()).await.map_err(broken)?;
        }
        if let Some(cursor) = cursor {
            let settings = writing.store(SETTINGS).map_err(broken)?;
            settings.put(&JsValue::from_str(cursor), Some(&JsValue::from_str(CURSOR))).await.map_err(broken)?;
        }
        end(writing).await
    }
}
