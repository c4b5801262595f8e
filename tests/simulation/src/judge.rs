//! Who knows everything and believes nothing: what the sellers were told, against what every party holds.

mod money;

use crate::desk::Asked;
use crate::world::World;
use holdfast_core::id::{PaymentId, RecordHash};
use holdfast_core::outbox::StoreFault;
use holdfast_core::payment::PaymentState;
use holdfast_server::acquirer::simulator::LedgerView;
use holdfast_server::store::Payment;
use holdfast_server::store::memory::MemoryLedger;
use holdfast_testkit::memory::Op;
use holdfast_testkit::ready::ready;
use holdfast_wire::b64::{hash_from_text, hash_text};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What a seller was told of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// Nothing yet, or the tablet went dark before a word.
    Nothing,
    Stored(RecordHash),
    NotStored(StoreFault),
    Unsure(StoreFault),
    /// It was not even tried, and what was known before still holds.
    Refused(&'static str),
}

impl Told {
    pub fn name(self) -> &'static str {
        match self {
            Self::Nothing => "told nothing",
            Self::Stored(_) => "told stored",
            Self::NotStored(_) => "told not stored",
            Self::Unsure(_) => "told unsure",
            Self::Refused(_) => "told refused",
        }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStored(fault) | Self::Unsure(fault) => write!(f, "{}: {fault:?}", self.name()),
            Self::Refused(reason) => write!(f, "{}: {reason}", self.name()),
            Self::Nothing | Self::Stored(_) => f.write_str(self.name()),
        }
    }
}

#[derive(Default)]
pub struct Judge {
    /// The first is enough to end a run.
    pub violations: Vec<String>,
    sales: Vec<SaleNote>,
    ids: BTreeMap<PaymentId, IdNote>,
    /// What the server held before its books came from a copy.
    held: BTreeSet<(PaymentId, RecordHash)>,
    /// The same, put into quarantine.
    quarantined: BTreeSet<RecordHash>,
    /// Instructions of which somebody was told that they are taken, by id.
    instructed: BTreeMap<String, Asked>,
}

struct SaleNote {
    tablet: usize,
    amount_minor: i64,
    ids: Vec<PaymentId>,
}

struct IdNote {
    sale: usize,
    told: Told,
    /// Hashes of records that were made under this id.
    hashes: Vec<RecordHash>,
}

impl Judge {
    pub fn begin_sale(&mut self, tablet: usize, id: PaymentId, amount_minor: i64) -> usize {
        let key = self.sales.len();
        self.sales.push(SaleNote { tablet, amount_minor, ids: vec![] });
        self.another_id(key, id);
        key
    }

    pub fn another_id(&mut self, sale: usize, id: PaymentId) {
        self.sales[sale].ids.push(id);
        // Before the first attempt nothing of it can be anywhere.
        self.ids.insert(id, IdNote { sale, told: Told::NotStored(StoreFault::Full), hashes: vec![] });
    }

    /// A record was made and goes into the stores: until the machine ends, nothing is certain.
    pub fn saving(&mut self, id: PaymentId, hash: RecordHash) {
        if let Some(note) = self.ids.get_mut(&id) {
            note.told = Told::Nothing;
            note.hashes.push(hash);
        }
    }

    /// The books are about to be replaced by a copy: what they hold was acknowledged by right.
    pub fn note_what_is_held(&mut self, ledger: &MemoryLedger) {
        self.held.extend(ledger.payments().into_iter().map(|payment| (payment.id, payment.record_hash)));
        self.quarantined.extend(ledger.quarantine().into_iter().map(|(_, quarantined)| quarantined.record_hash));
    }

    fn was_held(&self, id: &str, hash: RecordHash) -> bool {
        let id: Option<PaymentId> = id.parse().ok();
        self.quarantined.contains(&hash) || id.is_some_and(|id| self.held.contains(&(id, hash)))
    }

    fn violation(&mut self, text: String) {
        self.violations.push(text);
    }

