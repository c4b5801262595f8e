//! `holdfast serve`.

use super::care::BOOKS_FILE;
use super::doors::{self, DoorError, Opened};
use super::stop::Stops;
use super::{AcquirerKind, ServeArgs, replica};
use crate::acquirer::iso8583::{self, Iso8583};
use crate::acquirer::simulator::{RealPause, Simulator, SqlBook};
use crate::acquirer::{Configured, DemoSimulator, Measured};
use crate::clock::SystemClock;
use crate::hooks::{self, HookSettingsError, Hooks};
use crate::http::app::App;
use crate::http::{Parts, Server, router};
use crate::journal::{self, Journal};
use crate::keys::store::KeyStoreError;
use crate::keys::{BookedCardKeys, KeyError, KeyFileError, Keyring, LocalKeys, Material};
use crate::listen;
use crate::mail::{self, MailSettingsError, Mails, Post, ReturnPaths};
use crate::ops::{self, Metrics, Ops};
use crate::people::{People, PeopleError};
use crate::process::{Clock as _, Processor, runner};
use crate::receipts::{ReceiptError, Receipts};
use crate::settlement;
use crate::store::care::{self, CareError};
use crate::store::{Books, Ledger as _, OpenError, Place, PostgresUrl, StoreError};
use holdfast_core::id::MerchantId;
use holdfast_crypto::receipt_link::ReceiptLinkError;
use holdfast_wire::b64;
use std::fs::{DirBuilder, File};
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// How long the demo's acquirer lets a caller wait for a slow answer, and for one that was lost.
const SIMULATOR_TIME_OUT_MS: u64 = 30_000;
const SIMULATOR_LOST_ANSWER_MS: u64 = 1_500;
/// The simulator's ledger, in the data directory.
pub(super) const SIMULATOR_FILE: &str = "acquirer-simulator.sqlite";
/// The folder of a demo's letters, in the data directory.
const DEMO_MAILS: &str = "mails";
/// How long a stop waits for requests in flight.
const STOP_MS_MAX: u64 = 20_000;

