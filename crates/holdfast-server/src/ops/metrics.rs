//! What is counted. Names and meanings stand in docs/operations.md.
//!
//! No label holds anything about a person, a device or a payment, and every label's values are a short list that is known when the
//! program is compiled: routes by their group, states, outcomes, topics.

use super::collect::Told;
use super::process;
use crate::ingest::Ingested;
use crate::listen::Counts;
use crate::store::books::MAIL_TOPIC;
use crate::store::db;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

type Labels<const N: usize> = [(&'static str, &'static str); N];
type Counted<const N: usize> = Family<Labels<N>, Counter>;
type Timed = Family<Labels<1>, Histogram, fn() -> Histogram>;
type Seconds = Gauge<f64, AtomicU64>;
/// By names that the database tells; they are ours, and few.
type Named = Family<[(&'static str, String); 1], Gauge>;

/// From a millisecond to half a minute.
const BOUNDS_S: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0, 30.0];

/// Everything that this process counts.
pub struct Metrics {
    registry: Registry,
    requests: Counted<2>,
    limited: Counted<1>,
    batches: Counted<1>,
    batch_seconds: Histogram,
    records: Counted<1>,
    acquirer_calls: Counted<2>,
    acquirer_seconds: Timed,
    moved: Counted<1>,
    waiting: Named,
    waiting_age: Seconds,
    jobs_due: Gauge,
    outbox_waiting: Named,
    outbox_failing: Named,
    outbox_overdue: Family<[(&'static str, String); 1], Seconds>,
    quarantined: Gauge,
    keys: Family<Labels<1>, Gauge>,
    key_times: Family<Labels<1>, Seconds>,
    keys_well: Gauge,
    database_errors: Counter,
    database_told: Gauge,
    connections: Gauge,
    connections_accepted: Counter,
    connections_refused: Counted<1>,
    process: process::Gauges,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

fn histogram() -> Histogram {
    Histogram::new(BOUNDS_S)
}

impl Metrics {
    pub fn new() -> Self {
        let metrics = Self {
            registry: Registry::default(),
            requests: Family::default(),
            limited: Family::default(),
            batches: Family::default(),
            batch_seconds: histogram(),
            records: Family::default(),
            acquirer_calls: Family::default(),
            acquirer_seconds: Family::new_with_constructor(histogram),
            moved: Family::default(),
            waiting: Family::default(),
            waiting_age: Seconds::default(),
            jobs_due: Gauge::default(),
            outbox_waiting: Family::default(),
            outbox_failing: Family::default(),
            outbox_overdue: Family::default(),
            quarantined: Gauge::default(),
            keys: Family::default(),
            key_times: Family::default(),
            keys_well: Gauge::default(),
            database_errors: Counter::default(),
            database_told: Gauge::default(),
            connections: Gauge::default(),
            connections_accepted: Counter::default(),
            connections_refused: Family::default(),
            process: process::Gauges::default(),
        };
        let mut registry = Registry::default();
        metrics.register_work(registry.sub_registry_with_prefix("holdfast"));
        metrics.register_house(registry.sub_registry_with_prefix("holdfast"));
        metrics.process.register(registry.sub_registry_with_prefix("process"));
        Self { registry, ..metrics }
    }

    /// What is done: requests, batches, calls.
    fn register_work(&self, to: &mut Registry) {
        to.register("http_requests", "Requests, by group of routes and class of status", self.requests.clone());
        to.register("http_limited", "Requests that were asked to come again later, by limit", self.limited.clone());
        to.register("ingest_batches", "Batches of tills, by what became of them", self.batches.clone());
        let help = "How long a batch took, from its first byte to its acknowledgement";
        to.register_with_unit("ingest_batch", help, Unit::Seconds, self.batch_seconds.clone());
        to.register("ingest_records", "Records of batches, by what became of them", self.records.clone());
        to.register("acquirer_calls", "Calls to the acquirer, by kind and outcome", self.acquirer_calls.clone());
        let help = "How long the acquirer took, by kind of call";
        to.register_with_unit("acquirer_call", help, Unit::Seconds, self.acquirer_seconds.clone());
        to.register("payments_moved", "Payments that this server took to a state since its start", self.moved.clone());
        to.register(
            "database_errors",
            "Statements and commits that the database refused",
            self.database_errors.clone(),
        );
        to.register("connections", "Connections that are open on the public address", self.connections.clone());
        to.register("connections_accepted", "Connections that were taken", self.connections_accepted.clone());
        to.register("connections_refused", "Connections that were sent away", self.connections_refused.clone());
    }

    /// How it stands with the house, as the database told at this scrape.
    fn register_house(&self, to: &mut Registry) {
        to.register("database_up", "Whether the database answered this scrape", self.database_told.clone());
        to.register("payments_waiting", "Payments that are not settled, by state", self.waiting.clone());
        let help = "Age of the oldest payment that is not settled";
        to.register_with_unit("payments_waiting_oldest", help, Unit::Seconds, self.waiting_age.clone());
        to.register("jobs_due", "Payments whose turn has come and that nobody has taken on", self.jobs_due.clone());
        to.register("outbox_waiting", "Tasks that follow from payments, by topic", self.outbox_waiting.clone());
        to.register("outbox_failing", "Those that failed at least once", self.outbox_failing.clone());
        let help = "How long the oldest task of a topic is past its time";
        to.register_with_unit("outbox_overdue", help, Unit::Seconds, self.outbox_overdue.clone());
        to.register("quarantine", "Records that wait for an owner's judgement", self.quarantined.clone());
        to.register("card_keys", "Card keys whose private half is there, by state", self.keys.clone());
        to.register(
            "keys_well",
            "Whether tills can seal, and all that is sealed can be opened",
            self.keys_well.clone(),
        );
        let help = "Instants of the keys: next-rotation, key-set-expires, last-self-test, oldest-private-key";
        to.register_with_unit("keys_time", help, Unit::Seconds, self.key_times.clone());
    }

    pub fn answered(&self, group: &'static str, status: u16) {
        let class = match status {
            100..200 => "1xx",
            200..300 => "2xx",
            300..400 => "3xx",
            400..500 => "4xx",
            _ => "5xx",
        };
        self.requests.get_or_create(&[("group", group), ("status", class)]).inc();
    }

    /// Somebody was asked to come again later.
    pub fn limited(&self, limit: &'static str) {
        self.limited.get_or_create(&[("limit", limit)]).inc();
    }

    /// A batch was answered; `None` when it was not taken.
    pub fn ingested(&self, ingested: Option<&Ingested>, took: Duration) {
        let outcome = if ingested.is_some() { "taken" } else { "refused" };
        self.batches.get_or_create(&[("outcome", outcome)]).inc();
        self.batch_seconds.observe(took.as_secs_f64());
        let Some(ingested) = ingested else { return };
        let (stored, quarantined) = (ingested.stored.len(), ingested.quarantined_count);
        let duplicates = ingested.acks.len().saturating_sub(stored + quarantined);
        for (status, count) in [("stored", stored), ("duplicate", duplicates), ("quarantined", quarantined)] {
            self.records.get_or_create(&[("status", status)]).inc_by(u64::try_from(count).unwrap_or(0));
        }
    }

    pub fn acquirer_called(&self, call: &'static str, outcome: &'static str, took: Duration) {
        self.acquirer_calls.get_or_create(&[("call", call), ("outcome", outcome)]).inc();
        self.acquirer_seconds.get_or_create(&[("call", call)]).observe(took.as_secs_f64());
    }

    /// A payment came to a state.
    pub fn moved(&self, state: &'static str) {
        self.moved.get_or_create(&[("state", state)]).inc();
    }

    /// Takes over what the database told, and says that it did.
    pub(super) fn tell(&self, told: &Told) -> bool {
        let age_s = |since_ms: i64| ((told.now_ms - since_ms).max(0) as f64) / 1000.0;
        // A state that nobody is in any more must not keep its last number.
        for family in [&self.waiting, &self.outbox_waiting, &self.outbox_failing] {
            family.clear();
        }
        self.outbox_overdue.clear();
        // An alert wants a nought, and not silence.
        for state in ["received", "authorising", "authorised", "capturing"] {
            self.waiting.get_or_create_owned(&[("state", state.to_owned())]).set(0);
        }
        let letters = [("topic", MAIL_TOPIC.to_owned())];
        for family in [&self.outbox_waiting, &self.outbox_failing] {
            family.get_or_create_owned(&letters).set(0);
        }
        self.outbox_overdue.get_or_create_owned(&letters).set(0.0);
        for (state, count) in &told.waiting {
            self.waiting.get_or_create(&[("state", state.clone())]).set(*count);
        }
        self.waiting_age.set(told.oldest_received_ms.map_or(0.0, age_s));
        self.jobs_due.set(told.jobs_due);
        for topic in &told.outbox {
            let label = [("topic", topic.name.clone())];
            self.outbox_waiting.get_or_create(&label).set(topic.waiting);
            self.outbox_failing.get_or_create(&label).set(topic.failing);
            self.outbox_overdue.get_or_create(&label).set(age_s(topic.oldest_due_ms));
        }
        self.quarantined.set(told.quarantined);
        self.tell_keys(told);
        true
    }

    fn tell_keys(&self, told: &Told) {
        let keys = &told.keys;
        let counts = [
            ("ahead", keys.ahead_count),
            ("in-use", keys.in_use_count),
            ("accepting", keys.accepting_count),
            ("kept-over", keys.kept_over_count),
        ];
        for (state, count) in counts {
            self.keys.get_or_create(&[("state", state)]).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        self.keys_well.set(i64::from(keys.is_well(told.now_ms)));
        let times = [
            ("next-rotation", keys.next_rotation_ms),
            ("key-set-expires", Some(keys.key_set_expires_ms)),
            ("last-self-test", keys.self_test.as_ref().map(|test| test.at_ms)),
            ("oldest-private-key", keys.oldest_live_ms),
        ];
        for (what, at_ms) in times {
            self.key_times.get_or_create(&[("what", what)]).set(at_ms.map_or(0.0, |at_ms| at_ms as f64 / 1000.0));
        }
    }

    /// Takes over what the process itself knows.
    pub(super) fn tell_process(&self, counts: &Counts, is_database_up: bool) {
        self.database_told.set(i64::from(is_database_up));
        self.database_errors.inner().store(db::errors_count(), Ordering::Relaxed);
        self.connections.set(counts.open.load(Ordering::Relaxed));
        self.connections_accepted.inner().store(counts.accepted.load(Ordering::Relaxed), Ordering::Relaxed);
        for (why, count) in [("crowded", &counts.crowded), ("handshake", &counts.handshakes_failed)] {
            let counter = self.connections_refused.get_or_create_owned(&[("why", why)]);
            counter.inner().store(count.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        self.process.tell();
    }

    /// All of it, as OpenMetrics text.
    ///
    /// # Errors
    /// Never, as far as memory goes.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
