//! The second copy of every waiting payment, for the day when the browser loses its database: one file per payment.
//!
//! A file is prepared before its payment is known, or made for it; either way what is in it names it. docs/decisions/prepared-journal-files.md.
//!
//! In the origin's private file system where there is one (written by a dedicated worker, since only there a file can be flushed
//! to the disk), else in Cache Storage. Everybody reads and removes in both places, so they never disagree about which.

mod cache;
mod opfs;
mod writer;

use cache::CachePlace;
use futures_util::future::join;
use futures_util::stream::{self, StreamExt};
use holdfast_core::limits::REMOVALS_AT_ONCE_MAX;
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

    /// Starts the writing worker ahead, so that the first sale neither waits for it nor has to do without it, and has it prepare files:
    /// making one takes much longer than writing and flushing one. For when nobody waits.
    pub async fn prepare(&self) {
        if let Some(writer) = &self.writer
            && writer.works().await
        {
            writer.prepare().await;
        }
    }

    /// The name of a prepared file, if there is one. It is the caller's alone; what is written into it must name it.
    pub fn take_prepared(&self) -> Option<String> {
        self.writer.as_ref()?.take_prepared()
    }

    /// Removes a prepared file that an earlier page left behind. `false`: it is not empty or not left, or it cannot be told.
    pub async fn discard(&self, name: &str) -> bool {
        match &self.writer {
            Some(writer) => writer.works().await && writer.discard(name).await,
            None => false,
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
        self.remove_all(std::slice::from_ref(&name.to_owned())).await
    }

    /// Removes files, several at the same time. What can be removed is removed, also when another cannot.
    pub async fn remove_all(&self, names: &[String]) -> Result<(), StoreFault> {
        let (files, entries) = join(
            stream::iter(names).map(|name| self.opfs.remove(name)).buffer_unordered(REMOVALS_AT_ONCE_MAX).collect(),
            self.cache.remove_all(names),
        )
        .await;
        let files: Vec<Result<(), StoreFault>> = files;
        files.into_iter().collect::<Result<(), StoreFault>>().and(entries)
    }
}
