//! The page between sales: probes, uploads, keys, history.

use super::offer::OfferRun;
use super::sale::Sale;
use super::{Fate, Who, fate};
use crate::crypto::{ROOT_KID, keys, named, verified};
use crate::network::{Answer, Body, Waiting};
use crate::world::{Event, World};
use holdfast_core::connectivity::{Connectivity, ProbeResult};
use holdfast_core::limits::{PROBE_MS_MAX, UPLOAD_MS_MAX};
use holdfast_core::outbox::Scope;
use holdfast_wire::history::HistoryPage;
use holdfast_wire::keyset::{Certificate, KeySet, KeySetAnswer};
use holdfast_wire::time::{TimeAnswer, TimePayload};

/// What the page holds in memory; a crash loses it.
#[derive(Default)]
pub struct Page {
    pub connectivity: Connectivity,
    pub sale: Option<Sale>,
    /// The last recovery failed, or the last sale ended in doubt.
    pub must_recover: bool,
    /// Upload attempts in a row that failed.
    pub attempts: u32,
    /// A retry is on its way.
    pub retry_is_set: bool,
    /// The epoch of the server that answered last.
    pub epoch: String,
    /// An offer of tombstones that is under way, with the upload lock.
    pub offer: Option<OfferRun>,
}

#[derive(Debug, Clone, Copy)]
pub enum PageEvent {
    Sale,
    /// One more, beside the usual ones.
    SaleInARush,
    SaveStep,
    SaleAgain,
    Probe,
    Upload,
    Retry,
    History,
    OfferStep,
}

/// How often a till asks for what changed.
const HISTORY_MS: i64 = 15_000;

impl World {
    pub fn page_event(&mut self, t: usize, generation: u64, event: PageEvent) {
        if !self.page_is(t, generation) {
            return;
        }
        match event {
            PageEvent::Sale => {
                self.schedule_sale(t, generation);
                self.begin_sale(t);
            }
            PageEvent::SaleInARush => self.begin_sale(t),
            PageEvent::SaveStep => self.save_step(t),
            PageEvent::SaleAgain => self.try_sale(t),
            PageEvent::Probe => self.probe(t),
            PageEvent::Upload => self.start_run(t, Who::Page, Scope::All),
            PageEvent::Retry => {
                if let Some(page) = &mut self.tablets[t].page {
                    page.retry_is_set = false;
                }
                self.start_run(t, Who::Page, Scope::All);
            }
            PageEvent::History => self.ask_history(t),
            PageEvent::OfferStep => self.offer_step(t),
        }
    }

    /// Whether the page dies at this step of its work.
    pub fn page_fate(&mut self, t: usize) -> Fate {
        fate(&mut self.tablets[t].page_dies)
    }

    fn probe(&mut self, t: usize) {
        let nonce = self.rng.next_u64();
        let generation = self.tablets[t].page_generation;
        let body = Body::Probe { nonce: format!("{nonce:022}") };
        self.send(t, generation, Waiting::Probe(nonce), body, PROBE_MS_MAX);
    }

    pub fn probe_answered(&mut self, t: usize, nonce: u64, answer: Option<Answer>) {
        let result = match answer {
            None => ProbeResult::Nothing,
            Some(answer) => self.read_time(t, nonce, &answer).unwrap_or(ProbeResult::SomethingElse),
        };
        let generation = self.tablets[t].page_generation;
        let Some(page) = &mut self.tablets[t].page else { return };
        let (before, was_online) = (page.connectivity.link(), page.connectivity.is_online());
        page.connectivity.probed(result);
        let (link, next_ms) = (page.connectivity.link(), page.connectivity.next_probe_ms());
        self.after(next_ms, Event::Page(t, generation, PageEvent::Probe));
        if link != before {
            self.say(format!("tablet {t}: lamp {link:?}"));
        }
        if matches!(result, ProbeResult::Holdfast { .. }) {
            if !was_online {
                self.start_run(t, Who::Page, Scope::All);
            }
            if self.key_set_is_due(t) {
                self.fetch_key_set(t);
            }
            self.offer_if_due(t);
        }
    }

