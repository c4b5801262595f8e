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
    /// Books that came from a copy keep the epoch that they had.
    EpochKept,
    /// The books do not know that they came from a copy, so nobody asks the acquirer what it knows.
    RestoredNotAsked,
    /// A refund has another number at the acquirer with each call.
    RefundRenumbered,
    /// A try has another number at the acquirer with each call.
    TryRenumbered,
    /// The same instruction that comes again is taken for another one.
    ClickedTwice,
    /// What was paid back before does not count.
    RefundUnchecked,
    /// A void is booked, and the acquirer is not told.
    VoidUnsaid,
}

impl Plant {
    pub const ALL: [Self; 17] = [
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
        Self::EpochKept,
        Self::RestoredNotAsked,
        Self::RefundRenumbered,
        Self::TryRenumbered,
        Self::ClickedTwice,
        Self::RefundUnchecked,
        Self::VoidUnsaid,
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
            Self::EpochKept => "epoch-kept",
            Self::RestoredNotAsked => "restored-not-asked",
            Self::RefundRenumbered => "refund-renumbered",
            Self::TryRenumbered => "try-renumbered",
            Self::ClickedTwice => "clicked-twice",
            Self::RefundUnchecked => "refund-unchecked",
            Self::VoidUnsaid => "void-unsaid",
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
