//! What happened in a run or in many, in numbers.

use std::collections::BTreeMap;
use std::fmt;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    counts: BTreeMap<&'static str, u64>,
    pub faults: BTreeMap<&'static str, u64>,
}

impl Figures {
    pub fn count(&mut self, what: &'static str) {
        self.add(what, 1);
    }

    pub fn add(&mut self, what: &'static str, how_many: u64) {
        *self.counts.entry(what).or_insert(0) += how_many;
    }

    pub fn fault(&mut self, kind: &'static str) {
        *self.faults.entry(kind).or_insert(0) += 1;
    }

    pub fn get(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or(0)
    }

    pub fn merge(&mut self, other: &Self) {
        for (what, n) in &other.counts {
            *self.counts.entry(what).or_insert(0) += n;
        }
        for (kind, n) in &other.faults {
            *self.faults.entry(kind).or_insert(0) += n;
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (title, map) in [("what happened", &self.counts), ("faults", &self.faults)] {
            writeln!(f, "{title}:")?;
            for (what, n) in map {
                writeln!(f, "  {n:>8}  {what}")?;
            }
        }
        Ok(())
    }
}
