//! Receipts that customers asked for by e-mail, until the server has them. They are no money: losing one loses a letter.

use super::{SETTINGS, Shelf, broken};
use holdfast_core::outbox::StoreFault;
use rexie::TransactionMode;

/// Before the id, in the store of small things.
const PREFIX: &str = "receipt-";

impl Shelf {
    /// Every row, as the text that was put.
    pub async fn receipts(&self) -> Result<Vec<String>, StoreFault> {
        let reading = self.begin(&[SETTINGS], TransactionMode::ReadOnly)?;
        let store = reading.store(SETTINGS).map_err(broken)?;
        let mut rows = Vec::new();
        for key in store.get_all_keys(None, None).await.map_err(broken)? {
            if key.as_string().is_some_and(|name| name.starts_with(PREFIX)) {
                let row = store.get(key).await.map_err(broken)?;
                rows.extend(row.and_then(|row| row.as_string()));
            }
        }
        Ok(rows)
    }

    /// Puts a row by its id; `None` deletes it.
    pub async fn put_receipt(&self, id: &str, row: Option<&str>) -> Result<(), StoreFault> {
        self.put(SETTINGS, &[(&format!("{PREFIX}{id}"), row)]).await
    }
}
