//! The key log (docs/protocol.md section 4): what happened to every key, each line bound to the one before it.

use crate::{WireError, b64, check_version, from_json};
use serde::{Deserialize, Serialize};

/// Lines of one answer of `GET /api/v1/keylog`.
pub const KEYLOG_PAGE_MAX: usize = 200;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct KeyLogEntry {
    /// Counts from 1 without a gap.
    pub n: u64,
    pub at_ms: i64,
    /// The key, key set or check that the line is about.
    pub kid: String,
    pub event: String,
    pub reason: String,
    /// The hash of line `n - 1`; empty for the first.
    pub prev: String,
}

/// Where a log stood: its last line's number and hash. Signed with every key set, so that a log cannot be written anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyLogHead {
    pub n: u64,
    pub hash: String,
}

/// A page of the log, oldest line first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct KeyLogPage {
    pub v: u32,
    pub entries: Vec<KeyLogEntry>,
    /// The `n` of the last line given; ask `after` it.
    pub cursor: String,
    pub more: bool,
}

impl KeyLogPage {
    pub fn from_json(body: &[u8]) -> Result<Self, WireError> {
        let page: Self = from_json(body)?;
        check_version(page.v)?;
        Ok(page)
    }
}

impl KeyLogEntry {
    /// SHA-256, base64url, over the members in the order of this struct but `prev` first, each followed by a line feed.
    pub fn hash(&self) -> String {
        let Self { n, at_ms, kid, event, reason, prev } = self;
        b64::encode(b64::sha256(format!("holdfast-keylog-1\n{prev}\n{n}\n{at_ms}\n{kid}\n{event}\n{reason}\n")))
    }

    pub fn head(&self) -> KeyLogHead {
        KeyLogHead { n: self.n, hash: self.hash() }
    }

    /// A line feed inside a member would let two different lines have one hash.
    fn is_one_line_each(&self) -> bool {
        ![&self.kid, &self.event, &self.reason, &self.prev].iter().any(|text| text.contains('\n'))
    }
}

/// The number of the first line that does not follow from the one before it. `before` is the head that the reader has already, if any.
pub fn first_break(before: Option<&KeyLogHead>, entries: &[KeyLogEntry]) -> Option<u64> {
    let (mut n, mut hash) = before.map_or((0, String::new()), |head| (head.n, head.hash.clone()));
    for entry in entries {
        if entry.n != n + 1 || entry.prev != hash || !entry.is_one_line_each() {
            return Some(n + 1);
        }
        (n, hash) = (entry.n, entry.hash());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(lines: u64) -> Vec<KeyLogEntry> {
        let mut log: Vec<KeyLogEntry> = Vec::new();
        for n in 1..=lines {
            let prev = log.last().map(KeyLogEntry::hash).unwrap_or_default();
            let reason = "its day is today".to_owned();
            log.push(KeyLogEntry { n, at_ms: 7, kid: format!("card-{n}"), event: "created".into(), reason, prev });
        }
        log
    }

    #[test]
    fn the_hash_is_pinned() {
        // Computed by `printf 'holdfast-keylog-1\n\n1\n7\ncard-1\ncreated\nits day is today\n' | sha256sum`.
        let hex = "c52842495454c7658ae524f8aefe3a97145a1597110aff125720c4c0b28fd39c";
        let bytes = b64::decode(&log(1)[0].hash()).unwrap_or_default();
        assert_eq!(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>(), hex);
    }

    #[test]
    fn a_whole_log_holds_and_goes_on_from_a_head() {
        let log = log(9);
        assert_eq!(first_break(None, &log), None);
        assert_eq!(first_break(Some(&log[3].head()), &log[4..]), None);
        assert_eq!(first_break(None, &[]), None);
    }

    #[test]
    fn an_edit_a_gap_and_a_change_of_order_show() {
        let good = log(6);
        type Edit = fn(&mut Vec<KeyLogEntry>);
        let edits: [(&str, Edit); 8] = [
            ("another reason", |log| log[2].reason = "none".into()),
            ("another time", |log| log[2].at_ms += 1),
            ("another key", |log| log[2].kid = "card-9".into()),
            ("another event", |log| log[2].event = "destroyed".into()),
            ("a line less", |log| drop(log.remove(2))),
            ("a line twice", |log| log.insert(3, log[2].clone())),
            ("two lines changed over", |log| log.swap(2, 3)),
            ("a line feed", |log| log[2].reason.push('\n')),
        ];
        for (name, edit) in edits {
            let mut log = good.clone();
            edit(&mut log);
            assert!(first_break(None, &log).is_some_and(|n| (3..=4).contains(&n)), "{name}");
        }
        assert_eq!(first_break(None, &good[1..]), Some(1), "the beginning is missing");
        assert_eq!(first_break(Some(&good[1].head()), &good[3..]), Some(3));
    }
}
