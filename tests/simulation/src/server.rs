//! The server: its real ingest, jobs and acquirer simulator over the books in memory, which outlive its crashes.

mod books;
mod keyring;
mod line;
mod restore;

use crate::crypto::{ACK_KID, keys};
use crate::network::{Answer, Body, Request};
use crate::plant::Plant;
use crate::tablet::Tablet;
use crate::world::{Event, World};
use books::Books;
use holdfast_core::id::{MerchantId, RecordHash};
use holdfast_core::payment::PaymentState;
use holdfast_core::payment::instruction::InstructionKind;
use holdfast_crypto::SecretBytes;
use holdfast_server::acquirer::simulator::{MemoryBook, NoPause, Simulator};
use holdfast_server::ingest::{AckSigner, IngestError, SignError, ingest, take_offer};
use holdfast_server::process::{Clock, Processor};
use holdfast_server::store::memory::MemoryLedger;
use holdfast_server::store::{Device, Ledger as _, Payment};
use holdfast_testkit::ready::ready;
use holdfast_wire::batch::{Batch, BatchAnswer};
use holdfast_wire::history::{HistoryPage, PaymentView, Reason};
use holdfast_wire::jws::{ToSign, typ};
use holdfast_wire::offer::{StoneOffer, StoneOfferAnswer};
use holdfast_wire::time::{TimeAnswer, TimePayload};
use keyring::{Keyring, SimCardKeys};
use line::Line;
use restore::Copies;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

type Acquirer = Simulator<MemoryBook, NoPause>;
type Jobs = Processor<Books, Line, SimCardKeys, SimClock>;

/// How long a caller of the acquirer waits for an answer.
const ACQUIRER_TIME_OUT_MS: u64 = 20_000;
/// Jobs of one look.
const JOBS_PER_TICK: usize = 16;
/// Payments of one history page.
const PAGE: usize = 50;

pub struct Server {
    pub ledger: Arc<MemoryLedger>,
    pub acquirer: Arc<Acquirer>,
    pub merchant: MerchantId,
    pub keyring: Keyring,
    /// How long it stays down after the next crash.
    pub down_ms: i64,
    pub copies: Copies,
    plant: Option<Plant>,
    line: Arc<Line>,
    retries_declined: bool,
    books: Arc<Books>,
    jobs: Jobs,
    clock: SimClock,
    is_restarting: bool,
    next_tick_ms: Option<i64>,
}

#[derive(Clone)]
struct SimClock(Arc<AtomicI64>);

impl Clock for SimClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

struct Signer;

impl AckSigner for Signer {
    fn kid(&self) -> &str {
        ACK_KID
    }
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignError> {
        keys().ack.sign(message).map_err(|_| SignError)
    }
}

impl Server {
    /// With `retries_declined` the sealed data of a declined payment are kept for another try.
    pub fn new(now_ms: i64, plant: Option<Plant>, retries_declined: bool) -> Self {
        let ledger = Arc::new(MemoryLedger::new("epoch-1"));
        let acquirer = Arc::new(Simulator::new(MemoryBook::default(), NoPause, ACQUIRER_TIME_OUT_MS));
        let books = Arc::new(Books::new(Arc::clone(&ledger), plant));
        let mut keyring = Keyring::default();
        keyring.sweep(now_ms, &ledger.payments());
        let clock = SimClock(Arc::new(AtomicI64::new(now_ms)));
        let line = Arc::new(Line::new(Arc::clone(&acquirer), plant));
        let jobs = make_jobs(&books, &line, &keyring, &clock, retries_declined);
        Self {
            ledger,
            acquirer,
            merchant: MerchantId::make([7; 16]),
            keyring,
            down_ms: 3_000,
            copies: Copies::default(),
            plant,
            line,
            retries_declined,
            books,
            jobs,
            clock,
            is_restarting: false,
            next_tick_ms: None,
        }
    }

    pub fn enrol(&self, tablet: &Tablet) {
        self.ledger.add_device(Device {
            id: tablet.device,
            merchant_id: self.merchant,
            number: tablet.number,
            name: format!("Till {}", tablet.number),
            key: keys().devices[tablet.key].verifying_key().clone(),
            revoked_ms: None,
        });
    }

    pub fn books(&self) -> &Books {
        &self.books
    }

    pub fn is_down(&self) -> bool {
        self.ledger.is_down()
    }

