//! Faults strike and end; then the world heals, and must come to rest in bounded time.

use crate::fault::Fault;
use crate::network::Link;
use crate::plant::Plant;
use crate::tablet::{Dies, PageEvent};
use crate::world::{Event, FaultEnd, World};
use holdfast_core::id::PaymentId;
use holdfast_core::limits::{ACQUIRER_RETRY_MS_MAX, UPLOAD_RETRY_MS_MAX};
use holdfast_core::payment::PaymentState;
use holdfast_server::acquirer::simulator::{Script, Step};
use holdfast_server::store::Ledger as _;
use holdfast_testkit::memory::Broken;

/// How long the healed world may take to come to rest: the longest delays of both queues, and time for the work itself.
const REST_MS_MAX: i64 = ACQUIRER_RETRY_MS_MAX + UPLOAD_RETRY_MS_MAX + 240_000;
/// In an outage of days the shop opens again so long before its end.
const CLOSING_MS: i64 = 300_000;
/// Tablets of one world, clones included.
const TABLETS_MAX: usize = 6;

impl World {
    pub fn strike(&mut self, fault: Fault) {
        if self.is_healing() {
            return;
        }
        self.figures.fault(fault.kind());
        self.say(format!("fault: {fault:?}"));
        match fault {
            Fault::LinkDown { tablet, ms } => self.set_link(tablet, Link::Down, ms),
            Fault::Portal { tablet, ms } => self.set_link(tablet, Link::Portal, ms),
            Fault::Rough { tablet, ms, permille } => self.set_link(tablet, Link::Rough { permille }, ms),
            Fault::Outage { ms } => self.outage(ms),
            Fault::AnswerLost { tablet } => self.tablets[tablet].next_batch.loses_answer = true,
            Fault::AnswerCut { tablet } => self.tablets[tablet].next_batch.cuts_answer = true,
            Fault::AnswerStale { tablet } => self.tablets[tablet].next_batch.answers_stale = true,
            Fault::AnswerShuffled { tablet } => self.tablets[tablet].next_batch.shuffles_answer = true,
            Fault::RequestTwice { tablet } => self.tablets[tablet].next_batch.sends_twice = true,
            Fault::PageCrash { tablet, steps, is_done } => {
                self.tablets[tablet].page_dies = Some(Dies { steps, is_done });
            }
            Fault::WorkerKill { tablet, steps } => {
                self.tablets[tablet].worker_dies = Some(Dies { steps, is_done: steps % 2 == 0 });
                self.worker_wakes(tablet);
            }
            Fault::TabletCrash { tablet, crash } => self.tablets[tablet].store.crash_after(crash),
            Fault::LockLost { tablet } => self.lock_lost(tablet),
            Fault::WipeDatabase { tablet } => self.wipe(tablet, true),
            Fault::WipeJournal { tablet } => self.wipe(tablet, false),
            Fault::Upgrade { tablet } => self.upgrade(tablet),
            Fault::Quota { tablet, bytes, ms } => {
                self.tablets[tablet].store.set_quota_bytes(Some(bytes));
                self.after(ms, Event::FaultEnds(FaultEnd::Quota(tablet)));
            }
            Fault::TornJournal { tablet, byte } => self.tablets[tablet].store.tear_next_journal_at(byte),
            Fault::StoreBroken { tablet, op, fault, is_written } => {
                self.tablets[tablet].store.break_next(Broken { op, fault, is_written });
            }
            Fault::StoreFlaky { tablet, ms, permille } => self.store_flaky(tablet, ms, permille),
            Fault::ClockSet { tablet, wall_ms } => self.tablets[tablet].clock.set_wall(self.now_ms, wall_ms),
            Fault::Cloned { tablet } => self.clone_profile(tablet),
            Fault::ServerCrash { crash, down_ms } => {
                self.server.down_ms = down_ms;
                self.server.ledger.fail_after(crash);
            }
            Fault::BooksLost { back, down_ms } => {
                self.server.down_ms = down_ms;
                self.books_are_lost(back);
            }
            Fault::AcquirerDown { ms } => {
                let script = Script { always: Some(Step::Unreachable), ..self.server.acquirer.script() };
                self.server.acquirer.set_script(script);
                self.after(ms, Event::FaultEnds(FaultEnd::Acquirer));
            }
            Fault::AcquirerAnswers { steps } => {
                let script = self.server.acquirer.script();
                self.server.acquirer.set_script(Script { next: steps.into(), ..script });
            }
        }
    }

