//! Getting a sealed payment into the device's stores: twice, durably, and read back, before anyone is told "stored".

use crate::id::RecordHash;

/// What the shell is to do next. Each request is answered by [`Save::next`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaveRequest {
    /// Append the record to the journal (the second copy) and flush it to disk.
    Journal,
    /// Put record and chain head into the database in one transaction of strict durability, and wait for its completion.
    Commit,
    /// Read the record back from the database with a new transaction and hash it.
    ReadBack,
    /// Take the record out of the journal again: it will not be stored.
    Unjournal,
    /// Take the record out of the database again, chain head included: it will not be stored.
    Uncommit,
}

/// Why a store did not take a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StoreFault {
    #[error("this tablet's storage is full: take cash, or free some space")]
    Full,
    #[error("this tablet's storage does not work: take cash, and restart the tablet")]
    Broken,
    #[error("this tablet's storage returned something else than was written: take cash, and have the tablet checked")]
    Mismatch,
}

/// The shell's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaveResponse {
    Done,
    Hash(Option<RecordHash>),
    Failed(StoreFault),
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaveOutcome {
    /// Both copies are durable and the database's was read back.
    Stored,
    /// Nothing is kept: the sale stays open.
    NotStored(StoreFault),
    /// It could not be stored properly and could not be taken back either. The sale stays open under the same payment id; the next
    /// attempt finds what is there and goes on from it, so nothing is charged twice.
    Unsure(StoreFault),
}

/// Either the next request, or the end.
#[derive(Debug)]
pub enum SaveStep {
    Ask(Save, SaveRequest),
    End(SaveOutcome),
}

/// The machine.
#[derive(Debug)]
pub struct Save {
    hash: RecordHash,
    state: State,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Journalling,
    Committing,
    ReadingBack,
    Uncommitting(StoreFault),
    Unjournalling(StoreFault),
    JournallingAgain,
    ReadingBackAgain,
}

impl Save {
    pub fn start(hash: RecordHash) -> SaveStep {
        Self { hash, state: State::Journalling }.ask(SaveRequest::Journal)
    }

    /// For a record whose row is in the database already, after an attempt that ended in doubt: writes the second copy again and reads
    /// back. Takes nothing out and never ends with "not stored": an uploader may have sent the row.
    pub fn again(hash: RecordHash) -> SaveStep {
        Self { hash, state: State::JournallingAgain }.ask(SaveRequest::Journal)
    }

    pub fn next(self, response: SaveResponse) -> SaveStep {
        match (self.state, response) {
            (State::Journalling, SaveResponse::Done) => self.to(State::Committing, SaveRequest::Commit),
            // A half-written journal file must not be found by the recovery.
            (State::Journalling, r) => self.to(State::Unjournalling(fault(r)), SaveRequest::Unjournal),
            (State::Committing, SaveResponse::Done) => self.to(State::ReadingBack, SaveRequest::ReadBack),
            (State::Committing, r) => self.to(State::Uncommitting(fault(r)), SaveRequest::Uncommit),
            (State::ReadingBack, SaveResponse::Hash(Some(hash))) if hash == self.hash => {
                SaveStep::End(SaveOutcome::Stored)
            }
            (State::ReadingBack, r) => self.to(State::Uncommitting(fault(r)), SaveRequest::Uncommit),
            (State::Uncommitting(f), SaveResponse::Done) => self.to(State::Unjournalling(f), SaveRequest::Unjournal),
            (State::Unjournalling(f), SaveResponse::Done) => SaveStep::End(SaveOutcome::NotStored(f)),
            (State::JournallingAgain, SaveResponse::Done) => self.to(State::ReadingBackAgain, SaveRequest::ReadBack),
            (State::ReadingBackAgain, SaveResponse::Hash(Some(hash))) if hash == self.hash => {
                SaveStep::End(SaveOutcome::Stored)
            }
            (State::JournallingAgain | State::ReadingBackAgain, r) => SaveStep::End(SaveOutcome::Unsure(fault(r))),
            (State::Uncommitting(f) | State::Unjournalling(f), _) => SaveStep::End(SaveOutcome::Unsure(f)),
        }
    }

