//! What the server does in a second, beside what it cannot do without. `cargo xtask bench server` and `cargo xtask bench reports` call
//! this; docs/bench.md says how to read it.

mod ceiling;
mod clock;
mod grow;
mod house;
mod reports;
mod server;
mod till;

use holdfast_server::store::Place;
use holdfast_test_postgres::{Postgres, Promise};
use house::House;
use serde_json::{Value, json};
use std::path::Path;

/// A database of the bench.
pub struct Stand {
    pub name: &'static str,
    pub house: House,
    /// PostgreSQL's processes, whose time counts as ours; none for SQLite, which runs in ours.
    pub postgres: Option<Postgres>,
    _dir: tempfile::TempDir,
}

impl Stand {
    pub async fn open(is_postgres: bool) -> Self {
        let dir = tempfile::Builder::new().prefix("holdfast-bench-").tempdir().expect("a directory");
        let postgres = is_postgres.then(|| Postgres::start(Promise::Durable).expect("PostgreSQL starts"));
        let places = match &postgres {
            Some(server) => {
                let place = Place::Postgres(server.database("books").expect("a database").into());
                (place.clone(), place)
            }
            None => (Place::Sqlite(dir.path().join("books.sqlite")), Place::Sqlite(dir.path().join("acquirer.sqlite"))),
        };
        let house = House::open(dir.path(), &places.0, &places.1).await;
        let name = if is_postgres { "PostgreSQL" } else { "SQLite" };
        Self { name, house, postgres, _dir: dir }
    }

    /// PostgreSQL's first process, the parent of all others.
    pub fn postmaster(&self) -> Option<u32> {
        let home = self.postgres.as_ref()?.socket();
        let file = std::fs::read_to_string(home.parent()?.join("data/postmaster.pid")).ok()?;
        file.lines().next()?.parse().ok()
    }

    /// What the books take on the disk, without pages that are free again.
    pub async fn bytes(&self) -> i64 {
        self.house.number(if self.postgres.is_some() { PG_BYTES } else { SQLITE_BYTES }).await
    }
}

const SQLITE_BYTES: &str = "SELECT (c.page_count - f.freelist_count) * s.page_size
    FROM pragma_page_count c, pragma_freelist_count f, pragma_page_size s";
const PG_BYTES: &str = "SELECT CAST(sum(pg_total_relation_size(c.oid)) AS BIGINT) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND c.relkind = 'r'";

fn main() {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let is_full = take(&mut words, "--full");
    let is_smoke = take(&mut words, "--smoke");
    let json = words.iter().position(|word| word == "--json").map(|at| {
        words.remove(at);
        words.remove(at)
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let mut parts = serde_json::Map::new();
    for part in &words {
        let found = match part.as_str() {
            "server" => runtime.block_on(server::server(is_full, is_smoke)),
            "reports" => runtime.block_on(reports::reports(is_full, is_smoke)),
            other => panic!("there is no part {other}: server, reports"),
        };
        parts.insert(part.clone(), found);
    }
    if let Some(path) = json {
        let text = format!("{:#}\n", json!({ "machine": machine(), "parts": Value::Object(parts) }));
        std::fs::write(Path::new(&path), text).expect("the JSON file is written");
    }
    if is_smoke {
        println!("\n{} passed, 0 failed", words.len());
    }
}

fn take(words: &mut Vec<String>, flag: &str) -> bool {
    let before = words.len();
    words.retain(|word| word != flag);
    words.len() != before
}

/// What the figures were measured on.
pub fn machine() -> Value {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let info = read("/proc/cpuinfo");
    let model = info.lines().find_map(|line| line.strip_prefix("model name\t: ")).unwrap_or("unknown").to_owned();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    json!({ "cpu": model, "cores": cores, "load": read("/proc/loadavg").split(' ').next().unwrap_or("") })
}