    fn was_told_stored(&self, id: &str) -> bool {
        let note = id.parse().ok().and_then(|id: PaymentId| self.ids.get(&id));
        note.is_some_and(|n| matches!(n.told, Told::Stored(_)))
    }
}

impl World {
    /// The seller hears a word. "Stored" must be true at that moment: two copies here, or one at the server.
    pub fn tell(&mut self, t: usize, sale: usize, id: PaymentId, told: Told) {
        if let Told::Refused(_) = told {
            return;
        }
        if let Some(note) = self.judge.ids.get_mut(&id) {
            note.told = told;
        }
        let Told::Stored(hash) = told else { return };
        let (id, hash_text) = (id.to_string(), hash_text(hash));
        let copies = self.tablets[t].store.copies(&id, &hash_text);
        let is_safe = (copies.row && copies.journal) || self.server.holds(&id, hash) || self.judge.was_held(&id, hash);
        if !is_safe {
            self.judge.violation(format!("sale {sale} was told stored with {copies:?} and nothing at the server"));
        }
    }

    /// No record leaves a store unless the server has it, or nobody was ever told that it is stored.
    pub fn judge_deletions(&mut self, t: usize) {
        for deletion in self.tablets[t].store.take_deletions() {
            let hash = hash_from_text(&deletion.hash);
            let has = |hash| self.server.holds(&deletion.id, hash) || self.judge.was_held(&deletion.id, hash);
            let is_held = hash.is_some_and(has);
            let is_allowed = match deletion.op {
                Op::Settle => is_held,
                _ => is_held || !self.judge.was_told_stored(&deletion.id),
            };
            if !is_allowed {
                let sale = deletion.id.parse().ok().and_then(|id: PaymentId| self.judge.ids.get(&id)).map(|n| n.sale);
                self.judge.violation(format!(
                    "tablet {t} deleted the ciphertext of sale {sale:?} by {:?}, and the server does not have it",
                    deletion.op
                ));
            }
        }
    }

    /// The reckoning, when all has healed and come to rest.
    pub fn judge_the_end(&mut self) {
        let payments: BTreeMap<PaymentId, Payment> =
            self.server.ledger.payments().into_iter().map(|p| (p.id, p)).collect();
        let quarantined: Vec<RecordHash> =
            self.server.ledger.quarantine().into_iter().map(|(_, q)| q.record_hash).collect();
        let Ok(view) = ready(self.server.acquirer.ledger()) else { return };
        let mut found = Vec::new();
        for (id, note) in &self.judge.ids {
            found.extend(self.judge_id(*id, note, &payments, &quarantined));
        }
        found.extend(self.judge.sales.iter().enumerate().filter_map(|(key, sale)| judge_sale(key, sale, &view)));
        for id in payments.keys().filter(|id| !self.judge.ids.contains_key(id)) {
            found.push(format!("the server has a payment that no till ever made: {id}"));
        }
        if !quarantined.is_empty() && !self.tablets.iter().any(|t| t.is_clone_or_cloned) {
            found.push(format!("{} records are in quarantine and no profile was cloned", quarantined.len()));
        }
        found.extend(self.judge_money(&payments, &view));
        found.extend(self.judge_missing());
        found.extend(self.judge_tablets(&payments));
        self.count_the_end(&payments, &view);
        self.judge.violations.extend(found);
    }

