//! The server in a batch of 50 payments: killed, cut off from power, refused by its disk, at every write and sync. Nothing that was
//! acknowledged is lost, and nothing is captured twice.

mod disk;
mod kills;
mod postgres;
mod power;
mod shop;
mod strace;

use disk::After;
use kills::Victim;
use power::Story;
use std::process::ExitCode;
use std::time::Instant;
use strace::Call;

fn main() -> ExitCode {
    let is_full = std::env::var("HOLDFAST_FULL").is_ok_and(|text| !text.is_empty());
    let mut tally = Tally::default();
    let book_calls = power_cuts(&mut tally, is_full);
    control(&mut tally);
    kills(&mut tally, book_calls, is_full);
    refusals(&mut tally);
    postgres::run(&mut tally, is_full);
    println!("{} passed, {} failed", tally.passed, tally.failed);
    if tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What passed so far.
#[derive(Default)]
pub struct Tally {
    passed: usize,
    failed: usize,
}

impl Tally {
    /// One line; `wrong` is empty when all is well.
    pub fn check(&mut self, what: &str, wrong: &[String], since: Instant) {
        let took = since.elapsed().as_secs_f32();
        if wrong.is_empty() {
            self.passed += 1;
            println!("ok   {what} ({took:.1} s)");
        } else {
            self.failed += 1;
            println!("FAIL {what} ({took:.1} s): {} times, as {:?}", wrong.len(), &wrong[..wrong.len().min(5)]);
        }
    }
}

/// Gives how often the books are written or synced in a batch.
fn power_cuts(tally: &mut Tally, is_full: bool) -> usize {
    let since = Instant::now();
    let mut story = Story::record(&[]);
    let writes = story.count(|call| matches!(call, Call::Write { .. } | Call::Truncate { .. }));
    let syncs = story.count(|call| matches!(call, Call::Sync { .. }));
    println!("     a batch makes {writes} writes and {syncs} syncs");
    tally.check("a batch is taken and captured under strace", &[], since);

    let since = Instant::now();
    let looks = story.look(if is_full { 1 } else { 5 });
    let what = format!(
        "a power cut or a kill at any of {} points loses nothing ({} disks looked at)",
        looks.points, looks.disks
    );
    tally.check(&what, &looks.wrong, since);

    let starts = if is_full { 100 } else { 5 };
    let points = story.calls.len();
    for at in 0..starts {
        let since = Instant::now();
        // Not the same places in every kind.
        let point = points * (2 * at + 1) / (2 * starts);
        let after = [After::PowerCut, After::Torn(point as u64), After::Kill][at % 3];
        let wrong = story.start_again_at(point, after);
        tally.check(&format!("started again after point {point} ({after:?}), each is captured once"), &wrong, since);
    }
    story.book_calls()
}

/// strace kills it at every write and sync of its books (a part of them without `--full`).
fn kills(tally: &mut Tally, book_calls: usize, is_full: bool) {
    let since = Instant::now();
    let mut victim = Victim::on_sqlite();
    let step = if is_full { 1 } else { book_calls / 8 };
    let (mut died, mut tried, mut wrong) = (0, 0, Vec::new());
    for n in (1..book_calls).step_by(step.max(1)) {
        tried += 1;
        let (has_died, found) = victim.kill_at("pwrite64,ftruncate,fsync,fdatasync", n);
        died += usize::from(has_died);
        wrong.extend(found.into_iter().map(|found| format!("call {n}: {found}")));
    }
    // A later batch may make fewer calls, so that the last points are not reached.
    if died * 2 < tried {
        wrong.push(format!("only {died} of {tried} kills hit"));
    }
    tally.check(&format!("killed at {died} of {tried} writes and syncs, each payment is captured once"), &wrong, since);
}

fn refusals(tally: &mut Tally) {
    let mut victim = Victim::on_sqlite();
    for (calls, error, from) in [
        ("pwrite64", "ENOSPC", "1+"),
        ("pwrite64", "ENOSPC", "150+"),
        ("pwrite64", "EIO", "40"),
        ("fsync,fdatasync", "EIO", "1"),
        ("fsync,fdatasync", "EIO", "4+"),
    ] {
        let since = Instant::now();
        let wrong = victim.refuse(&[], calls, &format!("error={error}"), from);
        let what =
            format!("{calls} number {from} fails with {error}: the server lives on, each payment is captured once");
        tally.check(&what, &wrong, since);
    }
}

/// With `synchronous=NORMAL` a commit is not on the disk when it returns: the same look must see that.
fn control(tally: &mut Tally) {
    let since = Instant::now();
    let looks = Story::record(&[("HOLDFAST_TEST_CARELESS".to_owned(), "1".to_owned())]).look(1000);
    let lost = looks.wrong.iter().any(|wrong| wrong.contains("acknowledged payments are lost"));
    let strange = looks.wrong.iter().any(|wrong| wrong.contains("of which the books know nothing"));
    let missed =
        (!(lost && strange)).then(|| format!("synchronous=NORMAL was not caught: {} complaints", looks.wrong.len()));
    tally.check("the control: synchronous=NORMAL is caught losing payments and calls", &Vec::from_iter(missed), since);
}
