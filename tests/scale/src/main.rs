//! Three servers on one PostgreSQL behind a balancer. One of them is killed with -9 every few seconds while tills upload, and PostgreSQL
//! itself is stopped as by a crash and started again. In the end nothing that was acknowledged is lost, and nothing was
//! captured twice.

mod balancer;
mod house;
mod judge;
mod load;

use holdfast_contract_tests::{Server, Till};
use holdfast_test_postgres::{Postgres, Promise, Stop};
use house::Replica;
use load::Sold;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const REPLICAS: usize = 3;
const TILLS: usize = 6;
/// How long there is load, unless `HOLDFAST_SCALE_S` says otherwise.
const LOAD_S: u64 = 60;
/// Between two kills, and how long a killed one stays away.
const KILL_EVERY: Duration = Duration::from_secs(4);
const AWAY: Duration = Duration::from_millis(700);
/// Every how many kills PostgreSQL is stopped as well.
const KILLS_A_CRASH: usize = 5;

fn main() -> ExitCode {
    let (_kept, home) = work_dir();
    house::make_home(&home);
    let mut postgres = Postgres::start(Promise::Durable).expect("PostgreSQL starts");
    let database = postgres.database("holdfast").expect("a database");
    let mut replicas = vec![Replica::new(&home, 0, &database)];
    replicas[0].start();
    replicas[0].wait_until_healthy();
    for number in 1..REPLICAS {
        let replica = Replica::new(&home, number, &database).with_keys_of(&replicas[0]);
        replicas.push(replica);
    }
    replicas.iter_mut().for_each(Replica::wait_until_healthy);
    let port = balancer::start(replicas.iter().map(|replica| replica.port).collect());
    let server = Arc::new(Server::at(port, &home.join("keys")));

    let stop = Arc::new(AtomicBool::new(false));
    let tills: Vec<_> = (0..TILLS)
        .map(|_| {
            let (till, stop) = (Till::enrol(&server), Arc::clone(&stop));
            thread::spawn(move || load::sell(till, &stop))
        })
        .collect();
    let (kills, crashes) = torment(&mut replicas, &mut postgres);
    replicas.iter_mut().for_each(Replica::wait_until_healthy);
    stop.store(true, Ordering::Relaxed);
    let mut sold: Vec<Sold> = tills.into_iter().map(|till| till.join().expect("a till ends")).collect();
    // Connections that were made while servers died are not the judge's affair.
    let server = Arc::new(Server::at(port, &home.join("keys")));
    sold.iter_mut().for_each(|sold| sold.till.server = Arc::clone(&server));
    println!("{kills} servers killed, PostgreSQL stopped {crashes} times");
    judge::judge(&sold, &server, kills, crashes)
}

/// Kills one replica after the other, and PostgreSQL now and then. Says how often.
fn torment(replicas: &mut [Replica], postgres: &mut Postgres) -> (usize, usize) {
    let seconds = std::env::var("HOLDFAST_SCALE_S").ok().and_then(|text| text.parse().ok()).unwrap_or(LOAD_S);
    let started = Instant::now();
    let (mut kills, mut crashes) = (0, 0);
    while started.elapsed() < Duration::from_secs(seconds) || crashes == 0 {
        thread::sleep(KILL_EVERY);
        replicas[kills % REPLICAS].kill();
        kills += 1;
        if kills % KILLS_A_CRASH == 0 {
            postgres.stop(Stop::Immediate).expect("PostgreSQL stops");
            thread::sleep(AWAY);
            postgres.run().expect("PostgreSQL starts again");
            crashes += 1;
        }
        thread::sleep(AWAY);
        replicas.iter_mut().for_each(Replica::keep_running);
    }
    (kills, crashes)
}

/// Under `HOLDFAST_WORK` when it is set, where it is kept; else somewhere temporary.
fn work_dir() -> (Option<tempfile::TempDir>, PathBuf) {
    match std::env::var_os("HOLDFAST_WORK") {
        Some(work) => {
            std::fs::create_dir_all(&work).expect("the work directory");
            let dir = tempfile::Builder::new().prefix("scale-").tempdir_in(work).expect("a directory");
            (None, dir.keep())
        }
        None => {
            let dir = tempfile::tempdir().expect("a directory");
            let path = dir.path().to_owned();
            (Some(dir), path)
        }
    }
}
