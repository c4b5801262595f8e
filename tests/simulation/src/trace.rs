//! The story of a run, line by line, with its hash. It says nothing that depends on a random signature.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// Lines that are kept when not all are asked for.
const LINES_KEPT: usize = 40;

#[derive(Debug, Default)]
pub struct Trace {
    // `DefaultHasher::new` has fixed keys: the same lines have the same hash in every process.
    hasher: DefaultHasher,
    lines: VecDeque<String>,
    keeps_all: bool,
}

impl Trace {
    pub fn new(keeps_all: bool) -> Self {
        Self { keeps_all, ..Self::default() }
    }

    pub fn line(&mut self, elapsed_ms: i64, text: String) {
        let line = format!("{:>10}.{:03} {text}", elapsed_ms / 1_000, elapsed_ms % 1_000);
        line.hash(&mut self.hasher);
        self.lines.push_back(line);
        if !self.keeps_all && self.lines.len() > LINES_KEPT {
            self.lines.pop_front();
        }
    }

    pub fn into_parts(self) -> (u64, Vec<String>) {
        (self.hasher.finish(), self.lines.into())
    }
}
