//! What a till does at its start: the two copies of its queue are compared, and what one lost is put back from the other.
//!
//! A plain function reads what was found and names the operations; the shell carries them out in order. It may be stopped
//! anywhere and run again: every operation may be done twice.

use super::Entry;
use crate::id::{PaymentId, RecordHash};

/// A place in the device's chain of records, with the last sale number given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainPoint {
    pub seq: u64,
    pub hash: RecordHash,
    pub sale_number: u64,
}

/// What the two stores hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// Journal files that are whole (their hash fits).
    pub journal: Vec<Entry>,
    /// Names of journal files that are torn: nobody was ever told that these are stored.
    pub torn: Vec<String>,
    /// Rows of the database.
    pub rows: Vec<Entry>,
    /// Tombstones of the database.
    pub tombstones: Vec<(PaymentId, RecordHash)>,
    /// The database's head of the chain; `None` after a wipe and before the first sale.
    pub head: Option<ChainPoint>,
    /// The journal's own copy of the head, which outlives the records that were acknowledged.
    pub journal_head: Option<ChainPoint>,
    /// Rows that nobody has claimed for sending: their payments can be voided here.
    pub unsent: Vec<(PaymentId, RecordHash)>,
    /// Records whose place a void had taken that was acknowledged.
    pub voided: Vec<(PaymentId, RecordHash)>,
}

/// One thing to do, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecoverOp {
    /// Put the journal's record into the database: its row was lost, or the till stopped before it was written. It is then shown
    /// as stored. Charging what a seller saw no word of is put right by the list of stored payments; losing a sale is not.
    Restore(Entry),
    /// Put this head into the database: it is behind the records.
    RaiseHead(ChainPoint),
    /// A torn file goes.
    RemoveTorn(String),
    /// Write the second copy of a row again.
    Journal(Entry),
    /// This record's copy goes: it was acknowledged, a void took its place, or it is a void that came too late.
    Unjournal(Entry),
    /// The till stopped in the middle of a void: in one transaction the void takes the payment's place in the database, if nobody has claimed the
    /// payment; then the payment's copies go, or else the void's.
    Void { void: Entry, payment: Entry },
}

/// Decides what must be done so that both stores hold the same queue and the chain goes on where it stood.
pub fn recover(found: &Found) -> Vec<RecoverOp> {
    let has = |entries: &[Entry], e: &Entry| entries.iter().any(|other| (other.id, other.hash) == (e.id, e.hash));
    let acknowledged = |e: &Entry| found.tombstones.contains(&(e.id, e.hash));
    let is_voided = |e: &Entry| voided_by(found, e).is_some() || found.voided.contains(&(e.id, e.hash));
    let mut ops = Vec::new();
    for entry in &found.journal {
        match standing(found, entry) {
            Standing::Whole if !acknowledged(entry) && !has(&found.rows, entry) && !is_voided(entry) => {
                ops.push(RecoverOp::Restore(entry.clone()));
            }
            Standing::Begun { payment } => ops.push(RecoverOp::Void { void: entry.clone(), payment: payment.clone() }),
            Standing::Whole | Standing::TooLate => {}
        }
    }
    ops.extend(raised_head(found).map(RecoverOp::RaiseHead));
    // Before the copies are written again: a torn file may have the name of one of them.
    ops.extend(found.torn.iter().cloned().map(RecoverOp::RemoveTorn));
    for entry in found.rows.iter().filter(|e| !has(&found.journal, e) && !is_voided(e)) {
        ops.push(RecoverOp::Journal(entry.clone()));
    }
    let is_begun = |e: &Entry| voided_by(found, e).is_some_and(|void| !has(&found.rows, void) && has(&found.rows, e));
    let goes =
        |e: &&Entry| acknowledged(e) || standing(found, e) == Standing::TooLate || (is_voided(e) && !is_begun(e));
    ops.extend(found.journal.iter().filter(goes).cloned().map(RecoverOp::Unjournal));
    ops
}

/// How a journal's file stands to what else there is.
#[derive(Debug, PartialEq, Eq)]
enum Standing<'a> {
    /// A payment, or a void that has taken its payment's place.
    Whole,
    /// A void whose payment is still in the queue, and was sent by nobody.
    Begun { payment: &'a Entry },
    /// A void whose payment was claimed before it: it never was.
    TooLate,
}

fn standing<'a>(found: &'a Found, entry: &Entry) -> Standing<'a> {
    let Some(voided) = entry.voids else { return Standing::Whole };
    let key = (entry.id, voided);
    match found.rows.iter().find(|row| (row.id, row.hash) == key) {
        Some(payment) if found.unsent.contains(&key) => Standing::Begun { payment },
        Some(_) => Standing::TooLate,
        None if found.tombstones.contains(&key) => Standing::TooLate,
        None => Standing::Whole,
    }
}

/// The void that has taken a payment's place, or is about to.
fn voided_by<'a>(found: &'a Found, payment: &Entry) -> Option<&'a Entry> {
    let is_of = |e: &&Entry| e.id == payment.id && e.voids == Some(payment.hash);
    let mut voids = found.rows.iter().chain(&found.journal).filter(is_of);
    voids.find(|void| standing(found, void) != Standing::TooLate)
}