    /// Whether this very record is durably with the server, as a payment or in quarantine.
    pub fn holds(&self, id: &str, hash: RecordHash) -> bool {
        let is_payment = |p: &Payment| p.id.to_string() == id && p.record_hash == hash;
        self.ledger.payments().iter().any(is_payment)
            || self.ledger.quarantine().iter().any(|(_, q)| q.record_hash == hash)
    }
}

fn make_jobs(
    books: &Arc<Books>,
    line: &Arc<Line>,
    keyring: &Keyring,
    clock: &SimClock,
    retries_declined: bool,
) -> Jobs {
    let pan_key = SecretBytes::from([9_u8; 32].as_slice());
    Processor::new(Arc::clone(books), Arc::clone(line), keyring.private(), clock.clone(), pan_key)
        .with_retries_declined(retries_declined)
}

impl World {
    /// Serves a request. `None`: the server died over it.
    pub fn serve(&mut self, request: &Request) -> Option<Answer> {
        self.server.clock.0.store(self.now_ms, Ordering::Relaxed);
        let answer = match &request.body {
            Body::Batch(body) => self.serve_batch(request.tablet, body),
            Body::Probe { nonce } => Some(ok(self.signed_time(nonce))),
            Body::KeySet => Some(ok(self.server.keyring.answer())),
            Body::History { after } => self.serve_history(after),
            Body::Offer(body) => self.serve_offer(request.tablet, body),
        };
        self.watch_server();
        answer.filter(|_| !self.server.is_down())
    }

    fn serve_batch(&mut self, t: usize, body: &[u8]) -> Option<Answer> {
        let Ok(batch) = Batch::from_json(body) else {
            return Some(Answer { status: 400, body: b"batch-unreadable".to_vec() });
        };
        let device = ready(self.server.books.device(self.tablets[t].device)).ok()??;
        let count = batch.records.len();
        match ready(ingest(&*self.server.books, &Signer, self.now_ms, &device, batch.records)) {
            Ok(ingested) => {
                self.figures.count("batches taken");
                self.figures.add("records stored", ingested.stored.len() as u64);
                self.figures.add("records quarantined", ingested.quarantined_count as u64);
                let duplicates = count.saturating_sub(ingested.stored.len() + ingested.quarantined_count);
                self.figures.add("records seen before", duplicates as u64);
                self.say(format!(
                    "server: takes {count} of tablet {t}: {} new, {} quarantined",
                    ingested.stored.len(),
                    ingested.quarantined_count
                ));
                // What a planted bug holds back is written a moment later.
                let delay_ms = if self.planted(Plant::AckBeforeCommit) { 30 } else { 1 };
                self.tick_after(delay_ms);
                // Somebody is quick: the jobs have not even looked yet.
                if let Some(id) = ingested.stored.first().copied().filter(|_| self.rng.chance(60)) {
                    self.ask_for(id, InstructionKind::Void, 0);
                }
                Some(ok(BatchAnswer { v: holdfast_wire::V, acks: ingested.acks }.to_json()))
            }
            Err(IngestError::TooManyRecords) => Some(Answer { status: 413, body: b"batch-too-large".to_vec() }),
            Err(error) => {
                self.say(format!("server: a batch of tablet {t} fails: {error}"));
                Some(Answer { status: 503, body: b"try-later".to_vec() })
            }
        }
    }

    fn serve_offer(&mut self, t: usize, body: &[u8]) -> Option<Answer> {
        let Ok(offer) = StoneOffer::from_json(body) else {
            return Some(Answer { status: 400, body: b"batch-unreadable".to_vec() });
        };
        let device = ready(self.server.books.device(self.tablets[t].device)).ok()??;
        let taken = ready(take_offer(&*self.server.books, &Signer, self.now_ms, &device, &offer.stones));
        Some(match taken {
            Ok((answers, _)) => {
                ok(serde_json::to_string(&StoneOfferAnswer { v: holdfast_wire::V, answers }).unwrap_or_default())
            }
            Err(_) => Answer { status: 503, body: b"try-later".to_vec() },
        })
    }

    fn signed_time(&self, nonce: &str) -> String {
        let payload = TimePayload {
            v: holdfast_wire::V,
            nonce: nonce.to_owned(),
            server_time_ms: self.now_ms,
            epoch: self.server.books.epoch(),
            acquirer: "up".to_owned(),
        };
        let time = crate::crypto::sign(&keys().ack, ToSign::new(typ::TIME, ACK_KID, &payload));
        serde_json::to_string(&TimeAnswer { v: holdfast_wire::V, time }).unwrap_or_default()
    }

