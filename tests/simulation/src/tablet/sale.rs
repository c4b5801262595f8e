//! One sale: from the tap to what the seller is told, and again if need be.

use super::{Fate, PageEvent, Who};
use crate::judge::Told;
use crate::plant::Plant;
use crate::world::{Event, World};
use holdfast_core::cart::Cart;
use holdfast_core::id::{PaymentId, RecordHash};
use holdfast_core::outbox::{Save, SaveOutcome, SaveRequest, SaveResponse, SaveStep, Scope, StoreFault};
use holdfast_testkit::build::{self, CARDS};
use holdfast_testkit::ready::ready;
use holdfast_testkit::store::DeviceStore as _;
use holdfast_wire::stored::{ChainHead, StoredPayment};

/// How often a seller tries the same sale.
const TRIES_MAX: u32 = 4;

/// An open sale. The page holds it in memory.
pub struct Sale {
    /// The judge's number of it, whatever ids it gets.
    pub key: usize,
    /// Made before the first attempt; every attempt uses it again.
    pub id: PaymentId,
    pub cart: Cart,
    pub card_number: &'static str,
    pub is_swiped: bool,
    pub tries: u32,
    pub saving: Option<Saving>,
}

/// A save that is under way.
pub struct Saving {
    machine: Save,
    request: SaveRequest,
    payment: StoredPayment,
    before: ChainHead,
    head: ChainHead,
}

impl World {
    pub fn schedule_sale(&mut self, t: usize, generation: u64) {
        if !self.is_healing() {
            let gap_ms = self.rng.between(1_000, self.plan.sale_gap_ms_max);
            self.after(gap_ms, Event::Page(t, generation, PageEvent::Sale));
        }
    }

    pub fn begin_sale(&mut self, t: usize) {
        if self.is_healing() || self.tablets[t].page.as_ref().is_none_or(|p| p.sale.is_some()) {
            return;
        }
        let id = self.new_id(t);
        let cart = build::cart(&mut self.rng);
        let card = *self.rng.pick(&CARDS);
        // Most cards are good ones.
        let card = if self.rng.chance(500) { CARDS[0] } else { card };
        let key = self.judge.begin_sale(t, id, cart.total().minor());
        self.figures.count("sales");
        self.say(format!("tablet {t}: sale {key} of {}", cart.total().minor()));
        let is_swiped = self.rng.chance(600);
        let sale = Sale { key, id, cart, card_number: card.number, is_swiped, tries: 0, saving: None };
        if let Some(page) = &mut self.tablets[t].page {
            page.sale = Some(sale);
        }
        self.try_sale(t);
    }

    fn new_id(&mut self, t: usize) -> PaymentId {
        let wall_ms = self.tablets[t].clock.reading(self.now_ms).wall_ms;
        PaymentId::make(wall_ms, self.rng.bytes())
    }

    /// An attempt, the first or another one.
    pub fn try_sale(&mut self, t: usize) {
        let Some(mut sale) = self.tablets[t].page.as_mut().and_then(|p| p.sale.take()) else { return };
        if sale.tries > 0 && self.planted(Plant::NewIdOnRetry) {
            sale.id = self.new_id(t);
            self.judge.another_id(sale.key, sale.id);
        }
        // A sale that ended in doubt left something behind: it is looked for before anything is made anew, or its sequence number
        // would be given twice.
        let must_recover = self.tablets[t].page.as_ref().is_some_and(|p| p.must_recover);
        if must_recover && !self.recover(t) {
            return self.store_fails(t, sale);
        }
        if sale.tries > 0 {
            let found = ready(self.tablets[t].store.read_back(&sale.id.to_string()));
            if self.power_is_lost(t) {
                return;
            }
            match found {
                Ok(Some(hash)) => return self.save_again(t, sale, hash),
                Ok(None) => {}
                Err(_) => return self.store_fails(t, sale),
            }
        }
        sale.tries += 1;
        self.begin_save(t, sale);
    }

    /// The sale is there: in its row, which gets its second copy again, or delivered, with its tombstone left.
    fn save_again(&mut self, t: usize, mut sale: Sale, found: RecordHash) {
        let store = &self.tablets[t].store;
        let (row, head) = (ready(store.payment(&sale.id.to_string())), ready(store.head()));
        if self.power_is_lost(t) {
            return;
        }
        let (payment, before) = match (row, head) {
            (Ok(None), Ok(_)) => return self.end_try(t, sale, Told::Stored(found)),
            (Ok(Some(payment)), Ok(Some(head))) => (payment, head),
            _ => return self.store_fails(t, sale),
        };
        let begin = if self.planted(Plant::SavedAgain) { Save::start } else { Save::again };
        let SaveStep::Ask(machine, request) = begin(found) else { return };
        sale.tries += 1;
        sale.saving = Some(Saving { machine, request, payment, head: before.clone(), before });
        self.next_save_step(t, sale);
    }

    /// The store does not even say what is there. What is known of the sale stays as it was: a doubt stays a doubt.
    fn store_fails(&mut self, t: usize, sale: Sale) {
        let told = if sale.tries > 0 && self.planted(Plant::DoubtForgotten) {
            Told::NotStored(StoreFault::Broken)
        } else {
            Told::Refused("storage does not work")
        };
        self.end_try(t, sale, told);
    }

