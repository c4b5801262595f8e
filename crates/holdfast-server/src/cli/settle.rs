//! `holdfast settle import` and `holdfast reconcile`: the acquirer's account of a day against our books, by hand.

use super::SimulatorArgs;
use super::care::BOOKS_FILE;
use super::serve::place_of;
use crate::acquirer::simulator::{NoPause, Simulator, SqlBook};
use crate::acquirer::{Account, Acquirer as _, AcquirerError};
use crate::clock::SystemClock;
use crate::desk::Desk;
use crate::journal::Journal;
use crate::journal::report::{AskError, day};
use crate::process::Clock as _;
use crate::settlement::file::{ReadError, Spec, SpecError, read, write};
use crate::settlement::{Imported, Settlements};
use crate::store::{Books, OpenError, Place, PostgresUrl, StoreError};
use clap::Subcommand;
use holdfast_core::id::{IdError, MerchantId};
use holdfast_core::time::{UnixMs, iso_date};
use std::path::PathBuf;

/// Whose accounts.
#[derive(Debug, clap::Args)]
pub struct BooksArgs {
    /// The data directory of the server, running or not.
    #[arg(long)]
    pub data: PathBuf,
    /// PostgreSQL, if the books are there.
    #[arg(long, env = "HOLDFAST_DATABASE", hide_env_values = true)]
    pub database: Option<PostgresUrl>,
    /// Whose books, where there are several merchants.
    #[arg(long)]
    pub merchant: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum SettleCommand {
    /// Take an acquirer's settlement file in, and compare its day with the books. The same file again changes nothing.
    Import {
        file: PathBuf,
        #[command(flatten)]
        books: BooksArgs,
        /// The description of the file's columns (TOML, see docs/acquirer.md); without it, our own format.
        #[arg(long)]
        spec: Option<PathBuf>,
        /// The business day, where the file does not say it.
        #[arg(long)]
        day: Option<String>,
    },
}

#[derive(Debug, clap::Args)]
pub struct ReconcileArgs {
    #[command(flatten)]
    pub books: BooksArgs,
    /// The business day, as 2026-11-23.
    #[arg(long)]
    pub day: String,
    /// Ask the demo's simulator for its account of the day first.
    #[arg(long)]
    pub demo: bool,
    #[command(flatten)]
    pub simulator: SimulatorArgs,
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    #[error("{0} does not exist: name the data directory of a server with --data")]
    NoBooks(PathBuf),
    #[error("there is no merchant in these books")]
    NoMerchant,
    #[error("the acquirer's account of this day is not here: `holdfast settle import FILE` takes it in")]
    NoAccount,
    #[error("the file cannot be read: {0}")]
    File(std::io::Error),
    #[error("{0} differences")]
    Differs(usize),
    #[error("--merchant: {0}")]
    Merchant(#[from] IdError),
    #[error(transparent)]
    Day(#[from] AskError),
    #[error(transparent)]
    Spec(#[from] SpecError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Acquirer(#[from] AcquirerError),
    #[error(transparent)]
    Runtime(#[from] std::io::Error),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Does what the command says.
///
/// # Errors
/// When the file is none, or the books cannot be used.
pub fn settle(command: SettleCommand) -> Result<(), SettleError> {
    let SettleCommand::Import { file, books, spec, day: asked } = command;
    block_on(async {
        let spec = spec.map(|path| Spec::open(&path)).transpose()?.unwrap_or_default();
        let bytes = std::fs::read(&file).map_err(SettleError::File)?;
        let statement = read(&spec, &bytes, asked.as_deref().map(day).transpose()?)?;
        let at = At::open(&books).await?;
        let (day, lines) = (statement.day, statement.items.len());
        let imported = Settlements::new(&at.books).import(at.merchant_id, statement, &bytes, at.now_ms).await?;
        let words = match imported {
            Imported::Taken => "taken",
            Imported::Known => "is here already",
            Imported::Kept => "kept aside: a whole account of this day is here",
        };
        println!("{}: {lines} lines, {words}", iso_date(day));
        at.compare(day).await?;
        at.books.close().await;
        Ok(())
    })
}

/// Compares a day and prints what differs.
///
/// # Errors
/// When the books cannot be used, or something differs.
pub fn reconcile(args: &ReconcileArgs) -> Result<(), SettleError> {
    block_on(async {
        let day = day(&args.day)?;
        let at = At::open(&args.books).await?;
        if args.demo {
            at.fetch(args, day).await?;
        }
        let differences = at.compare(day).await?;
        at.books.close().await;
        if differences > 0 { Err(SettleError::Differs(differences)) } else { Ok(()) }
    })
}

struct At {
    books: Books,
    merchant_id: MerchantId,
    now_ms: UnixMs,
}

impl At {
    async fn open(args: &BooksArgs) -> Result<Self, SettleError> {
        let place = place_of(args.database.as_ref(), &args.data, BOOKS_FILE);
        if let Place::Sqlite(file) = &place
            && !file.is_file()
        {
            // Opening would make an empty one.
            return Err(SettleError::NoBooks(file.clone()));
        }
        let books = Books::open(&place, "").await?;
        let merchant_id = match &args.merchant {
            Some(id) => id.parse()?,
            None => books.first_merchant().await?.ok_or(SettleError::NoMerchant)?,
        };
        Ok(Self { books, merchant_id, now_ms: SystemClock::default().now_ms() })
    }

    async fn fetch(&self, args: &ReconcileArgs, day: i64) -> Result<(), SettleError> {
        let place = args.simulator.place(args.books.database.as_ref(), &args.books.data);
        let simulator = Simulator::new(SqlBook::open(&place).await?, NoPause, 0);
        let (from_ms, to_ms) = Journal::new(&self.books).calendar(self.merchant_id).await?.window(day);
        let account = Account { merchant_id: self.merchant_id, day, from_ms, to_ms };
        if let Some(statement) = simulator.settlement(self.now_ms, account).await? {
            let bytes = write(&statement);
            Settlements::new(&self.books).import(self.merchant_id, statement, bytes.as_bytes(), self.now_ms).await?;
        }
        Ok(())
    }

    /// Compares and prints; says how many differences there are.
    async fn compare(&self, day: i64) -> Result<usize, SettleError> {
        let settlements = Settlements::new(&self.books);
        let differences = settlements.reconcile(self.merchant_id, day, self.now_ms).await?;
        let differences = differences.ok_or(SettleError::NoAccount)?;
        let desk = Desk::new(self.books.db().clone(), self.merchant_id);
        let Some(seen) = desk.reconciliation(day).await? else { return Ok(differences) };
        for sum in &seen.summary.matched {
            println!("{} agree, {} minor units of {}", sum.count, sum.amount_minor, sum.currency);
        }
        for fault in &seen.faults {
            println!("line {}: {}", fault.line, fault.words);
        }
        for difference in seen.differences.iter().filter(|difference| difference.resolved_ms.is_none()) {
            println!("{} {}: {}", difference.kind, difference.reference, difference.words);
        }
        println!("{differences} differences");
        Ok(differences)
    }
}

fn block_on<T>(work: impl Future<Output = Result<T, SettleError>>) -> Result<T, SettleError> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}