    fn judge_id(
        &self,
        id: PaymentId,
        note: &IdNote,
        payments: &BTreeMap<PaymentId, Payment>,
        quarantined: &[RecordHash],
    ) -> Option<String> {
        let sale = &self.judge.sales[note.sale];
        let name = note.sale;
        match (note.told, payments.get(&id)) {
            // The owner is told of it, unless its till lost the tombstone as well.
            (Told::Stored(hash), None) if self.judge.was_held(&id.to_string(), hash) => {
                let is_named = self.server.ledger.missing().contains(&(id, hash)) || quarantined.contains(&hash);
                let has_no_stone = self.has_lost_stones(sale.tablet);
                (!is_named && !has_no_stone).then(|| format!("sale {name} was lost with the books, and nobody is told"))
            }
            (Told::Stored(hash), None) => {
                let is_kept_for_the_owner = quarantined.contains(&hash);
                let is_cloned = self.tablets[sale.tablet].is_clone_or_cloned;
                match (is_kept_for_the_owner, is_cloned) {
                    (true, true) => None,
                    (true, false) => Some(format!("sale {name} was told stored and ended in quarantine")),
                    (false, _) => Some(format!("sale {name} was told stored and is lost")),
                }
            }
            (Told::NotStored(_), Some(p)) => {
                Some(format!("sale {name} was told not stored, and is {} at the server", p.state.name()))
            }
            (_, Some(p)) if !p.state.is_settled() => Some(format!("sale {name} is still {}", p.state.name())),
            (_, Some(p)) if matches!(p.state, PaymentState::Quarantined { .. }) => {
                Some(format!("sale {name} could not be processed: {:?}", p.state))
            }
            (_, Some(p)) if p.sale.amount_minor != sale.amount_minor => {
                Some(format!("sale {name} of {} became one of {}", sale.amount_minor, p.sale.amount_minor))
            }
            (_, Some(p)) if !note.hashes.contains(&p.record_hash) => {
                Some(format!("sale {name}: the server has a record that its till never made"))
            }
            _ => None,
        }
    }

    /// Any tablet with this one's profile.
    fn has_lost_stones(&self, t: usize) -> bool {
        let device = self.tablets[t].device;
        self.tablets.iter().any(|tablet| tablet.device == device && tablet.lost_stones)
    }

    /// Nothing is named missing that the server never had.
    fn judge_missing(&self) -> Option<String> {
        let missing = self.server.ledger.missing();
        let wrong = missing.iter().filter(|(id, hash)| !self.judge.was_held(&id.to_string(), *hash)).count();
        (wrong > 0).then(|| format!("{wrong} payments are named missing that the server never had"))
    }

    /// No ciphertext left, and every payment in every till's history as it stands.
    fn judge_tablets(&self, payments: &BTreeMap<PaymentId, Payment>) -> Vec<String> {
        let mut found = Vec::new();
        for (t, tablet) in self.tablets.iter().enumerate() {
            let left = tablet.store.ciphertexts();
            if left > 0 {
                found.push(format!("tablet {t} still has {left} records"));
            }
            let shows = |p: &&Payment| tablet.history.get(&p.id.to_string()).is_some_and(|s| s == p.state.name());
            let missing = payments.values().filter(|p| !shows(p)).count();
            if missing > 0 {
                found.push(format!("tablet {t}'s history is wrong about {missing} payments"));
            }
        }
        found
    }

    fn count_the_end(&mut self, payments: &BTreeMap<PaymentId, Payment>, view: &LedgerView) {
        for payment in payments.values() {
            let name = match payment.state {
                PaymentState::Captured { .. } => "payments captured",
                PaymentState::Declined { .. } => "payments declined",
                PaymentState::Expired { .. } => "payments expired",
                PaymentState::Voided { .. } => "payments voided",
                PaymentState::PartlyRefunded { .. } | PaymentState::Refunded { .. } => "payments paid back",
                _ => "payments otherwise",
            };
            self.figures.count(name);
        }
        self.figures.add("requests that the acquirer saw twice", u64::from(view.repeated_requests));
    }
}

/// A customer pays once, whatever ids a sale got.
fn judge_sale(key: usize, sale: &SaleNote, view: &LedgerView) -> Option<String> {
    let captures = |id: &PaymentId| view.captures_per_reference.get(&id.to_string()).copied().unwrap_or(0);
    let count: u32 = sale.ids.iter().map(captures).sum();
    (count > 1).then(|| format!("sale {key} was captured {count} times"))
}