    fn serve_history(&mut self, after: &str) -> Option<Answer> {
        let cursor = after.parse().unwrap_or(0);
        let changed = ready(self.server.books.changed_after(self.server.merchant, cursor, PAGE)).ok()?;
        let cursor = changed.last().map_or(cursor, |p| p.change);
        let more = changed.len() == PAGE;
        let payments = changed.iter().map(view).collect();
        Some(ok(HistoryPage { v: holdfast_wire::V, payments, cursor: cursor.to_string(), more }.to_json()))
    }

    /// Schedules a look at the jobs, unless there is an earlier one.
    pub fn tick_after(&mut self, delay_ms: i64) {
        let at_ms = self.now_ms + delay_ms.max(1);
        if self.server.next_tick_ms.is_none_or(|t| t > at_ms || t <= self.now_ms) {
            self.server.next_tick_ms = Some(at_ms);
            self.after(at_ms - self.now_ms, Event::ServerTick);
        }
    }

    pub fn server_tick(&mut self) {
        if self.server.is_down() {
            return;
        }
        self.server.next_tick_ms = None;
        self.server.clock.0.store(self.now_ms, Ordering::Relaxed);
        self.server.books.write_what_is_held();
        if self.plan.loses_books {
            self.server.copy_if_due(self.now_ms);
        }
        if self.server.keyring.is_due(self.now_ms) {
            let payments = self.server.ledger.payments();
            self.server.keyring.sweep(self.now_ms, &payments);
        }
        let done = ready(self.server.jobs.process_due(JOBS_PER_TICK));
        let next = ready(self.server.books.next_due_ms());
        if let Ok(count) = &done
            && *count > 0
        {
            self.say(format!("server: {count} jobs"));
        }
        if let Ok(Some(due_ms)) = next {
            self.tick_after(due_ms - self.now_ms);
        }
        self.watch_server();
    }

    /// Notices that the server died, and has it started again later.
    pub fn watch_server(&mut self) {
        if self.server.is_down() && !self.server.is_restarting {
            self.server.is_restarting = true;
            self.server.books.forget_what_is_held();
            self.say("server: dies".to_owned());
            self.figures.count("server deaths");
            self.after(self.server.down_ms, Event::ServerRestart);
        }
    }

    pub fn server_restart(&mut self) {
        if !self.server.is_down() {
            return;
        }
        self.say("server: starts".to_owned());
        self.server.is_restarting = false;
        self.put_a_copy_back_if_wanted();
        self.server.ledger.restart();
        self.server.next_tick_ms = None;
        self.server.jobs = make_jobs(
            &self.server.books,
            &self.server.line,
            &self.server.keyring,
            &self.server.clock,
            self.server.retries_declined,
        );
        // A fresh process finds what the last one had leased.
        let _ = ready(self.server.books.release_leases());
        self.tick_after(1);
    }
}

fn ok(body: String) -> Answer {
    Answer { status: 200, body: body.into_bytes() }
}

/// What the feed shows of a payment; the lines of the sale are left out.
fn view(payment: &Payment) -> PaymentView {
    let reason = match &payment.state {
        PaymentState::Declined { decline, .. } => {
            Some(Reason { code: decline.code.clone(), text: decline.words().into() })
        }
        PaymentState::Quarantined { reason } => Some(Reason { code: reason.clone(), text: String::new() }),
        _ => None,
    };
    PaymentView {
        receipt: None,
        retry: None,
        replaces: None,
        replaced_by: None,
        chargebacks: Vec::new(),
        v: holdfast_wire::V,
        id: payment.id.to_string(),
        device_id: payment.device_id.to_string(),
        device_name: String::new(),
        seq: payment.seq,
        number: payment.sale.number.clone(),
        amount_minor: payment.sale.amount_minor,
        currency: payment.sale.currency.clone(),
        tax_minor: payment.sale.tax_minor,
        tip_minor: payment.sale.tip_minor,
        staff_id: None,
        staff_name: None,
        refunded_minor: payment.state.refunded_minor(),
        state: payment.state.name().to_owned(),
        reason,
        approval_code: None,
        brand: payment.card.brand.clone(),
        last4: payment.card.last4.clone(),
        entry: payment.card.entry.clone(),
        offline: payment.offline,
        taken_ms: payment.taken_ms,
        received_ms: payment.received_ms,
        changed_ms: payment.changed_ms,
        lines: Vec::new(),
    }
}
