//! The power is cut at every point of a batch's life. A traced run says what was written, synced and sent, in order; from that the disk
//! is made as it would be found after each point, and looked at; and from some of them the server is started again.

use crate::disk::{After, Disk};
use crate::shop::{self, Shop};
use crate::strace::{self, Call, Tracer};
use holdfast_contract_tests::{Payment, Server, new_home};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Row as _, SqliteConnection};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The acquirer's own books: it is another company, whose machine stays up.
const ACQUIRER: &str = "acquirer-simulator.sqlite";
const BOOKS: &str = "holdfast.sqlite";

/// A batch from the upload to the last capture.
pub struct Story {
    home: PathBuf,
    shop: Shop,
    batch: Vec<Payment>,
    before: Disk,
    pub calls: Vec<Call>,
}

/// What the looks at all the disks came to.
#[derive(Default)]
pub struct Looks {
    pub points: usize,
    pub disks: usize,
    pub wrong: Vec<String>,
}

impl Story {
    /// Sells and uploads a batch under strace.
    pub fn record(env: &[(String, String)]) -> Self {
        let home = new_home();
        let mut shop = Shop::open(Server::start_on(&home, &[], env));
        // The first batch makes the files and pages that every shop has after its first day.
        let first = shop.batch();
        assert!(shop::offer(&shop.till, &first), "the first batch is not taken");
        assert_eq!(shop::wrong_in_the_end(&shop.server, &first), Vec::<String>::new());
        let batch = shop.batch();
        let rules = ["-e", "trace=pwrite64,ftruncate,fsync,fdatasync,write,writev,sendto,sendmsg"].map(str::to_owned);
        let data = shop.server.data();
        let (before, tracer) =
            shop.frozen(|pid| (Disk::of(&data), Tracer::attach(&[pid], &rules, &home.join("strace.txt"))));
        assert!(shop::offer(&shop.till, &batch), "the traced batch is not taken");
        assert_eq!(shop::wrong_in_the_end(&shop.server, &batch), Vec::<String>::new());
        let calls = strace::calls(&tracer.detach());
        Self { home, shop, batch, before, calls }
    }

    /// Where the acknowledgements began to go out.
    fn acknowledged_at(&self) -> usize {
        let is_answer = |call: &Call| matches!(call, Call::Sent(bytes) if bytes.windows(6).any(|w| w == b"\"acks\""));
        self.calls.iter().position(is_answer).expect("the trace has the answer with the acknowledgements")
    }

    /// How often the server writes or syncs its books.
    pub fn book_calls(&self) -> usize {
        self.count(|call| match call {
            Call::Write { file, .. } | Call::Truncate { file, .. } | Call::Sync { file } => file.contains(BOOKS),
            Call::Sent(_) => false,
        })
    }

    pub fn count(&self, of: impl Fn(&Call) -> bool) -> usize {
        self.calls.iter().filter(|call| of(call)).count()
    }

    /// Looks at the disk after every point. A power cut leaves the same disk from one sync to the next, and what was acknowledged
    /// or asked of the acquirer only grows: the last moment before each sync stands for all of them. Torn disks are looked at there
    /// too, and those of a killed process at every `kill_step`-th write.
    pub fn look(&self, kill_step: usize) -> Looks {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let acknowledged_at = self.acknowledged_at();
        let dir = self.home.join("image");
        let mut disk = self.before.clone();
        let mut looks = Looks::default();
        for (at, call) in self.calls.iter().enumerate() {
            looks.points += 1;
            let is_ours = matches!(call, Call::Sync { file } if file.contains(BOOKS));
            let is_last = at + 1 == self.calls.len();
            let afters: &[After] = if is_ours || is_last {
                &[After::PowerCut, After::Torn(at as u64 * 2 + 1), After::Kill]
            } else if at % kill_step == 0 {
                &[After::Kill]
            } else {
                &[]
            };
            for after in afters {
                looks.disks += 1;
                disk.write(&dir, *after, ACQUIRER);
                let wrong = runtime.block_on(self.wrong_with(&dir, at > acknowledged_at));
                looks.wrong.extend(wrong.into_iter().map(|wrong| format!("point {at}, {after:?}: {wrong}")));
            }
            disk.apply(call);
        }
        looks
    }

    async fn wrong_with(&self, dir: &Path, is_acknowledged: bool) -> Vec<String> {
        match self.judge(dir, is_acknowledged).await {
            Ok(wrong) => wrong,
            Err(error) => vec![format!("the books cannot be read: {error}")],
        }
    }

    async fn judge(&self, dir: &Path, is_acknowledged: bool) -> Result<Vec<String>, sqlx::Error> {
        let mut books = open(&dir.join(BOOKS)).await?;
        let mut wrong = Vec::new();
        let sound: String = sqlx::query("PRAGMA quick_check").fetch_one(&mut books).await?.get(0);
        if sound != "ok" {
            wrong.push(format!("quick_check says {sound}"));
        }
        if is_acknowledged {
            let there: BTreeSet<String> = texts(&mut books, "SELECT id FROM payments").await?;
            let lost = self.batch.iter().filter(|payment| !there.contains(&payment.id)).count();
            if lost > 0 {
                wrong.push(format!("{lost} acknowledged payments are lost"));
            }
        }
        let asked = texts(&mut books, "SELECT payment_id || ' ' || kind FROM acquirer_attempts").await?;
        books.close().await?;
        let mut acquirer = open(&dir.join(ACQUIRER)).await?;
        let done = texts(&mut acquirer, "SELECT reference || ' ' || kind FROM entries").await?;
        acquirer.close().await?;
        let strange = done.difference(&asked).count();
        if strange > 0 {
            wrong.push(format!("{strange} calls to the acquirer of which the books know nothing"));
        }
        Ok(wrong)
    }

    /// Starts the server on the disk of this point, lets the till offer its batch again, and says what is wrong in the end.
    pub fn start_again_at(&mut self, point: usize, after: After) -> Vec<String> {
        let mut disk = self.before.clone();
        self.calls[..point].iter().for_each(|call| disk.apply(call));
        let home = self.home.join("again");
        disk.write(&home.join("data"), after, ACQUIRER);
        for name in fs::read_dir(self.shop.server.data()).expect("the data directory").flatten() {
            // Directories and what the server does not write while it runs keep their permissions only as copies.
            let to = home.join("data").join(name.file_name());
            if !name.file_name().to_string_lossy().contains(".sqlite") && name.path().is_file() {
                fs::copy(name.path(), to).expect("a copy");
            }
        }
        for part in ["keys", "app"] {
            copy_dir(&self.home.join(part), &home.join(part));
        }
        let server = Arc::new(Server::start_on(&home, &[], &[]));
        self.shop.till.server = Arc::clone(&server);
        if !shop::offer(&self.shop.till, &self.batch) {
            return vec![format!("point {point}: the batch is not taken when it is offered again")];
        }
        let wrong = shop::wrong_in_the_end(&server, &self.batch);
        wrong.into_iter().map(|wrong| format!("point {point}, {after:?}: {wrong}")).collect()
    }
}

async fn open(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    SqliteConnectOptions::new().filename(path).pragma("synchronous", "OFF").connect().await
}

async fn texts(of: &mut SqliteConnection, query: &'static str) -> Result<BTreeSet<String>, sqlx::Error> {
    Ok(sqlx::query(query).fetch_all(of).await?.iter().map(|row| row.get(0)).collect())
}

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory").flatten() {
        fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
    }
}
