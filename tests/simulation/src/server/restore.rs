//! An older copy of the books is put back: what was taken since is gone there, and the acquirer knows more than the books do.

use super::Server;
use super::keyring::KeyringCopy;
use crate::plant::Plant;
use crate::world::World;
use holdfast_server::store::Ledger as _;
use holdfast_server::store::memory::BooksCopy;

/// Between two copies, and how many are kept.
const COPY_EVERY_MS: i64 = 40_000;
const COPIES_MAX: usize = 5;

#[derive(Default)]
pub struct Copies {
    /// Oldest first.
    taken: Vec<(i64, BooksCopy, KeyringCopy)>,
    /// To be put back at the next start, counted from the newest.
    wanted: Option<usize>,
    /// How often one was put back.
    pub count: u32,
}

impl Server {
    /// Writes a copy when it is time.
    pub fn copy_if_due(&mut self, now_ms: i64) {
        if self.copies.taken.last().is_some_and(|(at_ms, ..)| now_ms - at_ms < COPY_EVERY_MS) {
            return;
        }
        if self.copies.taken.len() == COPIES_MAX {
            self.copies.taken.remove(0);
        }
        self.copies.taken.push((now_ms, self.ledger.copy(), self.keyring.copy()));
    }
}

impl World {
    /// The machine dies, and its next start is on a copy.
    pub fn books_are_lost(&mut self, back: usize) {
        if self.server.copies.taken.is_empty() {
            return;
        }
        self.server.copies.wanted = Some(back);
        self.server.ledger.crash();
        self.watch_server();
    }

    pub fn put_a_copy_back_if_wanted(&mut self) {
        let Some(back) = self.server.copies.wanted.take() else { return };
        let at = self.server.copies.taken.len().saturating_sub(1 + back);
        self.judge.note_what_is_held(&self.server.ledger);
        let server = &mut self.server;
        let Some((at_ms, books, keyring)) = server.copies.taken.get(at) else { return };
        let age_ms = self.now_ms - at_ms;
        server.copies.count += 1;
        let epoch = format!("epoch-{}", 1 + server.copies.count);
        let epoch = if server.plant == Some(Plant::EpochKept) { server.ledger.epoch() } else { epoch };
        server.ledger.put_back(books, &epoch, self.now_ms);
        server.keyring.put_back(keyring, server.copies.count);
        self.judge.forget_lost_instructions(&self.server.ledger);
        self.figures.count("copies put back");
        self.say(format!("server: books are {} s old", age_ms / 1_000));
    }
}
