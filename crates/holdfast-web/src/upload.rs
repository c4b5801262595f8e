//! Carries out what the core's [`Upload`] asks for: the same code in the page and in the service worker.

use crate::clock::wall_ms;
use crate::events::tell_queue_changed;
use crate::http::{Answer, Call};
use crate::locks;
use crate::money::OutboxRow;
use crate::shared::{Identity, Shared};
use crate::standing::{Open, ask};
use holdfast_core::id::{PaymentId, RecordHash};
use holdfast_core::limits::UPLOAD_MS_MAX;
use holdfast_core::outbox::{
    AckStatus, Entry, Reply, Scope, Upload, UploadOutcome, UploadRequest, UploadResponse, UploadStep, UploadSummary,
};
use holdfast_wire::ack::AckPayload;
use holdfast_wire::batch::{Batch, BatchAnswer};
use holdfast_wire::stored::Tombstone;
use std::collections::HashMap;

/// Runs the uploader once for everything that waits. `None`: somebody else holds the lock.
pub async fn run_all(shared: &Shared) -> Option<(UploadOutcome, UploadSummary)> {
    let _guard = locks::hold_if_free(locks::UPLOAD).await?;
    let (outcome, summary, epoch) = run_and_hear(shared, Scope::All).await;
    // The worker sends no probes: what it hears of the server's epoch it hears here.
    if let Some(epoch) = epoch.filter(|epoch| shared.heard_epoch() != *epoch) {
        crate::offer::run(shared, &epoch).await;
    }
    Some((outcome, summary))
}

/// Runs the uploader once. A live sale runs without the batch's lock: the server takes each payment once.
pub async fn run(shared: &Shared, scope: Scope) -> (UploadOutcome, UploadSummary) {
    let (outcome, summary, _) = run_and_hear(shared, scope).await;
    (outcome, summary)
}

/// With the epoch of the last acknowledgement that was believed.
async fn run_and_hear(shared: &Shared, scope: Scope) -> (UploadOutcome, UploadSummary, Option<String>) {
    let Some(identity) = shared.identity() else {
        return (UploadOutcome::Refused("not-enrolled".into()), UploadSummary::default(), None);
    };
    let only = if let Scope::Only(id) = scope { Some(id) } else { None };
    let (seen, sent, epochs) = (HashMap::new(), HashMap::new(), HashMap::new());
    let mut run = Run { shared, identity: &identity, only, seen, sent, epochs, heard: None };
    let mut step = Upload::start(scope);
    loop {
        match step {
            UploadStep::End(outcome, summary) => {
                if !summary.settled.is_empty() {
                    tell_queue_changed();
                }
                return (outcome, summary, run.heard);
            }
            UploadStep::Ask(upload, request) => step = upload.next(run.answer(request).await),
        }
    }
}

struct Run<'a> {
    shared: &'a Shared,
    identity: &'a Identity,
    only: Option<PaymentId>,
    /// Entries of rows that this run has read: a row's content never changes, so the next list reads only what is new.
    seen: HashMap<String, Entry>,
    /// The rows of the last batch: for their tombstones and their journal files.
    sent: HashMap<PaymentId, OutboxRow>,
    /// The server's epoch in the acknowledgement of a record, for its tombstone.
    epochs: HashMap<(PaymentId, RecordHash), String>,
    heard: Option<String>,
}

