//! A shop on one database: the server's own parts, put together as `holdfast serve --demo` does, without HTTP.

use crate::till::{Sealing, Till};
use holdfast_core::id::{DeviceId, MerchantId};
use holdfast_crypto::SecretBytes;
use holdfast_crypto::envelope::PublicCardKey;
use holdfast_crypto::es256::SigningKey;
use holdfast_server::acquirer::simulator::{RealPause, Simulator, SqlBook};
use holdfast_server::clock::SystemClock;
use holdfast_server::ingest::ingest;
use holdfast_server::journal::{self, Journal};
use holdfast_server::keys::root::make_root_files;
use holdfast_server::keys::store::{FileStore, KeyStores};
use holdfast_server::keys::{BookedCardKeys, Keyring, LocalKeys, Material};
use holdfast_server::process::{Clock as _, Processor, runner};
use holdfast_server::store::{Books, Enrolled, Enrolment, Ledger as _, Place};
use holdfast_wire::keyset::KeySet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

type Acquirer = Simulator<SqlBook, RealPause>;
type Jobs = Processor<Books, Acquirer, BookedCardKeys, SystemClock>;

/// Tills that upload at the same time.
const TILLS: u8 = 8;
/// Records of a batch, as many as a till sends.
const BATCH: usize = holdfast_core::limits::BATCH_RECORDS_MAX;

pub struct House {
    pub books: Arc<Books>,
    pub merchant_id: MerchantId,
    pub tills: Vec<Till>,
    pub clock: SystemClock,
    ring: Arc<Keyring>,
    sealing: Sealing,
    jobs: Arc<Jobs>,
    wake: Arc<Notify>,
    changes: watch::Sender<u64>,
    captured: Arc<AtomicUsize>,
}

/// The tasks of a server, until they are told to end.
pub struct Running {
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Running {
    pub async fn end(self) {
        self.stop.send_replace(true);
        for task in self.tasks {
            task.await.expect("a task of the server ends");
        }
    }
}

impl House {
    /// Opens a shop whose files are in `dir`, with its books and the acquirer's where they are said to be.
    pub async fn open(dir: &Path, books: &Place, acquirer: &Place) -> Self {
        let captured = Arc::new(AtomicUsize::new(0));
        let told = Arc::clone(&captured);
        let books = Books::open(books, "bench").await.expect("books").with_on_move(move |state| {
            told.fetch_add(usize::from(state == "captured"), Ordering::Relaxed);
        });
        let (books, clock) = (Arc::new(books), SystemClock::default());
        let merchant_id = MerchantId::make([7; 16]);
        books.add_shop(holdfast_server::demo::shop(merchant_id)).await.expect("a shop");
        make_root_files(&dir.join("root")).expect("root keys");
        let local = Arc::new(LocalKeys::open(dir).expect("key files"));
        let material = Material::in_files(Arc::clone(&local), dir.join("root"));
        let ring = Keyring::open(Arc::clone(&books), material, clock.now_ms()).await.expect("a key ring");
        let stores = KeyStores::new(Arc::new(FileStore::new(Arc::clone(&local))), Vec::new());
        let card_keys = Arc::new(BookedCardKeys::new(Arc::clone(&books), stores));
        let simulator = Simulator::new(SqlBook::open(acquirer).await.expect("the acquirer's books"), RealPause, 30_000);
        let (changes, _) = watch::channel(0);
        let changed = changes.clone();
        // Opened to key the hash of card numbers, as the server does.
        let pan_key = SecretBytes::from(local.pan_key.expose().as_slice());
        let jobs = Processor::new(Arc::clone(&books), Arc::new(simulator), card_keys, clock, pan_key)
            .with_on_change(Arc::new(move |_| changed.send_modify(|count| *count += 1)));
        let mut tills = Vec::new();
        for number in 0..TILLS {
            tills.push(enrol(&books, merchant_id, number, clock.now_ms()).await);
        }
        Self {
            sealing: sealing(&ring),
            ring: Arc::new(ring),
            jobs: Arc::new(jobs),
            wake: Arc::new(Notify::new()),
            books,
            merchant_id,
            tills,
            clock,
            changes,
            captured,
        }
    }

