//! Three servers on one PostgreSQL behind a balancer. One of them is killed with -9 every few seconds while tills upload, and PostgreSQL
//! itself is stopped as by a crash and started again. In the end nothing that was acknowledged is lost, and nothing was
//! captured twice.

use holdfast_contract_tests::{Server, Till};
use holdfast_scale_tests::house::{self, Replica};
use holdfast_scale_tests::judge::{self, Tally};
use holdfast_scale_tests::load::{self, Load};
use holdfast_scale_tests::{balancer, work_dir};
use holdfast_test_postgres::{Postgres, Promise, Stop};
use std::process::ExitCode;
use std::sync::Arc;
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
    let (_kept, home) = work_dir("scale-");
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

    let load = Load::start((0..TILLS).map(|_| Till::enrol(&server)).collect());
    let (kills, crashes) = torment(&mut replicas, &mut postgres);
    replicas.iter_mut().for_each(Replica::wait_until_healthy);
    let mut sold = load.end();
    // Connections that were made while servers died are not the judge's affair.
    let server = Arc::new(Server::at(port, &home.join("keys")));
    sold.iter_mut().for_each(|sold| sold.till.server = Arc::clone(&server));
    println!("{kills} servers killed, PostgreSQL stopped {crashes} times");
    let mut tally = Tally::default();
    let torment = (kills < 3 || crashes < 1 || load::repeated(&sold) == 0).then(|| format!("{kills}, {crashes}"));
    tally.check("the servers and PostgreSQL were killed, and tills noticed", torment.into_iter().collect());
    judge::nothing_is_lost(&mut tally, &sold, &server);
    tally.end()
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
