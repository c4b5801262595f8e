//! An upload run of the page, of the worker, or for a live sale: the core's machine, carried out step by step.

use super::reply::Epochs;
use super::{Fate, PageEvent, fate};
use crate::network::{Answer, Body, Waiting};
use crate::plant::Plant;
use crate::world::{Event, World};
use holdfast_core::id::PaymentId;
use holdfast_core::limits::UPLOAD_MS_MAX;
use holdfast_core::outbox::{
    Ack, AckStatus, Entry, Reply, Scope, Upload, UploadOutcome, UploadRequest, UploadResponse, UploadStep,
    UploadSummary, busy_delay_ms, retry_delay_ms,
};
use holdfast_testkit::build::tombstone;
use holdfast_testkit::ready::ready;
use holdfast_testkit::store::DeviceStore as _;
use holdfast_wire::batch::Batch;
use std::collections::BTreeMap;

/// Who runs it. The page and the worker take the lock; a live sale does not wait for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    Page,
    Worker,
    Live,
    /// Offers tombstones, with the lock.
    Offer,
}

/// A run under way.
pub struct Run {
    pub generation: u64,
    step: Option<(Upload, UploadRequest)>,
    /// What was sent, while its answer is awaited.
    sent: Vec<Entry>,
    /// Journal files of what was sent last.
    files: BTreeMap<PaymentId, String>,
    epochs: Epochs,
}

impl World {
    /// The browser wakes the worker: a sync event, a push.
    pub fn worker_wakes(&mut self, t: usize) {
        if !self.tablets[t].store.is_down() {
            self.start_run(t, Who::Worker, Scope::All);
        }
    }

    pub fn start_run(&mut self, t: usize, who: Who, scope: Scope) {
        let tablet = &mut self.tablets[t];
        if tablet.runs.contains_key(&who) || (who != Who::Live && tablet.lock.is_some()) {
            return;
        }
        if who != Who::Live {
            tablet.lock = Some(who);
        }
        let generation = self.number();
        let step = match Upload::start(scope) {
            UploadStep::Ask(upload, request) => Some((upload, request)),
            UploadStep::End(..) => None,
        };
        self.tablets[t]
            .runs
            .insert(who, Run { generation, step, sent: Vec::new(), files: BTreeMap::new(), epochs: Epochs::new() });
        self.next_run_step(t, who, generation);
    }

    fn next_run_step(&mut self, t: usize, who: Who, generation: u64) {
        let delay_ms = self.step_ms(t);
        self.after(delay_ms, Event::Run(t, who, generation));
    }

    /// One request of the upload machine.
    pub fn run_step(&mut self, t: usize, who: Who, generation: u64) {
        let Some(run) = self.tablets[t].runs.get_mut(&who).filter(|r| r.generation == generation) else { return };
        let Some((upload, request)) = run.step.take() else { return };
        let fate = match who {
            Who::Worker => fate(&mut self.tablets[t].worker_dies),
            Who::Page | Who::Live | Who::Offer => self.page_fate(t),
        };
        if fate == Fate::DiesBefore {
            return self.runner_dies(t, who);
        }
        let response = match request {
            UploadRequest::Send(batch) => {
                self.send_batch(t, who, generation, upload, batch);
                if fate == Fate::DiesAfter {
                    self.runner_dies(t, who);
                }
                return;
            }
            UploadRequest::List => {
                ready(self.tablets[t].store.list()).map_or(UploadResponse::Failed, UploadResponse::Queue)
            }
            UploadRequest::Settle(settled) => {
                let epochs = self.tablets[t].runs.get(&who).map(|run| run.epochs.clone()).unwrap_or_default();
                self.settle(t, &settled, &epochs)
            }
            UploadRequest::Unjournal(entries) => {
                let files = self.tablets[t].runs.get(&who).map(|run| &run.files);
                let name = |entry: &Entry| files?.get(&entry.id).cloned();
                let names: Vec<String> = entries.iter().filter_map(name).collect();
                self.unjournal(t, &names)
            }
        };
        self.judge_deletions(t);
        if self.power_is_lost(t) {
            return;
        }
        if fate == Fate::DiesAfter {
            return self.runner_dies(t, who);
        }
        self.advance(t, who, generation, upload.next(response));
    }

    fn runner_dies(&mut self, t: usize, who: Who) {
        if who != Who::Worker {
            return self.page_crashes(t);
        }
        self.say(format!("tablet {t}: worker is stopped"));
        self.figures.count("workers stopped");
        self.tablets[t].runs.remove(&who);
        if self.tablets[t].lock == Some(who) {
            self.tablets[t].lock = None;
        }
    }

    fn advance(&mut self, t: usize, who: Who, generation: u64, step: UploadStep) {
        match step {
            UploadStep::Ask(upload, request) => {
                if let Some(run) = self.tablets[t].runs.get_mut(&who) {
                    run.step = Some((upload, request));
                }
                self.next_run_step(t, who, generation);
            }
            UploadStep::End(outcome, summary) => self.end_run(t, who, &outcome, &summary),
        }
    }

