//! The browser's stores in the words of the conformance suite.

use holdfast_core::id::RecordHash;
use holdfast_core::outbox::{Entry, StoreFault};
use holdfast_testkit::store::{DeviceStore, JournalContent};
use holdfast_web::journal::Journal;
use holdfast_web::money::Money;
use holdfast_web::recovery::{is_head, read_head, write_head};
use holdfast_wire::stored::{ChainHead, StoredPayment, Tombstone};

const DEVICE: &str = "conformance";

pub struct BrowserStore {
    pub money: Money,
    pub journal: Journal,
}

impl DeviceStore for BrowserStore {
    async fn journal(&self, payment: &StoredPayment, head: &ChainHead) -> Result<(), StoreFault> {
        self.journal.write(&payment.journal_name(), &payment.to_json()).await?;
        write_head(&self.journal, DEVICE, head).await
    }

    async fn commit(&self, payment: &StoredPayment, head: &ChainHead) -> Result<(), StoreFault> {
        self.money.commit(payment, None, head.sale_number).await
    }

    async fn read_back(&self, id: &str) -> Result<Option<RecordHash>, StoreFault> {
        self.money.read_back(id).await
    }

    async fn uncommit(&self, payment: &StoredPayment, head_before: &ChainHead) -> Result<(), StoreFault> {
        self.money.uncommit(payment, &head_before.head).await
    }

    async fn unjournal(&self, name: &str) -> Result<(), StoreFault> {
        self.journal.remove(name).await
    }

    async fn list(&self) -> Result<Vec<Entry>, StoreFault> {
        Ok(self.money.outbox().await?.into_iter().map(|row| row.entry).collect())
    }

    async fn payment(&self, id: &str) -> Result<Option<StoredPayment>, StoreFault> {
        let rows = self.money.outbox_rows(&[id.to_owned()]).await?;
        Ok(rows.into_iter().next().map(|row| row.stored))
    }

    async fn settle(&self, settled: &[(Entry, Tombstone)]) -> Result<(), StoreFault> {
        self.money.settle(settled).await
    }

    async fn head(&self) -> Result<Option<ChainHead>, StoreFault> {
        self.money.head_if_any().await
    }

    async fn raise_head(&self, head: &ChainHead) -> Result<(), StoreFault> {
        self.money.raise_head(head).await
    }

    async fn tombstones(&self) -> Result<Vec<Tombstone>, StoreFault> {
        self.money.tombstones().await
    }

    async fn journal_content(&self) -> Result<JournalContent, StoreFault> {
        let mut content = JournalContent { head: read_head(&self.journal, DEVICE).await?, ..JournalContent::default() };
        for name in self.journal.list().await?.into_iter().filter(|n| !is_head(n)) {
            match StoredPayment::from_json(&self.journal.read(&name).await?.unwrap_or_default()) {
                Ok(stored) => content.whole.push(stored),
                Err(_) => content.torn.push(name),
            }
        }
        Ok(content)
    }

    async fn copy_head(&self, head: &ChainHead) -> Result<(), StoreFault> {
        write_head(&self.journal, DEVICE, head).await
    }

    async fn restore(&self, payment: &StoredPayment) -> Result<(), StoreFault> {
        self.money.put_back(payment).await.map(drop)
    }

    async fn sweep_tombstones(&self, at_ms: i64) -> Result<(), StoreFault> {
        let old = self.money.tombstones().await?.into_iter().filter(|t| t.at_ms < at_ms);
        self.money.forget(&old.map(|t| t.id).collect::<Vec<_>>()).await
    }
}
