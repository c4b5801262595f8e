//! The second copy of every waiting payment, for the day when the browser loses its database: one file per payment.
//!
//! In the origin's private file system where there is one (written by a dedicated worker, since only there a file can be flushed
//! to the disk), else in Cache Storage. Everybody reads and removes in both places, so they never disagree about which.

mod cache;
mod opfs;
mod writer;

use cache::CachePlace;
use holdfast_core::outbox::StoreFault;
use opfs::OpfsPlace;
use std::collections::BTreeSet;
use writer::Writer;

/// Name of the folder, of the cache, and part of every address in it.
pub const JOURNAL: &str = "holdfast-journal";
/// The dedicated worker's script.
pub const JOURNAL_WORKER: &str = "/journal.js";

/// The journal.
pub struct Journal {
    opfs: OpfsPlace,
    cache: CachePlace,
    writer: Option<Writer>,
}

/// Where a write went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Files,
    Cache,
}

impl Journal {
    /// For a page, which can write.
    pub fn writable(name: &str, worker_url: &str) -> Self {
        Self { writer: Some(Writer::new(name, worker_url)), ..Self::readable(name) }
    }

    /// For the service worker, which lists, reads and removes; it has no dedicated workers.
    pub fn readable(name: &str) -> Self {
        Self { opfs: OpfsPlace::new(name), cache: CachePlace::new(name), writer: None }
    }

    pub fn can_write(&self) -> bool {
        self.writer.is_some()
    }

    /// Starts the writing worker ahead, so that the first sale neither waits for it nor has to do without it.
    pub async fn prepare(&self) {
        if let Some(writer) = &self.writer {
            writer.works().await;
        }
    }

    /// Writes a file and flushes it to the disk.
    pub async fn write(&self, name: &str, text: &str) -> Result<Place, StoreFault> {
        let writer = self.writer.as_ref().ok_or(StoreFault::Broken)?;
        if writer.works().await {
            writer.write(name, text).await?;
            return Ok(Place::Files);
        }
        self.cache.write(name, text).await?;
        Ok(Place::Cache)
    }

    /// Names of all files.
    pub async fn list(&self) -> Result<Vec<String>, StoreFault> {
        let mut names: BTreeSet<String> = self.opfs.list().await?.into_iter().collect();
        names.extend(self.cache.list().await?);
        Ok(names.into_iter().collect())
    }

    pub async fn read(&self, name: &str) -> Result<Option<String>, StoreFault> {
        match self.opfs.read(name).await? {
            Some(text) => Ok(Some(text)),
            None => self.cache.read(name).await,
        }
    }

    /// Removes a file; one that is not there is as good as removed.
    pub async fn remove(&self, name: &str) -> Result<(), StoreFault> {
        self.opfs.remove(name).await?;
        self.cache.remove(name).await
    }
}
