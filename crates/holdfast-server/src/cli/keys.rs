//! `holdfast keys`: what an operator sees of the keys and does with them. docs/keys.md tells when.

use super::KeyStoreArgs;
use super::replica::{KEYS, SWEEP_MS_MAX};
use crate::clock::SystemClock;
use crate::keys::audit::{Finding, gather, judge};
use crate::keys::ceremony;
use crate::keys::root::{make_root_files, read_public_roots};
use crate::keys::{Keyring, LocalKeys, Material};
use crate::process::Clock as _;
use crate::store::{Books, Place, PostgresUrl};
use clap::{Args, Subcommand};
use holdfast_core::keys::Scope;
use holdfast_core::time::{iso_date, utc_day};
use std::error::Error;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a rotation waits for a sweep that is under way.
const TURN_WAIT: Duration = Duration::from_secs(30);

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Every card key with its state.
    List(HouseArgs),
    /// An emergency: take keys out of the published set, and publish successors at once. Works while the server runs.
    Rotate {
        #[command(flatten)]
        house: HouseArgs,
        /// Also the keys of the days ahead, not only today's.
        #[arg(long)]
        all: bool,
        /// Why, for the key log, which every till can read.
        #[arg(long)]
        reason: String,
    },
    /// Check the key log against the keys, sets, certificates and stores. Fails when something is wrong.
    Audit(HouseArgs),
    /// The offline root, and certificates that it gives by files.
    Ceremony {
        #[command(subcommand)]
        step: CeremonyStep,
    },
}

/// Where a server's books and key-encryption key are.
#[derive(Debug, Args)]
pub struct DataArgs {
    /// The server's data directory.
    #[arg(long)]
    data: PathBuf,
    /// PostgreSQL, when the books are there.
    #[arg(long, env = "HOLDFAST_DATABASE", hide_env_values = true)]
    database: Option<PostgresUrl>,
}

/// The data and keys of a server.
#[derive(Debug, Args)]
pub struct HouseArgs {
    #[command(flatten)]
    data: DataArgs,
    /// The directory of `root.public.json`.
    #[arg(long)]
    root_keys: PathBuf,
    #[command(flatten)]
    keystore: KeyStoreArgs,
}

#[derive(Debug, Subcommand)]
pub enum CeremonyStep {
    /// On the offline machine: make the current and the next root key.
    Root {
        #[arg(long)]
        dir: PathBuf,
    },
    /// On the server: make a signer, and a request for its certificate.
    Request {
        #[command(flatten)]
        data: DataArgs,
        /// The file to carry to the offline machine.
        #[arg(long)]
        out: PathBuf,
    },
    /// On the offline machine: certify the signer that a request names.
    Certify {
        /// The directory of `root.private.json`.
        #[arg(long)]
        dir: PathBuf,
        #[arg(long)]
        request: PathBuf,
        /// The file to carry back.
        #[arg(long)]
        out: PathBuf,
        #[arg(long, default_value_t = 90)]
        days: u16,
    },
    /// On the server: take the certificate. The signers before it are destroyed.
    Install {
        #[command(flatten)]
        data: DataArgs,
        #[arg(long)]
        root_keys: PathBuf,
        #[arg(long)]
        cert: PathBuf,
    },
}

/// Does what the command says.
///
/// # Errors
/// When it cannot, with what to do.
pub fn run(command: KeysCommand) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match command {
            KeysCommand::List(args) => House::open(&args).await?.list().await,
            KeysCommand::Rotate { house, all, reason } => House::open(&house).await?.rotate(all, &reason).await,
            KeysCommand::Audit(args) => House::open(&args).await?.audit().await,
            KeysCommand::Ceremony { step } => run_step(step).await,
        }
    })
}

/// A server's books and keys, opened beside the server or without it.
struct House {
    books: Arc<Books>,
    material: Material,
    now_ms: i64,
}

impl House {
    async fn open(args: &HouseArgs) -> Outcome<Self> {
        let books = Arc::new(open_books(&args.data).await?);
        let local = Arc::new(LocalKeys::open(&args.data.data)?);
        let material = args.keystore.material(&local, &args.root_keys).await?;
        Ok(Self { books, material, now_ms: SystemClock::default().now_ms() })
    }

    async fn list(self) -> Outcome {
        println!(
            "{:<20} {:<10} {:<8} {:>12} {:>12} {:>9}",
            "key", "state", "store", "use until", "accept until", "unopened"
        );
        for row in self.books.card_keys().await? {
            let state = match (&row.handle, row.withdrawn_ms) {
                (None, _) => "destroyed",
                (_, Some(_)) => "withdrawn",
                _ => row.times.state(self.now_ms).name(),
            };
            let store =
                row.handle.as_ref().map(|handle| self.material.stores.of(handle).map_or("?", |store| store.name()));
            let date = |at_ms: i64| iso_date(utc_day(at_ms));
            let (kid, store, unopened) = (&row.kid, store.unwrap_or("-"), row.unopened_count);
            let (until, accept) = (date(row.times.use_until_ms), date(row.times.accept_until_ms));
            println!("{kid:<20} {state:<10} {store:<8} {until:>12} {accept:>12} {unopened:>9}");
        }
        self.books.close().await;
        Ok(())
    }