/// The head that the journal should hold after the recovery, if it holds another. Without it a wiped journal and, at another time, a wiped
/// database would together let the chain begin anew, and its numbers would be given twice.
pub fn head_to_copy(found: &Found) -> Option<ChainPoint> {
    let head = raised_head(found).or(found.head);
    head.filter(|_| found.journal_head != head)
}

/// The head that the database should have, if it has another.
fn raised_head(found: &Found) -> Option<ChainPoint> {
    let known = match (found.head, found.journal_head) {
        (Some(a), Some(b)) if b.seq > a.seq => Some(b),
        (None, b) => b,
        (a, _) => a,
    };
    let known_seq = known.map_or(0, |k| k.seq);
    let is_beyond = |e: &&Entry| e.seq > known_seq && standing(found, e) != Standing::TooLate;
    let mut beyond: Vec<&Entry> = found.journal.iter().chain(&found.rows).filter(is_beyond).collect();
    beyond.sort_by_key(|e| e.seq);
    beyond.dedup_by_key(|e| e.seq);
    let numbers = [found.head, found.journal_head].into_iter().flatten().map(|h| h.sale_number).max().unwrap_or(0);
    // Each payment beyond the known head has taken a sale number too.
    let sale_number = numbers.saturating_add(beyond.iter().filter(|e| e.voids.is_none()).count() as u64);
    let top = match (beyond.last(), known) {
        (Some(e), _) => Some(ChainPoint { seq: e.seq, hash: e.hash, sale_number }),
        (None, Some(k)) => Some(ChainPoint { sale_number, ..k }),
        (None, None) => None,
    };
    top.filter(|t| found.head != Some(*t))
}

#[cfg(test)]
mod tests {
    use super::super::tests::entry;
    use super::RecoverOp::*;
    use super::*;

    fn point(n: u8) -> ChainPoint {
        ChainPoint { seq: u64::from(n), hash: RecordHash([n; 32]), sale_number: u64::from(n) }
    }

    fn check(found: Found, ops: &[RecoverOp]) {
        assert_eq!(recover(&found), ops, "{found:?}");
    }

    #[test]
    fn two_whole_copies_need_nothing() {
        let both = vec![entry(1, 9), entry(2, 9)];
        let head = Some(point(2));
        check(Found { journal: both.clone(), rows: both, head, journal_head: head, ..Found::default() }, &[]);
        check(Found::default(), &[]);
    }

    #[test]
    fn a_wiped_database_comes_back_from_the_journal() {
        let journal = vec![entry(3, 9), entry(4, 9)];
        let found = Found { journal: journal.clone(), journal_head: Some(point(4)), ..Found::default() };
        check(found, &[Restore(entry(3, 9)), Restore(entry(4, 9)), RaiseHead(point(4))]);
        // All was acknowledged before the wipe: only the chain must go on, or its numbers would repeat.
        check(Found { journal_head: Some(point(7)), ..Found::default() }, &[RaiseHead(point(7))]);
        // Stopped between the record's file and the head's.
        let found = Found { journal, journal_head: Some(point(3)), ..Found::default() };
        check(found, &[Restore(entry(3, 9)), Restore(entry(4, 9)), RaiseHead(point(4))]);
    }

    #[test]
    fn a_wiped_journal_is_written_again() {
        let found = Found { rows: vec![entry(1, 9)], head: Some(point(1)), ..Found::default() };
        check(found.clone(), &[Journal(entry(1, 9))]);
        // Its file is there, but torn: it is removed before it is written again, not after.
        let found = Found { torn: vec!["1".into()], ..found };
        check(found, &[RemoveTorn("1".into()), Journal(entry(1, 9))]);
    }

    #[test]
    fn a_wiped_journal_gets_its_head_back_though_nothing_waits() {
        let found = Found { head: Some(point(7)), ..Found::default() };
        assert_eq!((recover(&found), head_to_copy(&found)), (vec![], Some(point(7))));
        let found = Found { journal_head: Some(point(7)), ..found };
        assert_eq!(head_to_copy(&found), None);
        let found = Found { rows: vec![entry(8, 9)], ..found };
        assert_eq!(head_to_copy(&found), Some(point(8)));
        assert_eq!(head_to_copy(&Found::default()), None);
    }

    #[test]
    fn what_was_acknowledged_does_not_come_back() {
        let found = Found {
            journal: vec![entry(1, 9)],
            torn: vec!["x".into()],
            tombstones: vec![(entry(1, 9).id, entry(1, 9).hash)],
            head: Some(point(1)),
            journal_head: Some(point(1)),
            ..Found::default()
        };
        check(found, &[RemoveTorn("x".into()), Unjournal(entry(1, 9))]);
    }

    #[test]
    fn another_record_under_an_acknowledged_id_is_kept() {
        let other = Entry { hash: RecordHash([77; 32]), ..entry(1, 9) };
        let found = Found {
            journal: vec![other.clone()],
            tombstones: vec![(entry(1, 9).id, entry(1, 9).hash)],
            head: Some(point(1)),
            ..Found::default()
        };
        check(found, &[Restore(other)]);
    }
}