    fn begin_save(&mut self, t: usize, mut sale: Sale) {
        let store = &self.tablets[t].store;
        let (head, queue) = (ready(store.head()), ready(store.list()));
        if self.power_is_lost(t) {
            return;
        }
        let (Ok(head), Ok(queue)) = (head, queue) else {
            return self.store_fails(t, sale);
        };
        let before = head.unwrap_or(ChainHead { v: holdfast_wire::V, ..ChainHead::default() });
        let sealed = match self.seal_sale(t, &sale, &before, &queue) {
            Ok(sealed) => sealed,
            Err(reason) => return self.end_try(t, sale, Told::Refused(reason)),
        };
        let Ok(entry) = sealed.payment.entry() else { return };
        self.judge.saving(sale.id, entry.hash);
        let SaveStep::Ask(machine, request) = Save::start(entry.hash) else { return };
        sale.saving = Some(Saving { machine, request, payment: sealed.payment, before, head: sealed.head });
        self.next_save_step(t, sale);
    }

    fn next_save_step(&mut self, t: usize, sale: Sale) {
        let generation = self.tablets[t].page_generation;
        if let Some(page) = &mut self.tablets[t].page {
            page.sale = Some(sale);
        }
        let delay_ms = self.step_ms(t);
        self.after(delay_ms, Event::Page(t, generation, PageEvent::SaveStep));
    }

    /// One request of the save machine.
    pub fn save_step(&mut self, t: usize) {
        let Some(mut sale) = self.tablets[t].page.as_mut().and_then(|p| p.sale.take()) else { return };
        let Some(saving) = sale.saving.take() else { return };
        let fate = self.page_fate(t);
        if fate == Fate::DiesBefore {
            return self.page_crashes(t);
        }
        let response = self.save_request(t, &saving);
        self.say(format!("tablet {t}: sale {} {:?} -> {}", sale.key, saving.request, in_words(response)));
        self.judge_deletions(t);
        if self.power_is_lost(t) {
            return;
        }
        if fate == Fate::DiesAfter {
            return self.page_crashes(t);
        }
        match saving.machine.next(response) {
            SaveStep::Ask(machine, request) => {
                sale.saving = Some(Saving { machine, request, ..saving });
                self.next_save_step(t, sale);
            }
            SaveStep::End(outcome) => {
                let told = match (outcome, saving.payment.entry()) {
                    (SaveOutcome::Stored, Ok(entry)) => Told::Stored(entry.hash),
                    (SaveOutcome::NotStored(fault), _) => Told::NotStored(fault),
                    (SaveOutcome::Unsure(fault), _) => Told::Unsure(fault),
                    (SaveOutcome::Stored, Err(_)) => Told::Unsure(StoreFault::Mismatch),
                };
                self.end_try(t, sale, told);
            }
        }
    }

    fn save_request(&mut self, t: usize, saving: &Saving) -> SaveResponse {
        let store = &self.tablets[t].store;
        let done = match saving.request {
            SaveRequest::Journal => ready(store.journal(&saving.payment, &saving.head)),
            SaveRequest::Commit => match ready(store.commit(&saving.payment, &saving.head)) {
                // The wrapper's promise resolved, so the write is believed.
                Err(_) if self.planted(Plant::NoReadBack) => Ok(()),
                done => done,
            },
            SaveRequest::ReadBack if self.planted(Plant::NoReadBack) => {
                return SaveResponse::Hash(saving.payment.entry().ok().map(|e| e.hash));
            }
            SaveRequest::ReadBack => match ready(store.read_back(&saving.payment.id)) {
                Ok(hash) => return SaveResponse::Hash(hash),
                Err(fault) => Err(fault),
            },
            SaveRequest::Uncommit => {
                // The sale's number was given, and stays given.
                let before = ChainHead { sale_number: saving.head.sale_number, ..saving.before.clone() };
                if self.planted(Plant::TakenBack) {
                    store.take_back(&saving.payment);
                }
                ready(store.uncommit(&saving.payment, &before))
            }
            SaveRequest::Unjournal => ready(store.unjournal(&saving.payment.journal_name())),
        };
        done.map_or_else(SaveResponse::Failed, |()| SaveResponse::Done)
    }

    /// The seller is told something, and goes on from it.
    fn end_try(&mut self, t: usize, sale: Sale, told: Told) {
        self.say(format!("tablet {t}: sale {} {told}", sale.key));
        self.figures.count(told.name());
        self.tell(t, sale.key, sale.id, told);
        let generation = self.tablets[t].page_generation;
        let Some(page) = &mut self.tablets[t].page else { return };
        if matches!(told, Told::Unsure(_)) {
            page.must_recover = true;
        }
        if let Told::Stored(_) = told {
            let is_online = page.connectivity.is_online();
            self.stored(t, sale.id, is_online);
        } else if sale.tries < TRIES_MAX && sale.tries > 0 && self.rng.chance(700) {
            page.sale = Some(sale);
            let delay_ms = self.rng.between(500, 6_000);
            self.after(delay_ms, Event::Page(t, generation, PageEvent::SaleAgain));
        }
    }

    /// A live sale goes up at once; a stored one waits for the batch, and the browser is asked to wake the worker.
    fn stored(&mut self, t: usize, id: PaymentId, is_online: bool) {
        if is_online {
            self.start_run(t, Who::Live, Scope::Only(id));
        }
        let delay_ms = self.rng.between(1, 20_000);
        if self.rng.chance(400) {
            self.after(delay_ms, Event::Worker(t));
        }
    }
}

/// Without the hash, which depends on a random signature.
fn in_words(response: SaveResponse) -> String {
    match response {
        SaveResponse::Done => "done".to_owned(),
        SaveResponse::Hash(Some(RecordHash(_))) => "a hash".to_owned(),
        SaveResponse::Hash(None) => "nothing there".to_owned(),
        SaveResponse::Failed(fault) => format!("failed: {fault:?}"),
    }
}
