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
    /// The acknowledged record's copy goes.
    Unjournal(Entry),
}

/// Decides what must be done so that both stores hold the same queue and the chain goes on where it stood.
pub fn recover(found: &Found) -> Vec<RecoverOp> {
    let has = |entries: &[Entry], e: &Entry| entries.iter().any(|other| (other.id, other.hash) == (e.id, e.hash));
    let acknowledged = |e: &Entry| found.tombstones.contains(&(e.id, e.hash));
    let mut ops = Vec::new();
    for entry in found.journal.iter().filter(|e| !acknowledged(e) && !has(&found.rows, e)) {
        ops.push(RecoverOp::Restore(entry.clone()));
    }
    ops.extend(raised_head(found).map(RecoverOp::RaiseHead));
    // Before the copies are written again: a torn file may have the name of one of them.
    ops.extend(found.torn.iter().cloned().map(RecoverOp::RemoveTorn));
    for entry in found.rows.iter().filter(|e| !has(&found.journal, e)) {
        ops.push(RecoverOp::Journal(entry.clone()));
    }
    for entry in found.journal.iter().filter(|e| acknowledged(e)) {
        ops.push(RecoverOp::Unjournal(entry.clone()));
    }
    ops
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
    let mut beyond: Vec<&Entry> = found.journal.iter().chain(&found.rows).filter(|e| e.seq > known_seq).collect();
    beyond.sort_by_key(|e| e.seq);
    beyond.dedup_by_key(|e| e.seq);
    let numbers = [found.head, found.journal_head].into_iter().flatten().map(|h| h.sale_number).max().unwrap_or(0);
    // Each record beyond the known head has taken a sale number too.
    let sale_number = numbers.saturating_add(beyond.len() as u64);
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