    /// The signed time, if it is that and ours. It pins the tablet's clock.
    fn read_time(&mut self, t: usize, nonce: u64, answer: &Answer) -> Option<ProbeResult> {
        let time: TimeAnswer = serde_json::from_slice(&answer.body).ok()?;
        let keyset = self.tablets[t].keyset.as_ref()?;
        let payload = verified(TimePayload::parse(&time.time).ok()?, &keyset.ack_keys)?;
        if payload.nonce != format!("{nonce:022}") {
            return None;
        }
        self.tablets[t].clock.signed(self.now_ms, payload.server_time_ms);
        if let Some(page) = &mut self.tablets[t].page {
            page.epoch.clone_from(&payload.epoch);
        }
        Some(ProbeResult::Holdfast { acquirer: payload.acquirer_lamp() })
    }

    fn key_set_is_due(&self, t: usize) -> bool {
        let trusted_ms = self.tablets[t].clock.reading(self.now_ms).trusted_ms();
        let Some(set) = &self.tablets[t].keyset else { return true };
        // The set should reach as far ahead as one that is published today.
        set.card_keys.iter().map(|k| k.use_until_ms).max().is_none_or(|last| {
            let days_ahead = i64::from(holdfast_core::limits::KEY_DAYS_AHEAD);
            last - trusted_ms < days_ahead * holdfast_core::time::DAY_MS
        })
    }

    pub fn fetch_key_set(&mut self, t: usize) {
        let generation = self.tablets[t].page_generation;
        self.send(t, generation, Waiting::KeySet, Body::KeySet, UPLOAD_MS_MAX);
    }

    pub fn key_set_answered(&mut self, t: usize, answer: Option<Answer>) {
        let held = self.tablets[t].keyset.as_ref().map_or(0, |k| k.version);
        if let Some(set) = answer.and_then(|a| read_key_set(&a.body, held)) {
            self.tablets[t].keyset = Some(set);
        } else if held == 0 {
            // A tablet that was never online has no key to seal with: it asks until it has.
            let generation = self.tablets[t].page_generation;
            self.after(1_000, Event::Page(t, generation, PageEvent::Probe));
        }
    }

    fn ask_history(&mut self, t: usize) {
        let generation = self.tablets[t].page_generation;
        self.after(HISTORY_MS, Event::Page(t, generation, PageEvent::History));
        if self.tablets[t].page.as_ref().is_some_and(|p| p.connectivity.is_online()) {
            self.begin_feed_anew_if_due(t);
            let (after, feed) = (self.tablets[t].cursor.clone(), self.tablets[t].feed);
            self.send(t, generation, Waiting::History { feed }, Body::History { after }, UPLOAD_MS_MAX);
        }
    }

    /// A cursor means nothing to a server that came from a copy.
    fn begin_feed_anew_if_due(&mut self, t: usize) {
        let tablet = &mut self.tablets[t];
        let Some(epoch) = tablet.page.as_ref().map(|page| page.epoch.clone()) else { return };
        if !epoch.is_empty() && epoch != tablet.feed_epoch {
            tablet.feed_epoch = epoch;
            tablet.feed += 1;
            tablet.cursor = "0".to_owned();
        }
    }

    pub fn history_answered(&mut self, t: usize, feed: u32, answer: Option<Answer>) {
        if feed != self.tablets[t].feed {
            return;
        }
        let Some(page) = answer.and_then(|a| HistoryPage::from_json(&a.body).ok()) else { return };
        let tablet = &mut self.tablets[t];
        for payment in page.payments {
            tablet.history.insert(payment.id, payment.state);
        }
        // Payments and cursor are kept together: an answer that was overtaken turns both back, and the next one brings both forward.
        tablet.cursor = page.cursor;
        if page.more {
            let generation = tablet.page_generation;
            let after = tablet.cursor.clone();
            self.send(t, generation, Waiting::History { feed }, Body::History { after }, UPLOAD_MS_MAX);
        }
    }
}

/// Root certifies signer, signer signs the set, and the set is not older than the one that is held.
fn read_key_set(body: &[u8], held_version: u64) -> Option<KeySet> {
    let answer: KeySetAnswer = serde_json::from_slice(body).ok()?;
    let roots = [named(ROOT_KID, &keys().root)];
    let cert = verified(Certificate::parse(&answer.cert).ok()?, &roots)?;
    let set = verified(KeySet::parse(&answer.keyset).ok()?, &[cert.signer()])?;
    set.check(&cert, held_version).ok()?;
    Some(set)
}
