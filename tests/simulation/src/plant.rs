//! Bugs planted on purpose. Each is a wrong version of the simulation's own shell or of the seam around the server's code, never
//! of production code, and each must be caught.

use std::fmt;
use std::str::FromStr;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plant {
    /// The uploader deletes what it sends, and waits for the answer afterwards.
    DeleteBeforeAck,
    /// A sale that is tried again gets a new payment id.
    NewIdOnRetry,
    /// Acknowledgements are matched by their position in the answer.
    AckByIndex,
    /// The intent is committed together with the acquirer's answer, so the call goes out before it.
    CallBeforeIntent,
    /// A new version's schema does not declare the outbox, and the journal's files look like leftovers.
    SchemaDropsStore,
    /// The server acknowledges a batch that it will write in a moment.
    AckBeforeCommit,
    /// A write is believed, as a wrapper reports it, and not read back.
    NoReadBack,
    /// A sale that ended in doubt and is tried again while the storage fails is told "not stored".
    DoubtForgotten,
    /// A record whose read-back failed is taken out again, though an uploader may have sent it.
    TakenBack,
    /// A sale that ended in doubt and whose row is there is saved a second time, and the second save's failure is believed.
    SavedAgain,
}

impl Plant {
    pub const ALL: [Self; 10] = [
        Self::DeleteBeforeAck,
        Self::NewIdOnRetry,
        Self::AckByIndex,
        Self::CallBeforeIntent,
        Self::SchemaDropsStore,
        Self::AckBeforeCommit,
        Self::NoReadBack,
        Self::DoubtForgotten,
        Self::TakenBack,
        Self::SavedAgain,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::DeleteBeforeAck => "delete-before-ack",
            Self::NewIdOnRetry => "new-id-on-retry",
            Self::AckByIndex => "ack-by-index",
            Self::CallBeforeIntent => "call-before-intent",
            Self::SchemaDropsStore => "schema-drops-store",
            Self::AckBeforeCommit => "ack-before-commit",
            Self::NoReadBack => "no-read-back",
            Self::DoubtForgotten => "doubt-forgotten",
            Self::TakenBack => "taken-back",
            Self::SavedAgain => "saved-again",
        }
    }
}

impl fmt::Display for Plant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Not the name of a planted bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownPlant;

impl FromStr for Plant {
    type Err = UnknownPlant;
    fn from_str(name: &str) -> Result<Self, UnknownPlant> {
        Self::ALL.into_iter().find(|p| p.name() == name).ok_or(UnknownPlant)
    }
}