    /// Batches of `count` payments in all, a list for each till.
    pub fn sell(&mut self, count: usize) -> Vec<Vec<Vec<String>>> {
        let (sealing, now_ms) = (self.sealing.clone(), self.clock.now_ms());
        let each = count / self.tills.len();
        let of_till = |till: &mut Till| {
            let records = till.sell(&sealing, now_ms, each);
            records.chunks(BATCH).map(<[String]>::to_vec).collect()
        };
        self.tills.iter_mut().map(of_till).collect()
    }

    /// Every till uploads what it has, one batch after the other; all of them at once.
    pub async fn upload(&self, sold: Vec<Vec<Vec<String>>>) {
        let mut uploads = Vec::new();
        for (till, batches) in self.tills.iter().zip(sold) {
            let (books, ring, clock, device) =
                (Arc::clone(&self.books), Arc::clone(&self.ring), self.clock, till.device.clone());
            let (wake, changes) = (Arc::clone(&self.wake), self.changes.clone());
            uploads.push(tokio::spawn(async move {
                for records in batches {
                    let count = records.len();
                    let taken =
                        ingest(&*books, &*ring, clock.now_ms(), &device, records).await.expect("a batch is taken");
                    assert_eq!((taken.stored.len(), taken.acks.len()), (count, count), "every record is stored");
                    wake.notify_one();
                    changes.send_modify(|count| *count += 1);
                }
            }));
        }
        for upload in uploads {
            upload.await.expect("a till uploads");
        }
    }

    /// Starts the jobs and the booking.
    pub fn run(&self) -> Running {
        let (stop, stopped) = watch::channel(false);
        let jobs = runner::run(Arc::clone(&self.jobs), Arc::clone(&self.wake), stopped.clone());
        let journal = journal::runner::run(Journal::new(&self.books), self.clock, self.changes.subscribe(), stopped);
        Running { stop, tasks: vec![tokio::spawn(jobs), tokio::spawn(journal)] }
    }

    pub fn captured(&self) -> usize {
        self.captured.load(Ordering::Relaxed)
    }

    /// Waits until so many payments in all are captured, and everything that happened is booked.
    pub async fn wait_for(&self, captured: usize) {
        while self.captured() < captured {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        while self.number(BEHIND).await > 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// The number that a query gives.
    pub async fn number(&self, text: &'static str) -> i64 {
        sqlx::query_scalar(text).fetch_one(self.books.db().reader()).await.expect("a number")
    }
}

/// How many changes of the one merchant are not booked yet, by the counters: however many there were.
const BEHIND: &str = "SELECT coalesce((SELECT max(last_change) FROM feeds), 0) - coalesce((SELECT max(last_change) FROM book_cursors), 0)";

async fn enrol(books: &Books, merchant_id: MerchantId, number: u8, now_ms: i64) -> Till {
    let key = SigningKey::make().expect("a device key").0;
    let (device_id, code_hash) = (DeviceId::make([number; 16]), format!("code {number}"));
    books.add_enrolment_code(now_ms, merchant_id, code_hash.clone(), now_ms + 60_000).await.expect("a code");
    let enrolment =
        Enrolment { device_id, code_hash, name: format!("Till {number}"), key: key.verifying_key().clone() };
    assert!(matches!(books.enrol(now_ms, enrolment).await, Ok(Enrolled::Yes { .. })), "a till enrols");
    Till::new(books.device(device_id).await.expect("reads").expect("is there"), key)
}

fn sealing(ring: &Keyring) -> Sealing {
    let published = ring.published().expect("a key set");
    let set = KeySet::parse(&published.answer.keyset).expect("a key set").accept(true).expect("our own");
    let key = set.card_keys.first().expect("a card key");
    let key = PublicCardKey::parse(&key.kid, &key.n, &key.e).expect("a public key");
    Sealing { key, version: set.version }
}