    pub fn end_fault(&mut self, end: &FaultEnd) {
        match end {
            FaultEnd::Link(t) => self.link_up(*t),
            FaultEnd::Quota(t) => self.tablets[*t].store.set_quota_bytes(None),
            FaultEnd::Flaky(t) => self.tablets[*t].store.set_flaky(None),
            FaultEnd::Acquirer => {
                let script = self.server.acquirer.script();
                self.server.acquirer.set_script(Script { always: None, ..script });
            }
        }
    }

    fn set_link(&mut self, t: usize, link: Link, ms: i64) {
        self.tablets[t].link = link;
        // The browser's own word, for what it is worth.
        if link == Link::Down
            && let Some(page) = &mut self.tablets[t].page
        {
            page.connectivity.browser_says_offline();
        }
        self.after(ms, Event::FaultEnds(FaultEnd::Link(t)));
    }

    /// Meanwhile much is sold, and the browser wakes the worker again and again, so that uploads and saves meet.
    fn store_flaky(&mut self, t: usize, ms: i64, permille: u32) {
        let rng = self.rng.fork();
        self.tablets[t].store.set_flaky(Some((permille, rng)));
        self.after(ms, Event::FaultEnds(FaultEnd::Flaky(t)));
        let mut at_ms = 0;
        while at_ms < ms {
            at_ms += self.rng.between(500, 4_000);
            self.after(at_ms, Event::Worker(t));
            if self.rng.chance(300) {
                let generation = self.tablets[t].page_generation;
                self.after(at_ms, Event::Page(t, generation, PageEvent::SaleInARush));
            }
        }
    }

    fn link_up(&mut self, t: usize) {
        if self.tablets[t].link != Link::Up {
            self.tablets[t].link = Link::Up;
            self.say(format!("tablet {t}: link up"));
            // Background Sync.
            let delay_ms = self.rng.between(500, 2_000);
            self.after(delay_ms, Event::Worker(t));
        }
    }

    /// All links are down. In one of days the shop closes in between.
    fn outage(&mut self, ms: i64) {
        let is_long = ms > 3_600_000;
        for t in 0..self.tablets.len() {
            self.set_link(t, Link::Down, ms);
        }
        if is_long {
            // It is sold on for a while.
            let sells_ms = self.rng.between(1_000, 120_000);
            self.after(sells_ms, Event::Close(self.now_ms + ms - CLOSING_MS));
            // The end of the chaos waits for the shop to open again.
            self.plan.chaos_ms += ms;
            self.after(self.plan.start_ms + self.plan.chaos_ms - self.now_ms, Event::Heal);
        }
    }

    /// Nobody opens the app until the shop opens again; time passes at once.
    pub fn close(&mut self, until_ms: i64) {
        if self.is_healing() {
            return;
        }
        self.say("the shop closes".to_owned());
        for t in 0..self.tablets.len() {
            let tablet = &mut self.tablets[t];
            tablet.page = None;
            tablet.runs.clear();
            tablet.lock = None;
            tablet.closed_until_ms = until_ms;
            self.after(until_ms - self.now_ms, Event::Start(t));
        }
    }

    fn lock_lost(&mut self, t: usize) {
        self.tablets[t].lock = None;
        // Somebody else takes it at once.
        self.worker_wakes(t);
    }

    /// One of the two copies is lost, which a tablet notices when it starts. Never both: what is lost on both is lost.
    fn wipe(&mut self, t: usize, is_database: bool) {
        if !self.tablets[t].is_whole || self.tablets[t].store.is_down() {
            return;
        }
        self.tablets[t].is_whole = false;
        if is_database {
            self.tablets[t].offered = None;
            self.tablets[t].lost_stones = true;
            self.tablets[t].store.wipe_database();
        } else {
            self.tablets[t].store.wipe_journal();
        }
        self.go_dark(t);
    }

