//! A tablet: a page and a worker over one pair of stores, with a lock that may be lost.

mod offer;
mod page;
mod reply;
mod run;
mod sale;
mod seal;
mod start;

pub use page::{Page, PageEvent};
pub use run::{Run, Who};

use crate::crypto::DEVICE_KEYS;
use crate::network::{Link, NextBatch};
use crate::server::Server;
use crate::world::World;
use holdfast_core::id::DeviceId;
use holdfast_testkit::clock::FakeClock;
use holdfast_testkit::memory::MemoryStore;
use holdfast_testkit::rng::SeededRng;
use holdfast_wire::keyset::KeySet;
use std::collections::BTreeMap;

pub struct Tablet {
    pub device: DeviceId,
    pub number: u32,
    /// Which of the process's device keys. It survives a wipe, as the design asks: it lies outside the money database.
    pub key: usize,
    pub store: MemoryStore,
    pub clock: FakeClock,
    pub link: Link,
    pub next_batch: NextBatch,
    /// Bodies of answers to earlier batches, for something in between to repeat.
    pub older_answers: Vec<Vec<u8>>,
    pub keyset: Option<KeySet>,
    pub page: Option<Page>,
    /// Of the page that runs now or ran last. What is meant for an earlier one is not heard.
    pub page_generation: u64,
    pub runs: BTreeMap<Who, Run>,
    pub lock: Option<Who>,
    /// Both copies were made one since the last fault that wiped one.
    pub is_whole: bool,
    pub is_clone_or_cloned: bool,
    /// The shop is closed: nobody opens the app before.
    pub closed_until_ms: i64,
    pub page_dies: Option<Dies>,
    pub worker_dies: Option<Dies>,
    pub cursor: String,
    /// How often the feed was begun anew, because the server's epoch was another one.
    pub feed: u32,
    /// The epoch of the server whose feed the cursor is of.
    pub feed_epoch: String,
    /// The epoch of the server to which every tombstone was offered. It lies in the money database.
    pub offered: Option<String>,
    /// Tombstones went before their time: with the database, or by a clock that was far ahead.
    pub lost_stones: bool,
    /// What the till's history shows: id -> state.
    pub history: BTreeMap<String, String>,
}

/// Death after so many more steps, with the last one carried out or not.
#[derive(Debug, Clone, Copy)]
pub struct Dies {
    pub steps: u32,
    pub is_done: bool,
}

/// How a step goes for whoever may die over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Lives,
    DiesBefore,
    DiesAfter,
}

impl Tablet {
    pub fn enrolled(index: usize, rng: &mut SeededRng, server: &Server) -> Self {
        let _ = server;
        Self {
            device: DeviceId::make(rng.bytes()),
            number: u32::try_from(index + 1).unwrap_or(1),
            key: index % DEVICE_KEYS,
            store: MemoryStore::default(),
            clock: FakeClock::default(),
            link: Link::Up,
            next_batch: NextBatch::default(),
            older_answers: Vec::new(),
            keyset: None,
            page: None,
            page_generation: 0,
            runs: BTreeMap::new(),
            lock: None,
            is_whole: true,
            is_clone_or_cloned: false,
            closed_until_ms: 0,
            page_dies: None,
            worker_dies: None,
            cursor: "0".to_owned(),
            feed: 0,
            feed_epoch: String::new(),
            offered: None,
            lost_stones: false,
            history: BTreeMap::new(),
        }
    }

    /// A copy of the profile: both disks, the key, and what the app kept.
    pub fn cloned(&self) -> Self {
        Self {
            device: self.device,
            number: self.number,
            key: self.key,
            store: self.store.cloned_disk(),
            clock: FakeClock::default(),
            link: self.link,
            next_batch: NextBatch::default(),
            older_answers: Vec::new(),
            keyset: self.keyset.clone(),
            page: None,
            page_generation: 0,
            runs: BTreeMap::new(),
            lock: None,
            is_whole: true,
            is_clone_or_cloned: true,
            closed_until_ms: self.closed_until_ms,
            page_dies: None,
            worker_dies: None,
            cursor: self.cursor.clone(),
            feed: self.feed,
            feed_epoch: self.feed_epoch.clone(),
            offered: self.offered.clone(),
            lost_stones: self.lost_stones,
            history: self.history.clone(),
        }
    }
}

/// Counts a death down by one step.
pub fn fate(dies: &mut Option<Dies>) -> Fate {
    match dies {
        None => Fate::Lives,
        Some(Dies { steps: 0, is_done }) => {
            let fate = if *is_done { Fate::DiesAfter } else { Fate::DiesBefore };
            *dies = None;
            fate
        }
        Some(d) => {
            d.steps -= 1;
            Fate::Lives
        }
    }
}

impl World {
    /// How long a store operation takes.
    pub fn step_ms(&mut self, t: usize) -> i64 {
        let longest_ms = if self.tablets[t].store.is_flaky() { 300 } else { 9 };
        self.rng.between(1, longest_ms)
    }

    pub fn page_is(&self, t: usize, generation: u64) -> bool {
        self.tablets[t].page.is_some() && self.tablets[t].page_generation == generation
    }
}
