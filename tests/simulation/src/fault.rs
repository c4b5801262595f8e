//! What goes wrong, as operations.

use holdfast_core::outbox::StoreFault;
use holdfast_server::acquirer::simulator::Step;
use holdfast_server::store::memory::Crash as ServerCrash;
use holdfast_testkit::memory::{Crash, Op};

#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    // The network.
    LinkDown {
        tablet: usize,
        ms: i64,
    },
    /// Everything is answered by a web page with status 200.
    Portal {
        tablet: usize,
        ms: i64,
    },
    /// Loss, duplication, truncation and long delays, each in so many of a thousand messages.
    Rough {
        tablet: usize,
        ms: i64,
        permille: u32,
    },
    /// All links are down at once.
    Outage {
        ms: i64,
    },
    /// The next answer to a batch is lost on its way.
    AnswerLost {
        tablet: usize,
    },
    /// The next answer to a batch ends in the middle.
    AnswerCut {
        tablet: usize,
    },
    /// The next batch is answered by something in between with an older answer of the same server, and does not arrive.
    AnswerStale {
        tablet: usize,
    },
    /// The next answer to a batch has its acknowledgements in another order, and some are missing.
    AnswerShuffled {
        tablet: usize,
    },
    /// The next batch arrives twice.
    RequestTwice {
        tablet: usize,
    },
    // The tablet.
    /// The page dies after so many steps, with the last one carried out or not.
    PageCrash {
        tablet: usize,
        steps: u32,
        is_done: bool,
    },
    /// The worker is stopped after so many steps; its lock is freed.
    WorkerKill {
        tablet: usize,
        steps: u32,
    },
    /// The tablet loses power at a store operation.
    TabletCrash {
        tablet: usize,
        crash: Crash,
    },
    /// The upload lock is freed while its holder goes on.
    LockLost {
        tablet: usize,
    },
    WipeDatabase {
        tablet: usize,
    },
    WipeJournal {
        tablet: usize,
    },
    /// A new version of the app starts.
    Upgrade {
        tablet: usize,
    },
    /// No room for more than this.
    Quota {
        tablet: usize,
        bytes: usize,
        ms: i64,
    },
    TornJournal {
        tablet: usize,
        byte: usize,
    },
    StoreBroken {
        tablet: usize,
        op: Op,
        fault: StoreFault,
        is_written: bool,
    },
    /// Every operation is slow, and so many of a thousand fail.
    StoreFlaky {
        tablet: usize,
        ms: i64,
        permille: u32,
    },
    ClockSet {
        tablet: usize,
        wall_ms: i64,
    },
    /// The profile is copied, and both go on.
    Cloned {
        tablet: usize,
    },
    // The server.
    ServerCrash {
        crash: ServerCrash,
        down_ms: i64,
    },
    /// Its disk is lost, and an older copy of the books is put back: the newest, or one so many before it.
    BooksLost {
        back: usize,
        down_ms: i64,
    },
    AcquirerDown {
        ms: i64,
    },
    AcquirerAnswers {
        steps: Vec<Step>,
    },
}

impl Fault {
    /// For the figures.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::LinkDown { .. } => "link down",
            Self::Portal { .. } => "captive portal",
            Self::Rough { .. } => "rough network",
            Self::Outage { ms } if *ms > 3_600_000 => "outage of days",
            Self::Outage { .. } => "outage of all links",
            Self::AnswerLost { .. } => "acknowledgement lost",
            Self::AnswerCut { .. } => "answer cut",
            Self::AnswerStale { .. } => "stale answer",
            Self::AnswerShuffled { .. } => "answer shuffled",
            Self::RequestTwice { .. } => "request twice",
            Self::PageCrash { .. } => "page crash",
            Self::WorkerKill { .. } => "worker killed",
            Self::TabletCrash { .. } => "tablet crash",
            Self::LockLost { .. } => "lock lost",
            Self::WipeDatabase { .. } => "database wiped",
            Self::WipeJournal { .. } => "journal wiped",
            Self::Upgrade { .. } => "app upgraded",
            Self::Quota { .. } => "storage full",
            Self::TornJournal { .. } => "journal write torn",
            Self::StoreBroken { .. } => "store operation failed",
            Self::StoreFlaky { .. } => "storage slow and failing",
            Self::ClockSet { .. } => "clock set",
            Self::Cloned { .. } => "profile cloned",
            Self::ServerCrash { .. } => "server crash",
            Self::BooksLost { .. } => "books lost",
            Self::AcquirerDown { .. } => "acquirer down",
            Self::AcquirerAnswers { .. } => "acquirer scripted",
        }
    }
}
