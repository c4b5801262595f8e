//! The real thing beside the reckoning of `power`: strace kills the server at the n-th write or sync of its books, or its disk refuses.

use crate::shop::{self, Shop};
use crate::strace::Tracer;
use holdfast_contract_tests::{Server, new_home};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

/// Long enough for a few jobs to run into the refusal as well.
const REFUSED_FOR: Duration = Duration::from_secs(2);

/// A shop whose server is hit again and again; each time a new batch is on its way.
pub struct Victim {
    shop: Shop,
    home: PathBuf,
    /// What strace must watch.
    watch: Vec<String>,
}

impl Victim {
    /// With its books in a SQLite file.
    pub fn on_sqlite() -> Self {
        let home = new_home();
        let shop = Shop::open(Server::start_on(&home, &[], &[]));
        let books = shop.server.data().join("holdfast.sqlite");
        let of = |end: &str| ["-P".to_owned(), format!("{}{end}", books.display())];
        let watch = [of(""), of("-wal")].concat();
        Self { shop, home, watch }
    }

    /// With its books in this PostgreSQL.
    pub fn on_postgres(database: &str) -> Self {
        let home = new_home();
        let env = [("HOLDFAST_DATABASE".to_owned(), database.to_owned())];
        let shop = Shop::open(Server::start_on(&home, &[], &env));
        Self { shop, home, watch: Vec::new() }
    }

    fn tracer(&self, pids: &[u32], calls: &str, what: &str) -> Tracer {
        let rules = ["-e".to_owned(), format!("trace={calls}"), "-e".to_owned(), format!("inject={calls}:{what}")];
        Tracer::attach(pids, &[self.watch.as_slice(), &rules].concat(), &self.home.join("strace.txt"))
    }

    /// Kills the server at its `n`-th of these calls in a batch. Says whether it lived to make that many, and what was wrong then.
    pub fn kill_at(&mut self, calls: &str, n: usize) -> (bool, Vec<String>) {
        let batch = self.shop.batch();
        let tracer = self.tracer(&[self.shop.pid()], calls, &format!("signal=KILL:when={n}"));
        shop::offer(&self.shop.till, &batch);
        let died = shop::dies(&self.shop.server, &batch);
        tracer.detach();
        if died {
            self.shop.server.crash_and_restart();
        }
        (died, self.wrong_with(&batch))
    }

    /// From the `from`-th call on, `error` for a while: the server answers with no acknowledgement it cannot keep, and goes on as soon as
    /// it can, without being started again. `pids` are those whose calls fail; none: the server's own.
    pub fn refuse(&mut self, pids: &[u32], calls: &str, error: &str, from: &str) -> Vec<String> {
        let batch = self.shop.batch();
        let server = self.shop.pid();
        let own = [server];
        let tracer = self.tracer(if pids.is_empty() { &own } else { pids }, calls, &format!("{error}:when={from}"));
        shop::offer(&self.shop.till, &batch);
        thread::sleep(REFUSED_FOR);
        let log = tracer.detach();
        let mut wrong = self.wrong_with(&batch);
        if !std::fs::read(log)
            .is_ok_and(|text| text.windows(8).any(|window| window == b"INJECTED" || window == b"+++ kill"))
        {
            wrong.push("nothing was refused: no such call was made".to_owned());
        }
        if self.shop.server.pid() != Some(server) {
            wrong.push("the server did not live through it".to_owned());
        }
        wrong
    }

    fn wrong_with(&self, batch: &[holdfast_contract_tests::Payment]) -> Vec<String> {
        if !shop::offer_until_taken(&self.shop.till, batch) {
            return vec!["the batch is not taken any more".to_owned()];
        }
        shop::wrong_in_the_end(&self.shop.server, batch)
    }
}