impl Run<'_> {
    async fn answer(&mut self, request: UploadRequest) -> UploadResponse {
        match request {
            UploadRequest::List => self.list().await.map_or(UploadResponse::Failed, UploadResponse::Queue),
            UploadRequest::Send(batch) => match self.claim(&batch).await {
                // All of them were settled or voided meanwhile.
                Some(rows) if rows.is_empty() => UploadResponse::Reply(Reply::Acks(Vec::new())),
                Some(rows) => {
                    let reply = self.send(&rows).await;
                    self.sent = rows.into_iter().map(|row| (row.entry.id, row)).collect();
                    UploadResponse::Reply(reply)
                }
                None => UploadResponse::Failed,
            },
            UploadRequest::Settle(settled) => done(self.settle(&settled).await),
            UploadRequest::Unjournal(entries) => {
                let rows = entries.iter().filter_map(|entry| self.sent.get(&entry.id));
                let names: Vec<String> = rows.map(|row| row.stored.journal_name()).collect();
                done(self.shared.journal.remove_all(&names).await.ok())
            }
        }
    }

    async fn list(&mut self) -> Option<Vec<Entry>> {
        let mut ids = match self.only {
            Some(id) => vec![id.to_string()],
            None => self.shared.money.outbox_ids().await.ok()?,
        };
        if self.only.is_some() {
            self.seen.clear();
        }
        let unseen: Vec<String> = ids.iter().filter(|id| !self.seen.contains_key(*id)).cloned().collect();
        for row in self.shared.money.outbox_rows(&unseen).await.ok()? {
            self.seen.insert(row.stored.id.clone(), row.entry);
        }
        // A row that cannot be read is not offered; the recovery says so.
        ids.retain(|id| self.seen.contains_key(id));
        Some(ids.iter().filter_map(|id| self.seen.get(id)).cloned().collect())
    }

    /// The records of a batch, as far as nobody else settled or voided them in between. From here on they count as sent.
    async fn claim(&self, batch: &[Entry]) -> Option<Vec<OutboxRow>> {
        self.shared.money.claim(batch).await.ok()
    }

    async fn send(&mut self, rows: &[OutboxRow]) -> Reply {
        let body = Batch::new(rows.iter().map(|r| r.stored.record.clone()).collect()).to_json();
        let call = Call::post("/api/v1/batches", body.as_bytes(), UPLOAD_MS_MAX);
        let body = match ask(self.shared, self.identity, call, Open::ToRevokedToo).await {
            Answer::Unreachable => return Reply::Unreachable,
            Answer::NotHoldfast => return Reply::NotHoldfast,
            Answer::Problem { problem, retry_after_ms } => {
                return match problem.status {
                    429 | 500.. => Reply::Busy { retry_after_ms },
                    _ => Reply::Refused(problem.name().to_owned()),
                };
            }
            Answer::Ok { body, .. } => body,
        };
        let Ok(answer) = BatchAnswer::from_json(&body) else { return Reply::NotHoldfast };
        // A forged one is as good as none.
        let unverified = answer.acks.iter().filter_map(|compact| AckPayload::parse(compact).ok()).collect();
        let mut acks = Vec::new();
        for payload in self.shared.trust.accept_all(unverified, &self.shared.money).await {
            if let Some(ack) = payload.to_core() {
                self.heard = Some(payload.epoch.clone());
                if let Some(id) = ack.id {
                    self.epochs.insert((id, ack.hash), payload.epoch.clone());
                }
                acks.push(ack);
            }
        }
        Reply::Acks(acks)
    }

    /// One strict transaction for the batch. A row that another run has settled in between is not there any more, and its tombstone is.
    async fn settle(&self, settled: &[(Entry, AckStatus)]) -> Option<()> {
        let stones = settled.iter().filter_map(|(entry, status)| {
            let row = self.sent.get(&entry.id).filter(|row| row.entry.hash == entry.hash)?;
            Some((entry.clone(), self.tombstone(row, status)))
        });
        let stones: Vec<(Entry, Tombstone)> = stones.collect();
        self.shared.money.settle(&stones).await.ok()
    }

    fn tombstone(&self, row: &OutboxRow, status: &AckStatus) -> Tombstone {
        let (status, reason) = match status {
            AckStatus::Stored => ("stored", None),
            AckStatus::Duplicate => ("duplicate", None),
            AckStatus::Quarantined(reason) => ("quarantined", Some(reason.clone())),
        };
        Tombstone {
            v: holdfast_wire::V,
            id: row.stored.id.clone(),
            seq: row.stored.seq,
            hash: row.stored.hash.clone(),
            status: status.into(),
            reason,
            epoch: self.epochs.get(&(row.entry.id, row.entry.hash)).cloned().unwrap_or_default(),
            at_ms: wall_ms(),
            card: row.payload.card.clone(),
            sale: row.payload.sale.clone(),
            created_ms: row.payload.created_ms,
            voids: row.stored.voids.clone(),
        }
    }
}

fn done(result: Option<()>) -> UploadResponse {
    result.map_or(UploadResponse::Failed, |()| UploadResponse::Done)
}
