//! The server's epoch is another one: its books came from a copy. The page offers what it had handed in, by the core's machine.

use super::{Fate, PageEvent, Who};
use crate::crypto::verified;
use crate::network::{Answer, Body, Waiting};
use crate::world::{Event, World};
use holdfast_core::limits::UPLOAD_MS_MAX;
use holdfast_core::outbox::{
    Offer, OfferOutcome, OfferRequest, OfferResponse, OfferStep, Stone, StoneAnswer, StoneStanding,
};
use holdfast_testkit::memory::Marked;
use holdfast_testkit::ready::ready;
use holdfast_testkit::store::DeviceStore as _;
use holdfast_wire::ack::AckPayload;
use holdfast_wire::b64::{hash_from_text, hash_text};
use holdfast_wire::offer::{StoneOffer, StoneOfferAnswer};
use std::collections::BTreeMap;

/// The machine and what it asks for next.
pub struct OfferRun(Option<(Offer, OfferRequest)>);

impl World {
    /// Begins if the server that was heard is of another epoch, and nobody else has the lock.
    pub fn offer_if_due(&mut self, t: usize) {
        let tablet = &mut self.tablets[t];
        let Some(page) = tablet.page.as_mut().filter(|page| page.offer.is_none()) else { return };
        if tablet.lock.is_some() {
            return;
        }
        let Some(step) = Offer::start(&page.epoch, tablet.offered.as_deref()) else { return };
        tablet.lock = Some(Who::Offer);
        page.offer = Some(OfferRun(None));
        self.offer_goes_on(t, step);
    }

    fn offer_goes_on(&mut self, t: usize, step: OfferStep) {
        match step {
            OfferStep::Ask(offer, request) => {
                let (generation, delay_ms) = (self.tablets[t].page_generation, self.step_ms(t));
                if let Some(page) = &mut self.tablets[t].page {
                    page.offer = Some(OfferRun(Some((offer, request))));
                }
                self.after(delay_ms, Event::Page(t, generation, PageEvent::OfferStep));
            }
            OfferStep::End(outcome, summary) => {
                if outcome == OfferOutcome::Offered {
                    self.figures.count("offers to a server of another epoch");
                }
                self.figures.add("payments named missing", summary.missing.len() as u64);
                self.say(format!("tablet {t}: offered: {outcome:?}, {} missing", summary.missing.len()));
                self.offer_ends(t);
            }
        }
    }

    fn offer_ends(&mut self, t: usize) {
        if let Some(page) = &mut self.tablets[t].page {
            page.offer = None;
        }
        if self.tablets[t].lock == Some(Who::Offer) {
            self.tablets[t].lock = None;
        }
    }

    /// One request of the machine.
    pub fn offer_step(&mut self, t: usize) {
        let run = self.tablets[t].page.as_mut().and_then(|page| page.offer.as_mut());
        let Some((offer, request)) = run.and_then(|run| run.0.take()) else { return };
        let fate = self.page_fate(t);
        if fate == Fate::DiesBefore {
            return self.page_crashes(t);
        }
        let response = match request {
            OfferRequest::Send(batch) => return self.send_offer(t, offer, batch),
            OfferRequest::List => self.stones(t),
            OfferRequest::Mark { epoch, answers } => self.mark(t, &epoch, answers),
            OfferRequest::Remember { epoch } => {
                self.tablets[t].offered = Some(epoch);
                Some(OfferResponse::Done)
            }
        };
        if self.power_is_lost(t) {
            return;
        }
        if fate == Fate::DiesAfter {
            return self.page_crashes(t);
        }
        self.offer_goes_on(t, offer.next(response.unwrap_or(OfferResponse::Failed)));
    }

    fn stones(&self, t: usize) -> Option<OfferResponse> {
        let stones = ready(self.tablets[t].store.tombstones()).ok()?.into_iter().filter_map(|stone| {
            Some(Stone { id: stone.id.parse().ok()?, hash: hash_from_text(&stone.hash)?, epoch: stone.epoch })
        });
        Some(OfferResponse::Stones(stones.collect()))
    }

    fn send_offer(&mut self, t: usize, offer: Offer, batch: Vec<Stone>) {
        let ids: Vec<String> = batch.iter().map(|stone| stone.id.to_string()).collect();
        let stones = ready(self.tablets[t].store.tombstones()).unwrap_or_default();
        if self.power_is_lost(t) {
            return;
        }
        let body = StoneOffer::new(stones.iter().filter(|stone| ids.contains(&stone.id))).to_json().into_bytes();
        let generation = self.tablets[t].page_generation;
        if let Some(page) = &mut self.tablets[t].page {
            page.offer = Some(OfferRun(Some((offer, OfferRequest::Send(batch)))));
        }
        self.send(t, generation, Waiting::Offer, Body::Offer(body), UPLOAD_MS_MAX);
    }

    pub fn offer_answered(&mut self, t: usize, answer: Option<Answer>) {
        let run = self.tablets[t].page.as_mut().and_then(|page| page.offer.as_mut());
        let Some((offer, OfferRequest::Send(_))) = run.and_then(|run| run.0.take()) else { return };
        let answers = answer.filter(|answer| answer.status == 200).map(|answer| self.stone_answers(t, &answer.body));
        self.offer_goes_on(t, offer.next(OfferResponse::Answers(answers.unwrap_or_default())));
    }

    fn stone_answers(&self, t: usize, body: &[u8]) -> Vec<StoneAnswer> {
        let Some(keyset) = &self.tablets[t].keyset else { return Vec::new() };
        let Ok(answer) = StoneOfferAnswer::from_json(body) else { return Vec::new() };
        let one = |compact: &String| verified(AckPayload::parse(compact).ok()?, &keyset.ack_keys)?.to_stone_answer();
        answer.answers.iter().filter_map(one).collect()
    }

    /// What is missing and still sealed in the journal goes back into the queue.
    fn mark(&mut self, t: usize, epoch: &str, answers: Vec<(Stone, StoneStanding)>) -> Option<OfferResponse> {
        let files = ready(self.tablets[t].store.journal_content()).ok()?.whole;
        let mut left: BTreeMap<_, _> =
            files.into_iter().map(|file| ((file.id.clone(), file.hash.clone()), file)).collect();
        let of = |(stone, standing): (Stone, StoneStanding)| {
            let (id, hash) = (stone.id.to_string(), hash_text(stone.hash));
            let marked = match standing {
                StoneStanding::Known => Marked::Known,
                StoneStanding::Missing => left
                    .remove(&(id.clone(), hash.clone()))
                    .map_or(Marked::Missing, |file| Marked::Again(Box::new(file))),
            };
            (id, hash, marked)
        };
        let marked: Vec<_> = answers.into_iter().map(of).collect();
        let again = marked.iter().filter(|(.., what)| matches!(what, Marked::Again(_))).count();
        self.figures.add("payments put back into the queue", again as u64);
        self.tablets[t].store.mark_stones(epoch, &marked).ok()?;
        Some(OfferResponse::Done)
    }
}