/// Why the server did not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("the data directory cannot be used: {0}")]
    Data(std::io::Error),
    #[error("another holdfast uses this data directory: stop it, or choose another with --data")]
    InUse,
    #[error(transparent)]
    Door(#[from] DoorError),
    #[error("--acquirer iso8583 needs --acquirer-config FILE; docs/acquirer.md says what is in it")]
    AcquirerFile,
    #[error("the simulator is for the demo only: it comes with --demo")]
    SimulatorWithoutDemo,
    #[error(transparent)]
    AcquirerConfig(#[from] iso8583::ConfigError),
    #[error(transparent)]
    Acquirer(#[from] iso8583::StartError),
    #[error("HOLDFAST_CLOCK_OFFSET_MS is not a whole number of milliseconds")]
    ClockOffset,
    #[error("the system gives no random numbers")]
    Random,
    #[error("the system lets nobody catch SIGTERM: {0}")]
    Signals(std::io::Error),
    #[error(transparent)]
    Runtime(std::io::Error),
    #[error(transparent)]
    Receipts(#[from] ReceiptError),
    #[error(transparent)]
    ReturnPaths(#[from] ReceiptLinkError),
    #[error(transparent)]
    Mail(#[from] MailSettingsError),
    #[error(transparent)]
    Hooks(#[from] HookSettingsError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("the acquirer's log of an earlier version: {0}")]
    AcquirerLog(#[from] CareError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    #[error(transparent)]
    Keys(#[from] KeyError),
    #[error(transparent)]
    KeyStore(#[from] KeyStoreError),
    #[error(transparent)]
    People(#[from] PeopleError),
}

/// Serves until SIGINT or SIGTERM.
///
/// # Errors
/// When the server cannot start, or its listener fails.
pub fn serve(args: ServeArgs) -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(ServeError::Runtime)?;
    Ok(runtime.block_on(run(args))?)
}

async fn run(args: ServeArgs) -> Result<(), ServeError> {
    // Before anybody can know that there is a server to be stopped.
    let mut stops = Stops::catch().map_err(ServeError::Signals)?;
    // Only its owner may look in: key files and the queue live here.
    DirBuilder::new().recursive(true).mode(0o700).create(&args.data).map_err(ServeError::Data)?;
    let _lock = lock(&args.data)?;
    let Opened { public, ops, address } = doors::open(&args).await?;
    let (stop, stopped) = watch::channel(false);
    let (drain, draining) = watch::channel(false);
    let server = tokio::select! {
        built = build(&args, clock(args.demo)?, stopped.clone()) => built?,
        // Whatever was under way is left as by a crash, which it has to bear anyway.
        () = stops.asked() => return Ok(()),
    };
    let ledger = Arc::clone(&server.ledger);
    let jobs = tokio::spawn(runner::run(Arc::clone(&server.processor), Arc::clone(&server.wake), stopped.clone()));
    let sweeps = tokio::spawn(replica::sweep_keys(Arc::clone(&server), stopped.clone()));
    let letters = tokio::spawn(mail::run(Arc::clone(&server.mails), stopped.clone()));
    let told = tokio::spawn(hooks::run(Arc::clone(&server.hooks), stopped.clone()));
    let beats = tokio::spawn(replica::beat(Arc::clone(&ledger), server.clock, stopped.clone()));
    let books = journal::runner::run(Journal::new(&ledger), server.clock, server.changes.subscribe(), stopped.clone());
    let books = tokio::spawn(books);
    let settlement =
        settlement::runner::run(Arc::clone(&ledger), server.processor.acquirer(), server.clock, stopped.clone());
    let settlement = tokio::spawn(settlement);
    if let Some(tls) = &public.tls {
        tokio::spawn(listen::tls::watch(Arc::clone(tls), stopped.clone()));
    }
    let ops = ops.map(|door| {
        let told = Ops::new(Arc::clone(&server), Arc::clone(&public.counts), draining);
        tokio::spawn(listen::serve(door, ops::router(told), std::future::pending()))
    });
    let app = Arc::clone(&server.app);
    tokio::task::spawn_blocking(move || app.warm());
    tracing::info!(%address, demo = args.demo, tls = public.tls.is_some(), "serving");
    let serving = tokio::spawn(listen::serve(public, router(server), wait_for(stopped)));
    stops.asked().await;
    tracing::info!("stopping");
    drain.send_replace(true);
    // Whoever asks twice does not want to wait.
    let _ = tokio::time::timeout(Duration::from_secs(args.doors.drain_s), stops.asked()).await;
    stop.send_replace(true);
    // A browser may hold a connection open for ever; what it waits for is answered by now.
    if tokio::time::timeout(Duration::from_millis(STOP_MS_MAX), serving).await.is_err() {
        tracing::warn!("requests in flight were cut off");
    }
    let _ = jobs.await;
    let _ = tokio::time::timeout(Duration::from_millis(STOP_MS_MAX), sweeps).await;
    let _ = beats.await;
    let _ = tokio::time::timeout(Duration::from_millis(STOP_MS_MAX), letters).await;
    let _ = tokio::time::timeout(Duration::from_millis(STOP_MS_MAX), told).await;
    let _ = tokio::time::timeout(Duration::from_millis(STOP_MS_MAX), books).await;
    let _ = tokio::time::timeout(Duration::from_millis(STOP_MS_MAX), settlement).await;
    if let Err(error) = ledger.leave().await {
        tracing::warn!(%error, "what this server had taken on comes again when its lease is over");
    }
    if let Some(ops) = ops {
        ops.abort();
    }
    ledger.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// Puts the server together, without a listener and without its tasks.
pub(crate) async fn build(
    args: &ServeArgs,
    clock: SystemClock,
    stop: watch::Receiver<bool>,
) -> Result<Arc<Server>, ServeError> {
    let local = Arc::new(LocalKeys::open(&args.data)?);
    let metrics = Arc::new(Metrics::new());
    let moved = Arc::clone(&metrics);
    let books = Books::open(&place(args, BOOKS_FILE), &b64::encode(random()?)).await?;
    let ledger = Arc::new(books.with_on_move(move |state| moved.moved(state)));
    let material = args.keystore.material(&local, &args.root_keys).await?;
    let card_keys = Arc::new(BookedCardKeys::new(Arc::clone(&ledger), material.stores.clone()));
    replica::begin_set_up(&ledger, clock).await?;
    let set_up = set_up(args, &ledger, material, clock).await;
    replica::end_set_up(&ledger).await?;
    let (demo, keyring) = set_up?;
    let (changes, _) = watch::channel(0_u64);
    let acquirer = Measured::new(acquirer(args, &ledger, demo.clone(), clock).await?, Arc::clone(&metrics));
    let changed = changes.clone();
    // Opened to key the hash of card numbers, which is what it is for.
    let pan_key = holdfast_crypto::SecretBytes::from(local.pan_key.expose().as_slice());
    let receipts = Arc::new(Receipts::new(&local.pan_key)?.with_pay_again(!args.payments.no_pay_again));
    let mails = mails(args, &ledger, &receipts, ReturnPaths::new(&local.pan_key)?, clock)?;
    let processor = Processor::new(Arc::clone(&ledger), Arc::new(acquirer), card_keys, clock, pan_key)
        .with_retries_declined(args.payments.retry_declined)
        .with_on_change(Arc::new(move |_| changed.send_modify(|count| *count += 1)));
    let hooks = Hooks::new(ledger.db().clone(), Arc::clone(&local), args.hooks.read(args.demo)?, clock)?;
    if !ledger.is_shared() {
        // The lock on the data directory says that no other process sends anything.
        hooks.release_leases().await?;
    }
    let people = People::new(ledger.db().clone(), local)?;
    Ok(Server::new(Parts {
        people,
        doors: args.doors.doors(args.mail.public_url.clone()),
        metrics,
        ledger,
        keyring: Arc::new(keyring),
        processor: Arc::new(processor),
        app: App::new(args.app.clone()),
        clock,
        wake: Arc::new(Notify::new()),
        changes,
        stop,
        demo,
        receipts,
        mails: Arc::new(mails),
        hooks: Arc::new(hooks),
    }))
}

/// The sender of letters. A demo without a mail server keeps them in a folder.
fn mails(
    args: &ServeArgs,
    ledger: &Arc<Books>,
    receipts: &Arc<Receipts>,
    paths: ReturnPaths,
    clock: SystemClock,
) -> Result<Mails, ServeError> {
    let demo_url = args.demo.then(|| format!("http://{}", SocketAddr::new(args.host, args.port)));
    // A demo that listens everywhere has no address to be put into a letter, unless it is told.
    let demo_url = demo_url.filter(|_| args.host.is_loopback());
    let settings = args.mail.read(demo_url.as_deref())?;
    let folder = args.data.join(DEMO_MAILS);
    let post = Post::open(&settings, args.demo.then_some(folder.as_path()))?;
    let (ledger, receipts) = (Arc::clone(ledger), Arc::clone(receipts));
    Ok(Mails { ledger, receipts, settings, post, clock, paths, wake: Notify::new() })
}

/// Makes what is missing: the demo's shop and acquirer, the keys.
async fn set_up(
    args: &ServeArgs,
    ledger: &Arc<Books>,
    material: Material,
    clock: SystemClock,
) -> Result<(Option<Arc<DemoSimulator>>, Keyring), ServeError> {
    let demo = if args.demo {
        if ledger.first_merchant().await?.is_none() {
            let merchant_id = MerchantId::make(random()?);
            ledger.add_shop(crate::demo::shop(merchant_id)).await?;
            crate::demo::add_staff(ledger, merchant_id, clock.now_ms()).await?;
            if let Some(calendar) = crate::demo::calendar() {
                Journal::new(ledger).set_calendar(merchant_id, &calendar).await?;
            }
        }
        let book = SqlBook::open(&args.acquirer.simulator.place(args.database.as_ref(), &args.data)).await?;
        let simulator =
            Simulator::new(book, RealPause, SIMULATOR_TIME_OUT_MS).with_lost_answer_ms(SIMULATOR_LOST_ANSWER_MS);
        Some(Arc::new(simulator))
    } else {
        None
    };
    let keyring = Keyring::open(Arc::clone(ledger), material, clock.now_ms()).await?;
    Ok((demo, keyring))
}

/// Where a database of the server is: in PostgreSQL when there is one, or else in this file of the data directory.
pub(super) fn place(args: &ServeArgs, file: &str) -> Place {
    place_of(args.database.as_ref(), &args.data, file)
}

pub(super) fn place_of(database: Option<&PostgresUrl>, data: &Path, file: &str) -> Place {
    match database {
        Some(url) => Place::Postgres(url.clone()),
        None => Place::Sqlite(data.join(file)),
    }
}

async fn acquirer(
    args: &ServeArgs,
    ledger: &Arc<Books>,
    demo: Option<Arc<DemoSimulator>>,
    clock: SystemClock,
) -> Result<Configured, ServeError> {
    match (args.acquirer.acquirer, demo) {
        (Some(AcquirerKind::Iso8583), _) => {
            let file = args.acquirer.acquirer_config.as_ref().ok_or(ServeError::AcquirerFile)?;
            let config = iso8583::Config::read(file)?;
            // Earlier versions kept it beside the books.
            let log = args.data.join("acquirer-iso8583.sqlite");
            care::import_log(ledger.db(), &log, &ledger.epoch(), clock.now_ms()).await?;
            Ok(Configured::Iso8583(Iso8583::start(config, Arc::clone(ledger), clock).await?))
        }
        (_, Some(simulator)) => Ok(Configured::Simulator(simulator)),
        (Some(AcquirerKind::Simulator), None) => Err(ServeError::SimulatorWithoutDemo),
        (None, None) => {
            tracing::warn!("no acquirer is set up: payments are kept and wait; the simulator comes with --demo");
            Ok(Configured::None)
        }
    }
}

/// One process per data directory. The lock ends with the process, however it ends.
pub(super) fn lock(data: &Path) -> Result<File, ServeError> {
    let file = File::options().create(true).append(true).open(data.join("lock")).map_err(ServeError::Data)?;
    file.try_lock().map_err(|_| ServeError::InUse)?;
    Ok(file)
}

fn clock(is_demo: bool) -> Result<SystemClock, ServeError> {
    match std::env::var("HOLDFAST_CLOCK_OFFSET_MS") {
        Ok(text) if is_demo => text.parse().map(SystemClock::with_offset_ms).map_err(|_| ServeError::ClockOffset),
        _ => Ok(SystemClock::default()),
    }
}

pub(super) fn random() -> Result<[u8; 16], ServeError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| ServeError::Random)?;
    Ok(bytes)
}

async fn wait_for(mut stop: watch::Receiver<bool>) {
    // An error means that the sender is gone, which is a stop too.
    let _ = stop.wait_for(|stop| *stop).await;
}