    /// The same data under a new version: a restart of page and worker.
    fn upgrade(&mut self, t: usize) {
        if self.planted(Plant::SchemaDropsStore) {
            self.tablets[t].store.drop_outbox();
        }
        self.go_dark(t);
    }

    fn clone_profile(&mut self, t: usize) {
        if self.tablets.len() >= TABLETS_MAX || self.tablets[t].is_clone_or_cloned {
            return;
        }
        self.tablets[t].is_clone_or_cloned = true;
        let clone = self.tablets[t].cloned();
        self.tablets.push(clone);
        self.after(2_000, Event::Start(self.tablets.len() - 1));
    }

    /// No more faults and no more sales. Everything is switched off and on again.
    pub fn heal(&mut self) {
        if self.is_healing() || self.now_ms < self.plan.start_ms + self.plan.chaos_ms {
            return;
        }
        self.say("all heals".to_owned());
        self.healed_at_ms = Some(self.now_ms);
        self.server.acquirer.set_script(Script::default());
        if self.server.is_down() {
            self.server_restart();
        } else {
            self.server.ledger.restart();
        }
        for t in 0..self.tablets.len() {
            let tablet = &mut self.tablets[t];
            tablet.link = Link::Up;
            tablet.store.reopen();
            tablet.store.heal();
            tablet.clock.wrong_by_ms = 0;
            (tablet.page_dies, tablet.worker_dies) = (None, None);
            tablet.next_batch = crate::network::NextBatch::default();
            tablet.page = None;
            tablet.runs.clear();
            tablet.lock = None;
            self.after(1_000, Event::Start(t));
        }
        self.tick_after(1);
        self.after(5_000, Event::Look);
    }

    /// Is everything at rest? If not in time, that is a violation by itself.
    pub fn look(&mut self) {
        let is_late = self.healed_at_ms.is_some_and(|at| self.now_ms - at > REST_MS_MAX);
        if self.is_at_rest() || is_late {
            if is_late {
                self.judge.violations.push(self.unrest());
            }
            self.judge_the_end();
            self.is_over = true;
            let took_ms = self.now_ms - self.healed_at_ms.unwrap_or(self.now_ms);
            self.say(format!("at rest after {took_ms} ms"));
            return;
        }
        self.after(5_000, Event::Look);
    }

    fn is_at_rest(&self) -> bool {
        let payments = self.server.ledger.payments();
        let settled = payments.iter().all(|p| p.state.is_settled());
        let shown = |t: &crate::tablet::Tablet| {
            payments.iter().all(|p| t.history.get(&p.id.to_string()).is_some_and(|s| s == p.state.name()))
        };
        let empty = |t: &crate::tablet::Tablet| t.page.is_some() && t.store.ciphertexts() == 0 && t.runs.is_empty();
        // What is kept sealed for another try has a job, for days.
        let waits = |p: &holdfast_server::store::Payment| p.record.is_some() || self.has_open_instruction(p.id);
        let done = if self.plan.retries_declined {
            payments.iter().all(|p| !waits(p) || (p.record.is_some() && !self.has_open_instruction(p.id)))
        } else {
            self.server.ledger.job_count() == 0
        };
        let epoch = self.server.ledger.epoch();
        let offered = |t: &crate::tablet::Tablet| t.offered.as_deref() == Some(&epoch);
        settled && done && self.tablets.iter().all(|t| empty(t) && shown(t) && offered(t))
    }

    fn has_open_instruction(&self, id: PaymentId) -> bool {
        self.server.ledger.instructions_of(id).iter().any(|known| known.progress.is_open())
    }

    fn unrest(&self) -> String {
        let waiting: usize = self.tablets.iter().map(|t| t.store.ciphertexts()).sum();
        let unsettled: Vec<&str> = self
            .server
            .ledger
            .payments()
            .iter()
            .map(|p| p.state.clone())
            .filter(|s| !s.is_settled())
            .map(name)
            .collect();
        format!(
            "not at rest {} s after healing: {waiting} records on tablets, at the server {unsettled:?}",
            REST_MS_MAX / 1_000
        )
    }
}

fn name(state: PaymentState) -> &'static str {
    // The names are static; the state is not needed after.
    state.name()
}
