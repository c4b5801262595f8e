//! Payments a second, taken in and all the way through, beside the decryption that each needs.

use crate::ceiling::Ceiling;
use crate::clock::{self, Spent};
use crate::{Stand, grow, machine};
use serde_json::{Value, json};
use std::time::Duration;

/// Payments of one round, and rounds before and after the books have grown.
const ROUND: usize = 2_400;
const ROUNDS: usize = 4;
/// What the whole way is to reach of the decryption that one core can do.
const GOAL: f64 = 0.8;
/// How far the books grow.
const GROWN: i64 = 50_000;
const GROWN_FULL: i64 = 1_000_000;

struct Round {
    ceiling: Spent,
    ingest: Spent,
    pipeline: Spent,
}

impl Round {
    fn ratio(&self) -> f64 {
        self.pipeline.rate() / self.ceiling.rate()
    }

    /// What the ratio would be, if the cores did nothing else and never waited: on a machine that others use too, the steadier figure.
    fn ratio_by_cores(&self) -> f64 {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        cores as f64 * self.ceiling.cpu_ms() / self.pipeline.cpu_ms()
    }
}

pub async fn server(is_full: bool, is_smoke: bool) -> Value {
    let (count, rounds) = if is_smoke { (80, 1) } else { (ROUND, ROUNDS) };
    let grown = if is_full {
        GROWN_FULL
    } else if is_smoke {
        1_000
    } else {
        GROWN
    };
    println!("\nserver: {}", machine());
    let ceiling = Ceiling::make();
    let mut found = serde_json::Map::new();
    for is_postgres in [false, true] {
        let mut stand = Stand::open(is_postgres).await;
        // The first round warms caches and statements, and is not counted.
        round(&mut stand, &ceiling, count).await;
        let small = run(&mut stand, &ceiling, count, rounds).await;
        let before = stand.bytes().await;
        let taken = stand.house.number("SELECT count(*) FROM payments").await;
        let payments = grow::grow(&stand.house, grown).await;
        let each = (stand.bytes().await - before) / (payments - taken).max(1);
        round(&mut stand, &ceiling, count).await;
        let large = run(&mut stand, &ceiling, count, rounds).await;
        println!("\n{}", stand.name);
        say("few payments", &small);
        say(&format!("{payments} payments"), &large);
        let flat = median(large.iter().map(Round::ratio)).1 / median(small.iter().map(Round::ratio)).1;
        println!("  grown against few: {flat:.2}; {each} bytes a payment (settled and booked, with all indexes)");
        let sides = json!({ "few": figures(&small), "grown": figures(&large), "grown_payments": payments, "grown_against_few": flat,
            "bytes_a_payment": each });
        found.insert(stand.name.to_owned(), sides);
        stand.house.books.close().await;
    }
    Value::Object(found)
}

async fn run(stand: &mut Stand, ceiling: &Ceiling, count: usize, rounds: usize) -> Vec<Round> {
    let mut found = Vec::new();
    for _ in 0..rounds {
        found.push(round(stand, ceiling, count).await);
    }
    found
}

/// The ceiling, ingest alone and the whole way, one after the other.
async fn round(stand: &mut Stand, ceiling: &Ceiling, count: usize) -> Round {
    let postmaster = stand.postmaster();
    let house = &mut stand.house;
    let sold = house.sell(count);
    let count = sold.iter().flatten().map(Vec::len).sum::<usize>();
    let clock = clock::start(postmaster);
    house.upload(sold).await;
    let ingest = clock.stop(count);
    // What was only taken in is settled off the clock.
    let settled = house.captured() + count;
    let running = house.run();
    house.wait_for(settled).await;
    running.end().await;
    let sold = house.sell(count);
    let ceiling = ceiling.run(Duration::from_millis(500));
    let running = house.run();
    let clock = clock::start(postmaster);
    house.upload(sold).await;
    house.wait_for(settled + count).await;
    let pipeline = clock.stop(count);
    running.end().await;
    Round { ceiling, ingest, pipeline }
}

fn say(what: &str, rounds: &[Round]) {
    let rate = |of: fn(&Round) -> f64| {
        let (min, median, max) = median(rounds.iter().map(of));
        format!("{median:.0} ({min:.0} to {max:.0})")
    };
    let (min, middle, max) = median(rounds.iter().map(Round::ratio));
    println!("  {what}, a second: decryption on one core {}", rate(|r| r.ceiling.rate()));
    println!("    ingest {}, whole way {}", rate(|r| r.ingest.rate()), rate(|r| r.pipeline.rate()));
    let by_cores = median(rounds.iter().map(Round::ratio_by_cores)).1;
    // On a machine that others use, the one thread of the decryption gets less of it than the many of the whole way.
    let verdict = if middle.min(by_cores) >= GOAL { "reached" } else { "not reached" };
    println!("    whole way against decryption: {middle:.2} ({min:.2} to {max:.2}); the goal is {GOAL:.2}, {verdict}");
    let cpu = |of: fn(&Round) -> f64| median(rounds.iter().map(of)).1;
    println!("    by the time of all cores alone: {by_cores:.2}");
    println!(
        "    ms of a core: decryption {:.2}, ingest {:.2}, whole way {:.2} (PostgreSQL's processes included)",
        cpu(|r| r.ceiling.cpu_ms()),
        cpu(|r| r.ingest.cpu_ms()),
        cpu(|r| r.pipeline.cpu_ms())
    );
}

fn figures(rounds: &[Round]) -> Value {
    let of = |of: fn(&Round) -> f64| {
        let (min, median, max) = median(rounds.iter().map(of));
        json!({ "min": min, "median": median, "max": max })
    };
    json!({
        "decryption_a_second": of(|r| r.ceiling.rate()),
        "ingest_a_second": of(|r| r.ingest.rate()),
        "pipeline_a_second": of(|r| r.pipeline.rate()),
        "pipeline_against_decryption": of(Round::ratio),
        "pipeline_against_decryption_by_cores": of(Round::ratio_by_cores),
        "goal": GOAL,
        "decryption_cpu_ms": of(|r| r.ceiling.cpu_ms()),
        "pipeline_cpu_ms": of(|r| r.pipeline.cpu_ms()),
    })
}

/// Least, middle, most.
pub fn median(values: impl Iterator<Item = f64>) -> (f64, f64, f64) {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    let at = |at: usize| sorted.get(at).copied().unwrap_or(f64::NAN);
    (at(0), at(sorted.len() / 2), at(sorted.len().saturating_sub(1)))
}
