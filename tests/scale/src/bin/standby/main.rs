//! A standby of PostgreSQL is promoted while tills upload: a synchronous one after its primary was stopped as by a crash, the next one after
//! its primary lost power. Nothing that was acknowledged is lost, and nothing is captured twice. The control is a standby that had fallen behind
//! and is promoted all the same: what it never heard of is noticed, and named to the owner by the tills' tombstones.
//!
//! The acquirer's ledger is in a database of its own, which nothing happens to, as a real acquirer's would be.

mod behind;
mod cluster;
mod owner;
mod relay;
mod sync;

use cluster::Cluster;
use holdfast_contract_tests::{Server, Till};
use holdfast_scale_tests::house::{self, Replica};
use holdfast_scale_tests::judge::Tally;
use holdfast_scale_tests::{balancer, work_dir};
use holdfast_test_postgres::{Postgres, Promise};
use std::process::ExitCode;
use std::sync::Arc;

const REPLICAS: usize = 2;
const TILLS: usize = 3;

fn main() -> ExitCode {
    let (_kept, home) = work_dir("standby-");
    house::make_home(&home);
    let acquirer = Postgres::start(Promise::Fast).expect("PostgreSQL starts");
    let ledger = acquirer.database("acquirer").expect("a database");
    let cluster = Cluster::start();
    let new = |number| Replica::new(&home, number, &cluster.address()).with_acquirer(&ledger);
    let mut replicas = vec![new(0)];
    replicas[0].start();
    replicas[0].wait_until_healthy();
    for number in 1..REPLICAS {
        let replica = new(number).with_keys_of(&replicas[0]);
        replicas.push(replica);
    }
    replicas.iter_mut().for_each(Replica::wait_until_healthy);
    let processes: Vec<_> = replicas.iter().map(Replica::pid).collect();
    let port = balancer::start(replicas.iter().map(|replica| replica.port).collect());
    let server = Arc::new(Server::at(port, &home.join("keys")));
    let tills = (0..TILLS).map(|_| Till::enrol(&server)).collect();

    let mut tally = Tally::default();
    let (cluster, sold) = sync::run(&mut tally, cluster, tills, &server);
    let cluster = behind::run(&mut tally, cluster, sold, &server, replicas[0].data());
    let still: Vec<_> =
        replicas.iter_mut().map(|replica| replica.is_running().then(|| replica.pid()).flatten()).collect();
    let ended = (still != processes).then(|| format!("{still:?} instead of {processes:?}"));
    tally.check("the servers found every new primary by themselves", ended.into_iter().collect());
    drop((replicas, cluster));
    tally.end()
}
