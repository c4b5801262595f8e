//! `cargo run -p holdfast-simulation -- --seeds 500 --seed 1`

mod args;

use args::{Args, USAGE};
use holdfast_simulation::{Figures, Options, Outcome, Plant, run};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Within so many seeds every planted bug must show.
const PLANT_SEEDS_MAX: u64 = 400;

fn main() -> ExitCode {
    let args = match Args::parse(std::env::args().skip(1)) {
        Ok(args) => args,
        Err(error) => {
            eprintln!("{error}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let is_good = if args.all_plants {
        all_plants(&args)
    } else if args.trace {
        traced(&args)
    } else {
        many(&args)
    };
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs the seeds, each on one thread, several at once.
fn many(args: &Args) -> bool {
    let started = Instant::now();
    let totals = Mutex::new(Totals::default());
    let next = AtomicU64::new(0);
    let options = Options { plant: args.plant, keeps_trace: false };
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= args.seeds {
                return;
            }
            let outcome = run(args.seed.wrapping_add(at), options);
            let mut totals = totals.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            totals.take(outcome, args);
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let totals = totals.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    print!("{}", totals.figures);
    println!("{} seeds in {:.1} s", args.seeds, started.elapsed().as_secs_f64());
    println!("{} passed, {} failed", totals.passed, totals.failed);
    totals.failed == 0
}

#[derive(Default)]
struct Totals {
    figures: Figures,
    passed: u64,
    failed: u64,
}

impl Totals {
    fn take(&mut self, outcome: Outcome, args: &Args) {
        self.figures.merge(&outcome.figures);
        if outcome.violations.is_empty() {
            self.passed += 1;
        } else {
            self.failed += 1;
            complain(&outcome, args.plant);
        }
        let done = self.passed + self.failed;
        if done.is_multiple_of(50) {
            println!("{done} of {} seeds, {} failed", args.seeds, self.failed);
        }
    }
}

fn complain(outcome: &Outcome, plant: Option<Plant>) {
    println!("seed {} FAILED", outcome.seed);
    for violation in &outcome.violations {
        println!("  {violation}");
    }
    let plant = plant.map(|p| format!(" --plant {p}")).unwrap_or_default();
    println!("  replay: cargo run -p holdfast-simulation -- --seed {} --seeds 1 --trace{plant}", outcome.seed);
    println!("  the last lines of its trace:");
    for line in &outcome.trace {
        println!("  {line}");
    }
}

/// Runs seeds one by one with their whole trace.
fn traced(args: &Args) -> bool {
    let mut failed = 0;
    for at in 0..args.seeds {
        let outcome = run(args.seed.wrapping_add(at), Options { plant: args.plant, keeps_trace: true });
        for line in &outcome.trace {
            println!("{line}");
        }
        for violation in &outcome.violations {
            println!("VIOLATION: {violation}");
        }
        println!("seed {}: trace hash {:016x}", outcome.seed, outcome.trace_hash);
        print!("{}", outcome.figures);
        failed += u64::from(!outcome.violations.is_empty());
    }
    println!("{} passed, {failed} failed", args.seeds - failed);
    failed == 0
}

/// Every planted bug must be caught.
fn all_plants(args: &Args) -> bool {
    let mut missed = 0;
    let seeds = args.seeds.min(PLANT_SEEDS_MAX);
    for plant in Plant::ALL {
        let caught = (0..seeds).map(|at| args.seed.wrapping_add(at)).find_map(|seed| {
            let outcome = run(seed, Options { plant: Some(plant), keeps_trace: false });
            let violation = outcome.violations.into_iter().next()?;
            // It must be the bug that shows, not something else that is wrong with this seed.
            run(seed, Options::default()).violations.is_empty().then_some((seed, violation))
        });
        match caught {
            Some((seed, violation)) => println!("{plant}: caught by seed {seed}: {violation}"),
            None => {
                missed += 1;
                println!("{plant}: NOT CAUGHT within {seeds} seeds");
            }
        }
    }
    println!("{} passed, {missed} failed", Plant::ALL.len() - missed);
    missed == 0
}
