//! What a seed has in store: how many tablets, how long, and which faults when.

use crate::fault::Fault;
use holdfast_core::outbox::StoreFault;
use holdfast_core::time::DAY_MS;
use holdfast_server::acquirer::simulator::Step;
use holdfast_server::store::memory::Crash as ServerCrash;
use holdfast_testkit::memory::{Crash, Op};
use holdfast_testkit::rng::SeededRng;

/// Monday, 23 November 2026.
const DAY_ONE_MS: i64 = 1_795_392_000_000;
const HOUR_MS: i64 = 3_600_000;
const MINUTE_MS: i64 = 60_000;

#[derive(Debug)]
pub struct Plan {
    /// True time at the beginning.
    pub start_ms: i64,
    pub tablets: usize,
    /// How long faults come and sales are made.
    pub chaos_ms: i64,
    /// Time between two sales of a tablet, at most.
    pub sale_gap_ms_max: i64,
    /// Copies of the books are written, because one will be needed.
    pub loses_books: bool,
    /// The sealed data of a declined payment are kept for another try.
    pub retries_declined: bool,
    /// When somebody wants something about a payment, from the start.
    pub asked_at_ms: Vec<i64>,
    /// By time from the start.
    pub faults: Vec<(i64, Fault)>,
}

impl Plan {
    pub fn draw(rng: &mut SeededRng) -> Self {
        let tablets = usize::try_from(rng.between(2, 4)).unwrap_or(2);
        let chaos_ms = rng.between(3, 7) * MINUTE_MS;
        // Some runs begin shortly before a key's last minute.
        let start_ms = if rng.chance(250) {
            DAY_ONE_MS + DAY_MS - rng.between(1, 5) * MINUTE_MS
        } else {
            DAY_ONE_MS + rng.between(0, 23 * HOUR_MS)
        };
        let count = rng.between(4, 28);
        let mut faults: Vec<(i64, Fault)> =
            (0..count).map(|_| (rng.between(0, chaos_ms), draw_fault(rng, tablets))).collect();
        if rng.chance(80) {
            faults.push((rng.between(0, chaos_ms / 2), Fault::Outage { ms: rng.between(66, 80) * HOUR_MS }));
        }
        let loses_books = rng.chance(250);
        if loses_books {
            for _ in 0..rng.between(1, 2) {
                let fault = Fault::BooksLost {
                    back: usize::try_from(rng.below(3)).unwrap_or(0),
                    down_ms: rng.between(1, 40) * 1_000,
                };
                faults.push((rng.between(chaos_ms / 3, chaos_ms), fault));
            }
        }
        let asked_at_ms = (0..rng.between(0, 16)).map(|_| rng.between(0, chaos_ms)).collect();
        faults.sort_by_key(|(at, _)| *at);
        Self {
            start_ms,
            tablets,
            chaos_ms,
            sale_gap_ms_max: rng.between(30, 110) * 1_000,
            loses_books,
            retries_declined: rng.chance(400),
            asked_at_ms,
            faults,
        }
    }
}

fn draw_fault(rng: &mut SeededRng, tablets: usize) -> Fault {
    let tablet = usize::try_from(rng.below(tablets as u64)).unwrap_or(0);
    let short = |rng: &mut SeededRng| rng.between(2, 90) * 1_000;
    match rng.below(35) {
        0 | 1 => Fault::LinkDown { tablet, ms: short(rng) },
        2 => Fault::Portal { tablet, ms: short(rng) },
        3 | 4 => Fault::Rough { tablet, ms: short(rng), permille: u32::try_from(rng.between(50, 500)).unwrap_or(50) },
        5 => Fault::Outage { ms: short(rng) * 2 },
        6 | 7 => Fault::AnswerLost { tablet },
        8 => Fault::AnswerCut { tablet },
        9 => Fault::AnswerStale { tablet },
        10 => Fault::AnswerShuffled { tablet },
        11 => Fault::RequestTwice { tablet },
        12 | 13 => {
            Fault::PageCrash { tablet, steps: u32::try_from(rng.below(8)).unwrap_or(0), is_done: rng.chance(500) }
        }
        14 => Fault::WorkerKill { tablet, steps: u32::try_from(rng.below(8)).unwrap_or(0) },
        15 | 16 => Fault::TabletCrash { tablet, crash: Crash { after: rng.below(24), is_written: rng.chance(500) } },
        17 => Fault::LockLost { tablet },
        18 => Fault::WipeDatabase { tablet },
        19 => Fault::WipeJournal { tablet },
        20 => Fault::Upgrade { tablet },
        21 => Fault::Quota { tablet, bytes: usize::try_from(rng.between(0, 30_000)).unwrap_or(0), ms: short(rng) },
        22 => Fault::TornJournal { tablet, byte: usize::try_from(rng.between(0, 3_000)).unwrap_or(0) },
        23 | 24 => draw_broken(rng, tablet),
        25 => Fault::ClockSet { tablet, wall_ms: draw_wall(rng) },
        26 if rng.chance(400) => Fault::Cloned { tablet },
        27 => Fault::AcquirerDown { ms: short(rng) },
        33 | 34 => Fault::StoreFlaky {
            tablet,
            ms: rng.between(10, 60) * 1_000,
            permille: u32::try_from(rng.between(30, 400)).unwrap_or(30),
        },
        28 | 29 => Fault::AcquirerAnswers { steps: (0..rng.between(1, 4)).map(|_| draw_step(rng)).collect() },
        _ => Fault::ServerCrash {
            crash: ServerCrash { after: rng.below(24), is_written: rng.chance(400) },
            down_ms: rng.between(1, 40) * 1_000,
        },
    }
}

fn draw_broken(rng: &mut SeededRng, tablet: usize) -> Fault {
    let ops = [
        Op::Journal,
        Op::Commit,
        Op::ReadBack,
        Op::ReadBack,
        Op::Uncommit,
        Op::Unjournal,
        Op::List,
        Op::Settle,
        Op::Head,
        Op::Restore,
    ];
    let fault = *rng.pick(&[StoreFault::Broken, StoreFault::Full]);
    Fault::StoreBroken { tablet, op: *rng.pick(&ops), fault, is_written: rng.chance(400) }
}

fn draw_wall(rng: &mut SeededRng) -> i64 {
    let year_2040 = 2_208_988_800_000;
    let around = DAY_ONE_MS + rng.between(-3 * DAY_MS, 3 * DAY_MS);
    *rng.pick(&[0, 86_400_000, year_2040, around])
}

fn draw_step(rng: &mut SeededRng) -> Step {
    match rng.below(6) {
        0 => Step::Decline { code: (*rng.pick(&["05", "51", "91"])).to_owned() },
        1 | 2 => Step::DropAnswer,
        3 => Step::Unreachable,
        4 => Step::Delay { ms: u64::try_from(rng.between(10, 60_000)).unwrap_or(10) },
        _ => Step::Approve,
    }
}
