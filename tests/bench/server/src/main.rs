//! What the server does in a second, beside what it cannot do without. `cargo xtask bench server` and `cargo xtask bench reports` call
//! this; docs/bench.md says how to read it.

mod ceiling;
mod clock;
mod house;
mod till;

use ceiling::Ceiling;
use holdfast_server::store::Place;
use holdfast_test_postgres::{Postgres, Promise};
use house::House;
use std::time::Duration;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(run());
}

async fn run() {
    let args: Vec<String> = std::env::args().collect();
    let count: usize = args.get(2).and_then(|t| t.parse().ok()).unwrap_or(800);
    let rounds: usize = args.get(3).and_then(|t| t.parse().ok()).unwrap_or(3);
    let dir = tempfile::tempdir().unwrap();
    let pg = Postgres::start(Promise::Durable).unwrap();
    let which = args.get(1).map(String::as_str).unwrap_or("both");
    let ceiling = Ceiling::make();
    for name in ["sqlite", "postgres"] {
        if which != "both" && which != name { continue; }
        let (b, a) = if name == "sqlite" {
            (Place::Sqlite(dir.path().join("books.sqlite")), Place::Sqlite(dir.path().join("acq.sqlite")))
        } else {
            let p = Place::Postgres(pg.database("books").unwrap().into());
            (p.clone(), p)
        };
        let mut house = House::open(dir.path(), &b, &a).await;
        for _ in 0..rounds {
            let c = ceiling.run(Duration::from_millis(700));
            let sold = house.sell(count);
            let n = sold.iter().flatten().map(Vec::len).sum::<usize>();
            let clock = clock::start(&[]);
            house.upload(sold).await;
            let i = clock.stop(n);
            let before = house.captured();
            let running = house.run();
            let clock = clock::start(&[]);
            house.wait_for(before + n).await;
            let p = clock.stop(n);
            running.end().await;
            let sold = house.sell(count);
            let before = house.captured();
            let running = house.run();
            let clock = clock::start(&[]);
            house.upload(sold).await;
            house.wait_for(before + n).await;
            let f = clock.stop(n);
            running.end().await;
            println!("{name}: ceiling {:.0}/s {:.3}ms | ingest {:.0}/s {:.3}ms | process {:.0}/s {:.3}ms | full {:.0}/s cpu {:.3}ms ratio {:.2} cpu-ratio {:.2}", c.rate(), c.cpu_ms(), i.rate(), i.cpu_ms(), p.rate(), p.cpu_ms(), f.rate(), f.cpu_ms(), f.rate()/c.rate(), c.cpu_ms()/f.cpu_ms());
        }
    }
}
