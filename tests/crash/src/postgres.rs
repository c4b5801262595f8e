//! The same with the books in PostgreSQL: the server dies between its messages to it, or one of PostgreSQL's own processes dies or is
//! refused by the disk, upon which it ends all connections and recovers from its log.

use crate::Tally;
use crate::kills::Victim;
use holdfast_test_postgres::{Postgres, Promise};
use sqlx::{Connection as _, PgConnection};
use std::time::Instant;

/// How the server sends.
const SENDING: &str = "sendto,sendmsg,writev,write";

pub fn run(tally: &mut Tally, is_full: bool) {
    let postgres = Postgres::start(Promise::Durable).expect("PostgreSQL starts");
    let database = postgres.database("holdfast").expect("a database");
    let mut victim = Victim::on_postgres(&database);

    let since = Instant::now();
    let (mut died, mut wrong, mut tried) = (0, Vec::new(), 0);
    // Each thread counts its own calls; when none makes that many any more, all points have been hit.
    let points = if is_full { (1..=2_000).collect() } else { vec![1, 4, 15, 60, 150] };
    for n in points {
        tried += 1;
        let (has_died, found) = victim.kill_at(SENDING, n);
        died += usize::from(has_died);
        wrong.extend(found.into_iter().map(|found| format!("message {n}: {found}")));
        if !has_died {
            break;
        }
    }
    if died < 2 {
        wrong.push(format!("only {died} of {tried} kills hit"));
    }
    tally.check(&format!("PostgreSQL: the server is killed at {died} of its messages"), &wrong, since);

    let hits = [
        ("killed at a write of its log", "pwrite64", "signal=KILL", "1"),
        ("killed at a sync of its log", "fsync,fdatasync", "signal=KILL", "2"),
        ("refused a sync (EIO)", "fsync,fdatasync", "error=EIO", "1"),
        ("out of space (ENOSPC)", "pwrite64", "error=ENOSPC", "2+"),
    ];
    for (what, calls, error, when) in hits {
        let since = Instant::now();
        let wrong = victim.refuse(&backends(&database), calls, error, when);
        tally.check(&format!("PostgreSQL is {what}: the server finds it again, each is captured once"), &wrong, since);
    }
}

/// The processes that serve our server's connections.
fn backends(database: &str) -> Vec<u32> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let query = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
        AND datname = current_database()";
    let pids: Result<Vec<i32>, sqlx::Error> = runtime.block_on(async {
        let mut connection = PgConnection::connect(database).await?;
        let pids = sqlx::query_scalar(query).fetch_all(&mut connection).await?;
        connection.close().await?;
        Ok(pids)
    });
    pids.expect("PostgreSQL answers").into_iter().filter_map(|pid| u32::try_from(pid).ok()).collect()
}