    fn ask(self, request: SaveRequest) -> SaveStep {
        SaveStep::Ask(self, request)
    }

    fn to(self, state: State, request: SaveRequest) -> SaveStep {
        Self { state, ..self }.ask(request)
    }
}

fn fault(response: SaveResponse) -> StoreFault {
    match response {
        SaveResponse::Failed(fault) => fault,
        SaveResponse::Done | SaveResponse::Hash(_) => StoreFault::Mismatch,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: RecordHash = RecordHash([1; 32]);

    /// Runs the machine with the given answers and returns what it asked for and how it ended.
    fn run(answers: &[SaveResponse]) -> (Vec<SaveRequest>, Option<SaveOutcome>) {
        drive(Save::start(HASH), answers)
    }

    fn drive(mut step: SaveStep, answers: &[SaveResponse]) -> (Vec<SaveRequest>, Option<SaveOutcome>) {
        let mut asked = Vec::new();
        let mut answers = answers.iter();
        loop {
            match step {
                SaveStep::End(outcome) => return (asked, Some(outcome)),
                SaveStep::Ask(save, request) => {
                    asked.push(request);
                    let Some(answer) = answers.next() else { return (asked, None) };
                    step = save.next(*answer);
                }
            }
        }
    }

    #[test]
    fn stored_is_said_after_journal_commit_and_read_back_only() {
        use SaveRequest::*;
        use SaveResponse::{Done, Failed, Hash};
        let full = StoreFault::Full;
        let cases: &[(&[SaveResponse], &[SaveRequest], Option<SaveOutcome>)] = &[
            (&[Done, Done, Hash(Some(HASH))], &[Journal, Commit, ReadBack], Some(SaveOutcome::Stored)),
            (&[Done, Done], &[Journal, Commit, ReadBack], None),
            (&[Failed(full), Done], &[Journal, Unjournal], Some(SaveOutcome::NotStored(full))),
            (
                &[Done, Failed(full), Done, Done],
                &[Journal, Commit, Uncommit, Unjournal],
                Some(SaveOutcome::NotStored(full)),
            ),
            (&[Done, Failed(full), Failed(full)], &[Journal, Commit, Uncommit], Some(SaveOutcome::Unsure(full))),
            (
                &[Done, Done, Hash(None), Done, Done],
                &[Journal, Commit, ReadBack, Uncommit, Unjournal],
                Some(SaveOutcome::NotStored(StoreFault::Mismatch)),
            ),
            (
                &[Done, Done, Hash(Some(RecordHash([2; 32]))), Done, Failed(StoreFault::Broken)],
                &[Journal, Commit, ReadBack, Uncommit, Unjournal],
                Some(SaveOutcome::Unsure(StoreFault::Mismatch)),
            ),
        ];
        for (answers, asked, outcome) in cases {
            assert_eq!(run(answers), (asked.to_vec(), *outcome), "{answers:?}");
        }
    }

    #[test]
    fn a_row_that_is_there_is_never_taken_out_again() {
        use SaveRequest::{Journal, ReadBack};
        use SaveResponse::{Done, Failed, Hash};
        let (full, broken) = (StoreFault::Full, StoreFault::Broken);
        let cases: &[(&[SaveResponse], &[SaveRequest], SaveOutcome)] = &[
            (&[Done, Hash(Some(HASH))], &[Journal, ReadBack], SaveOutcome::Stored),
            (&[Failed(full)], &[Journal], SaveOutcome::Unsure(full)),
            (&[Done, Failed(broken)], &[Journal, ReadBack], SaveOutcome::Unsure(broken)),
            (&[Done, Hash(None)], &[Journal, ReadBack], SaveOutcome::Unsure(StoreFault::Mismatch)),
        ];
        for (answers, asked, outcome) in cases {
            assert_eq!(drive(Save::again(HASH), answers), (asked.to_vec(), Some(*outcome)), "{answers:?}");
        }
    }
}
