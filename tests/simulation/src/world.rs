//! The world: true time, the queue of events, and all parties.

use crate::desk::Asked;
use crate::fault::Fault;
use crate::judge::Judge;
use crate::network::{Answered, Network, Request};
use crate::plan::Plan;
use crate::plant::Plant;
use crate::server::Server;
use crate::tablet::{PageEvent, Tablet, Who};
use crate::trace::Trace;
use crate::{Figures, Options, Outcome};
use holdfast_testkit::rng::SeededRng;
use std::collections::BTreeMap;

/// More events than this is a loop, not a run.
const EVENTS_MAX: u64 = 2_000_000;

pub struct World {
    pub seed: u64,
    pub options: Options,
    pub plan: Plan,
    /// True time. No party but the judge and the server sees it.
    pub now_ms: i64,
    pub rng: SeededRng,
    pub trace: Trace,
    pub figures: Figures,
    pub tablets: Vec<Tablet>,
    pub network: Network,
    pub server: Server,
    pub judge: Judge,
    /// When healing began.
    pub healed_at_ms: Option<i64>,
    pub is_over: bool,
    queue: BTreeMap<(i64, u64), Event>,
    serial: u64,
}

pub enum Event {
    Fault(Fault),
    FaultEnds(FaultEnd),
    /// A tablet is switched on, or its app is opened again.
    Start(usize),
    /// The shop closes until that time.
    Close(i64),
    Page(usize, u64, PageEvent),
    /// The next step of an upload run.
    Run(usize, Who, u64),
    /// The browser wakes the worker.
    Worker(usize),
    ToServer(Request),
    Answered(Answered),
    ServerTick,
    ServerRestart,
    /// Somebody at a desk or a till wants something about a payment.
    SomebodyAsks,
    Asked(Asked),
    Heal,
    /// Is all done?
    Look,
}

/// What ends by itself.
pub enum FaultEnd {
    Link(usize),
    Quota(usize),
    Flaky(usize),
    Acquirer,
}

impl World {
    pub fn new(seed: u64, options: Options) -> Self {
        let mut rng = SeededRng::new(seed);
        let plan = Plan::draw(&mut rng.fork());
        let start_ms = plan.start_ms;
        let server = Server::new(start_ms, options.plant, plan.retries_declined);
        let mut world = Self {
            seed,
            options,
            now_ms: start_ms,
            trace: Trace::new(options.keeps_trace),
            figures: Figures::default(),
            tablets: Vec::new(),
            network: Network::default(),
            server,
            judge: Judge::default(),
            healed_at_ms: None,
            is_over: false,
            queue: BTreeMap::new(),
            serial: 0,
            plan,
            rng,
        };
        world.set_up();
        world
    }

    fn set_up(&mut self) {
        for index in 0..self.plan.tablets {
            let tablet = Tablet::enrolled(index, &mut self.rng, &self.server);
            self.server.enrol(&tablet);
            self.tablets.push(tablet);
            self.after(self.start_delay(index), Event::Start(index));
        }
        for (at_ms, fault) in std::mem::take(&mut self.plan.faults) {
            self.after(at_ms, Event::Fault(fault));
        }
        for at_ms in std::mem::take(&mut self.plan.asked_at_ms) {
            self.after(at_ms, Event::SomebodyAsks);
        }
        self.after(self.plan.chaos_ms, Event::Heal);
    }

    fn start_delay(&self, index: usize) -> i64 {
        i64::try_from(index).unwrap_or(0) * 137
    }

    pub fn run(&mut self) {
        let mut events = 0;
        while let Some(((at_ms, _), event)) = self.queue.pop_first() {
            self.now_ms = self.now_ms.max(at_ms);
            self.happen(event);
            events += 1;
            if self.is_over || !self.judge.violations.is_empty() {
                return;
            }
            if events > EVENTS_MAX {
                self.judge.violations.push("the run does not come to an end".to_owned());
                return;
            }
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Fault(fault) => self.strike(fault),
            Event::FaultEnds(end) => self.end_fault(&end),
            Event::Start(t) => self.start_page(t),
            Event::Close(until_ms) => self.close(until_ms),
            Event::Page(t, generation, event) => self.page_event(t, generation, event),
            Event::Run(t, who, generation) => self.run_step(t, who, generation),
            Event::Worker(t) => self.worker_wakes(t),
            Event::ToServer(request) => self.at_server(request),
            Event::Answered(answered) => self.answered(answered),
            Event::ServerTick => self.server_tick(),
            Event::ServerRestart => self.server_restart(),
            Event::SomebodyAsks => self.somebody_asks(),
            Event::Asked(asked) => self.ask(asked),
            Event::Heal => self.heal(),
            Event::Look => self.look(),
        }
    }

    /// Schedules an event. Two of one moment happen in the order in which they were scheduled.
    pub fn after(&mut self, delay_ms: i64, event: Event) {
        self.serial += 1;
        self.queue.insert((self.now_ms + delay_ms.max(0), self.serial), event);
    }

    /// A number that was not given before.
    pub fn number(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    pub fn say(&mut self, text: String) {
        self.trace.line(self.now_ms - self.plan.start_ms, text);
    }

    pub fn planted(&self, plant: Plant) -> bool {
        self.options.plant == Some(plant)
    }

    pub fn is_healing(&self) -> bool {
        self.healed_at_ms.is_some()
    }

    pub fn into_outcome(self) -> Outcome {
        let (trace_hash, trace) = self.trace.into_parts();
        Outcome { seed: self.seed, violations: self.judge.violations, figures: self.figures, trace_hash, trace }
    }
}