    async fn rotate(self, all: bool, reason: &str) -> Outcome {
        if reason.trim().is_empty() {
            return Err("say why with --reason".into());
        }
        let keyring = Keyring::open(Arc::clone(&self.books), self.material.clone(), self.now_ms).await?;
        let scope = if all { Scope::AllPublished } else { Scope::Today };
        self.wait_for_turn().await?;
        let rotated = keyring.rotate(self.now_ms, scope, reason).await;
        self.books.leave_duty(KEYS).await?;
        let version = rotated?;
        println!(
            "key set {version} is published. A running server serves it within seconds; tills take it with their next fetch."
        );
        println!("What tills that are offline seal with a withdrawn key still opens until that key's time is over.");
        self.books.close().await;
        Ok(())
    }

    /// A server may be at its sweep. One that died in the midst of it must not hold up an emergency.
    async fn wait_for_turn(&self) -> Outcome {
        let end = Instant::now() + TURN_WAIT;
        while !self.books.take_duty(KEYS, self.now_ms, self.now_ms + SWEEP_MS_MAX).await? && Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Ok(())
    }

    async fn audit(self) -> Outcome {
        let evidence = gather(&self.books, &self.material, self.now_ms).await?;
        let (lines, sets, keys) = (evidence.log.len(), evidence.sets.len(), evidence.card_keys.len());
        let found = judge(&evidence);
        for finding in &found {
            match finding {
                Finding::Wrong(text) => println!("WRONG  {text}"),
                Finding::Note(text) => println!("note   {text}"),
            }
        }
        if let Some(line) = evidence.log.last() {
            println!("head of the log: line {}, {}", line.n, line.hash());
        }
        let wrong = found.iter().filter(|finding| matches!(finding, Finding::Wrong(_))).count();
        println!("{lines} lines of the log, {sets} key sets, {keys} card keys: {wrong} wrong");
        self.books.close().await;
        if wrong == 0 { Ok(()) } else { Err("the keys are not as the log says; docs/keys.md tells what to do".into()) }
    }
}

async fn run_step(step: CeremonyStep) -> Outcome {
    let now_ms = SystemClock::default().now_ms();
    match step {
        CeremonyStep::Root { dir } => {
            let made = make_root_files(&dir)?;
            println!("{} in {}", if made { "made two root keys" } else { "root keys are already" }, dir.display());
            println!(
                "root.private.json never leaves this machine; root.public.json goes to the server and into the app's build"
            );
        }
        CeremonyStep::Request { data, out } => {
            let books = open_books(&data).await?;
            let request = ceremony::request(&books, &LocalKeys::open(&data.data)?, now_ms).await?;
            write_new(&out, &request)?;
            books.close().await;
            let asked = ceremony::read_request(&request)?;
            println!(
                "{} asks for a certificate in {}; read this name out on the other machine",
                asked.kid,
                out.display()
            );
        }
        CeremonyStep::Certify { dir, request, out, days } => {
            let asked = ceremony::read_request(&read_small(&request)?)?;
            let cert = ceremony::certify(&dir, &asked, days)?;
            write_new(&out, &cert)?;
            let from = iso_date(utc_day(asked.asked_ms));
            println!(
                "certified {} for {days} days from {from}, in {}; compare name and date",
                asked.kid,
                out.display()
            );
        }
        CeremonyStep::Install { data, root_keys, cert } => {
            let roots = read_public_roots(&root_keys).ok_or("there is no root.public.json: carry it over first")?;
            let books = open_books(&data).await?;
            let taken = ceremony::install(&books, &roots, &read_small(&cert)?, now_ms).await?;
            books.close().await;
            println!("{} signs key sets until {}", taken.kid, iso_date(utc_day(taken.not_after_ms)));
        }
    }
    Ok(())
}

async fn open_books(args: &DataArgs) -> Outcome<Books> {
    let place = match &args.database {
        Some(url) => Place::Postgres(url.clone()),
        None => {
            let path = args.data.join("holdfast.sqlite");
            if !path.exists() {
                return Err(format!("there is no server's data in {}", args.data.display()).into());
            }
            Place::Sqlite(path)
        }
    };
    let mut epoch = [0; 16];
    getrandom::fill(&mut epoch).map_err(|_| "the system gives no random numbers")?;
    Ok(Books::open(&place, &holdfast_wire::b64::encode(epoch)).await?)
}

/// Requests and certificates are public, and a file that is there is never written over.
fn write_new(path: &Path, text: &str) -> Outcome {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path);
    let file = file.as_mut().map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
    writeln!(file, "{text}")?;
    Ok(file.sync_all()?)
}

fn read_small(path: &Path) -> Outcome<String> {
    const BYTES_MAX: u64 = 16_384;
    let is_small = std::fs::metadata(path).is_ok_and(|meta| meta.len() <= BYTES_MAX);
    let text = std::fs::read_to_string(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    if is_small { Ok(text) } else { Err(format!("{} is not a file of a ceremony", path.display()).into()) }
}
