//! How a tablet comes up and goes down: start with recovery, crash of the page, loss of power.

use super::{Page, PageEvent};
use crate::world::{Event, World};
use holdfast_core::limits::TOMBSTONE_MS;
use holdfast_testkit::conformance::run_recovery;
use holdfast_testkit::ready::ready;
use holdfast_testkit::store::DeviceStore as _;

impl World {
    /// The app is opened: the two copies are made one before anything else.
    pub fn start_page(&mut self, t: usize) {
        if self.tablets[t].page.is_some() || self.now_ms < self.tablets[t].closed_until_ms {
            return;
        }
        let generation = self.number();
        let now_ms = self.now_ms;
        let tablet = &mut self.tablets[t];
        tablet.store.reopen();
        tablet.clock.restart(now_ms);
        tablet.page_generation = generation;
        let is_first = tablet.keyset.is_none();
        tablet.page = Some(Page::default());
        self.say(format!("tablet {t}: page starts"));
        self.recover(t);
        if self.tablets[t].page.is_none() {
            return;
        }
        let reading = self.tablets[t].clock.reading(self.now_ms);
        let before = self.tablets[t].store.stone_count();
        let _ = ready(self.tablets[t].store.sweep_tombstones(reading.trusted_ms() - TOMBSTONE_MS));
        // No run is as long as a tombstone is kept: only a clock that was set makes them go.
        self.tablets[t].lost_stones |= self.tablets[t].store.stone_count() < before;
        if self.power_is_lost(t) {
            return;
        }
        if is_first {
            self.fetch_key_set(t);
        }
        let (probe_ms, retry_ms, history_ms) = (self.rng.between(1, 300), self.rng.between(1, 800), 2_000);
        self.after(probe_ms, Event::Page(t, generation, PageEvent::Probe));
        self.after(retry_ms, Event::Page(t, generation, PageEvent::Upload));
        self.after(history_ms, Event::Page(t, generation, PageEvent::History));
        self.schedule_sale(t, generation);
    }

    /// Makes the two copies one. On failure the page tries again before it takes a sale.
    pub fn recover(&mut self, t: usize) -> bool {
        let outcome = ready(run_recovery(&self.tablets[t].store));
        self.judge_deletions(t);
        match &outcome {
            Ok(0) => {}
            Ok(count) => {
                self.figures.count("recoveries");
                self.say(format!("tablet {t}: recovery did {count} things"));
            }
            Err(fault) => self.say(format!("tablet {t}: recovery fails: {fault:?}")),
        }
        if self.power_is_lost(t) {
            return false;
        }
        self.tablets[t].is_whole = outcome.is_ok();
        if let Some(page) = &mut self.tablets[t].page {
            page.must_recover = outcome.is_err();
        }
        outcome.is_ok()
    }

    /// After every store operation: if that was the one at which the power went, the tablet is dark from here.
    pub fn power_is_lost(&mut self, t: usize) -> bool {
        if !self.tablets[t].store.is_down() {
            return false;
        }
        self.say(format!("tablet {t}: loses power"));
        self.figures.count("tablets without power");
        self.go_dark(t);
        true
    }

    /// Page and worker are gone, the lock with them. It is switched on again after a while.
    pub fn go_dark(&mut self, t: usize) {
        let tablet = &mut self.tablets[t];
        tablet.page = None;
        tablet.runs.clear();
        tablet.lock = None;
        let delay_ms = self.rng.between(1_000, 60_000);
        self.after(delay_ms, Event::Start(t));
    }

    /// The page alone is gone; the worker goes on. Somebody opens it again.
    pub fn page_crashes(&mut self, t: usize) {
        self.say(format!("tablet {t}: page crashes"));
        self.figures.count("page crashes");
        let tablet = &mut self.tablets[t];
        tablet.page = None;
        for who in [super::Who::Page, super::Who::Live, super::Who::Offer] {
            tablet.runs.remove(&who);
            if tablet.lock == Some(who) {
                tablet.lock = None;
            }
        }
        let delay_ms = self.rng.between(500, 40_000);
        self.after(delay_ms, Event::Start(t));
    }
}