    fn send_batch(&mut self, t: usize, who: Who, generation: u64, upload: Upload, batch: Vec<Entry>) {
        let mut records = Vec::new();
        let mut sent = Vec::new();
        let mut files = BTreeMap::new();
        for entry in &batch {
            // What was settled by another run in between is not sent.
            if let Ok(Some(row)) = ready(self.tablets[t].store.payment(&entry.id.to_string())) {
                files.insert(entry.id, row.journal_name());
                records.push(row.record);
                sent.push(entry.clone());
            }
        }
        if self.power_is_lost(t) {
            return;
        }
        self.figures.count("batches sent");
        self.say(format!("tablet {t}: {who:?} sends {}", records.len()));
        if self.planted(Plant::DeleteBeforeAck) {
            let settled: Vec<_> = sent.iter().map(|entry| (entry.clone(), AckStatus::Stored)).collect();
            self.settle(t, &settled, &Epochs::new());
            self.unjournal(t, &files.values().cloned().collect::<Vec<_>>());
            self.judge_deletions(t);
        }
        if let Some(run) = self.tablets[t].runs.get_mut(&who) {
            (run.sent, run.files) = (sent, files);
            // The machine waits for the answer; the request it is answered for is not repeated.
            run.step = Some((upload, UploadRequest::Send(batch)));
        }
        let body = Body::Batch(Batch::new(records).to_json().into_bytes());
        self.send(t, generation, Waiting::Run(who), body, UPLOAD_MS_MAX);
    }

    pub fn batch_answered(&mut self, t: usize, who: Who, generation: u64, answer: Option<Answer>) {
        let Some(run) = self.tablets[t].runs.get_mut(&who).filter(|r| r.generation == generation) else { return };
        let Some((upload, _)) = run.step.take() else { return };
        let sent = std::mem::take(&mut run.sent);
        let (mut reply, epochs) = answer.map_or((Reply::Unreachable, Epochs::new()), |a| self.read_reply(t, &a));
        if let Some(run) = self.tablets[t].runs.get_mut(&who) {
            run.epochs = epochs;
        }
        if self.planted(Plant::AckByIndex)
            && let Reply::Acks(acks) = reply
        {
            let by_index = |(entry, ack): (&Entry, Ack)| Ack { id: Some(entry.id), hash: entry.hash, ..ack };
            reply = Reply::Acks(sent.iter().zip(acks).map(by_index).collect());
        }
        let in_words = match &reply {
            Reply::Acks(acks) => format!("{} acknowledgements", acks.len()),
            other => format!("{other:?}"),
        };
        self.say(format!("tablet {t}: {who:?} hears {in_words}"));
        self.advance(t, who, generation, upload.next(UploadResponse::Reply(reply)));
    }

    /// Deletes exactly these ciphertexts, in one transaction, and leaves their tombstones.
    fn settle(&mut self, t: usize, settled: &[(Entry, AckStatus)], epochs: &Epochs) -> UploadResponse {
        let at_ms = self.tablets[t].clock.reading(self.now_ms).trusted_ms();
        let mut stones = Vec::new();
        for (entry, status) in settled {
            match ready(self.tablets[t].store.payment(&entry.id.to_string())) {
                Ok(Some(row)) => {
                    let epoch = epochs.get(&(entry.id, entry.hash)).map_or("", String::as_str);
                    stones.push((entry.clone(), tombstone(&row, status, epoch, at_ms)));
                }
                // Another run was faster.
                Ok(None) => {}
                Err(_) => return UploadResponse::Failed,
            }
        }
        if ready(self.tablets[t].store.settle(&stones)).is_err() {
            return UploadResponse::Failed;
        }
        if stones.len() > 1 {
            self.figures.count("settled several at once");
        }
        for (_, status) in settled {
            if let AckStatus::Quarantined(reason) = status {
                self.say(format!("tablet {t}: a record is in quarantine: {reason}"));
            }
        }
        UploadResponse::Done
    }

    /// One after the other here: a power cut may come between any two of them.
    fn unjournal(&mut self, t: usize, names: &[String]) -> UploadResponse {
        let mut response = UploadResponse::Done;
        for name in names {
            if ready(self.tablets[t].store.unjournal(name)).is_err() {
                response = UploadResponse::Failed;
            }
        }
        response
    }

    fn end_run(&mut self, t: usize, who: Who, outcome: &UploadOutcome, summary: &UploadSummary) {
        self.tablets[t].runs.remove(&who);
        if self.tablets[t].lock == Some(who) {
            self.tablets[t].lock = None;
        }
        self.figures.add("records settled", summary.settled.len() as u64);
        if summary.batches > 0 || *outcome != UploadOutcome::Drained {
            self.say(format!("tablet {t}: {who:?} ends: {outcome:?}, {} settled", summary.settled.len()));
        }
        if who == Who::Worker {
            // The browser comes again by itself, later.
            if *outcome != UploadOutcome::Drained {
                self.after(300_000, Event::Worker(t));
            }
            return;
        }
        let random = self.rng.bytes::<1>()[0];
        let generation = self.tablets[t].page_generation;
        let Some(page) = &mut self.tablets[t].page else { return };
        if *outcome == UploadOutcome::Unreachable {
            page.connectivity.request_failed();
        }
        if *outcome == UploadOutcome::Drained {
            page.attempts = 0;
            return;
        }
        let delay_ms = match outcome {
            UploadOutcome::Busy { retry_after_ms } => busy_delay_ms(*retry_after_ms, page.attempts, random),
            UploadOutcome::MoreLater => 0,
            _ => retry_delay_ms(page.attempts, random),
        };
        page.attempts = page.attempts.saturating_add(1);
        if !std::mem::replace(&mut page.retry_is_set, true) {
            self.after(delay_ms, Event::Page(t, generation, PageEvent::Retry));
        }
    }
}
