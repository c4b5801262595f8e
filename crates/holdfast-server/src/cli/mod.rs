//! The command line: `holdfast serve`, `owner add`, `root make`, `keys`, `report`, and what looks after a server.

mod care;
pub(crate) mod doors;
mod keys;
mod keystore;
pub(crate) mod logging;
mod mail;
mod owner;
pub(crate) mod replica;
mod report;
mod root;
pub(crate) mod serve;
mod settle;
mod stop;

pub use doors::DoorArgs;
pub use keystore::KeyStoreArgs;

use crate::hooks::HookArgs;
use crate::mail::MailArgs;
use crate::store::{Place, PostgresUrl};
use crate::telemetry::Telemetry;
use clap::{Parser, Subcommand};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A point of sale that keeps selling when the connection goes down.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Write the log as JSON.
    #[arg(long, global = true)]
    log_json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the app and its interface.
    Serve(ServeArgs),
    /// Bring the database's schema up to date.
    Migrate(care::StoreArgs),
    /// Copy the books of a SQLite file, also while a server uses them.
    Backup {
        #[command(flatten)]
        store: care::StoreArgs,
        /// The new file.
        #[arg(long)]
        to: PathBuf,
    },
    /// Put a copy in the place of the books, or make PostgreSQL's books usable after a pg_restore. They get a new epoch.
    Restore {
        #[command(flatten)]
        store: care::StoreArgs,
        /// The copy that `backup` made.
        #[arg(long)]
        from: Option<PathBuf>,
    },
    /// Say in words what is wrong with the books.
    Doctor(care::StoreArgs),
    /// Say whether a server with these settings would start, and change nothing.
    CheckConfig(ServeArgs),
    /// Card keys, the key log, and the ceremony of the offline root.
    Keys {
        #[command(subcommand)]
        command: keys::KeysCommand,
    },
    /// Print a report of the shop's books.
    Report(ReportArgs),
    /// The acquirer's settlement files.
    Settle {
        #[command(subcommand)]
        command: settle::SettleCommand,
    },
    /// Compare the acquirer's account of a day with the books. Ends with 1 when something differs.
    Reconcile(settle::ReconcileArgs),
    /// Letters that came back.
    Mail {
        #[command(subcommand)]
        command: mail::MailCommand,
    },
    /// People who run shops: the first owner is made here.
    Owner {
        #[command(subcommand)]
        command: owner::OwnerCommand,
    },
    /// Root keys, which are kept offline.
    Root {
        #[command(subcommand)]
        command: RootCommand,
    },
}

/// What `serve` needs to know.
#[derive(Debug, clap::Args)]
pub struct ServeArgs {
    /// A demo shop, the built-in acquirer simulator and the `/demo` addresses. Never for real cards.
    #[arg(long)]
    pub demo: bool,
    /// Where the databases and the key-encryption key are kept.
    #[arg(long)]
    pub data: PathBuf,
    /// PostgreSQL for the books, as `postgres://user@host/database`, so that several servers can share them; without it they are in SQLite
    /// in the data directory. A password belongs into PGPASSWORD or a password file, or the whole address into HOLDFAST_DATABASE.
    #[arg(long, env = "HOLDFAST_DATABASE", hide_env_values = true)]
    pub database: Option<PostgresUrl>,
    #[arg(long, default_value_t = 8420)]
    pub port: u16,
    #[arg(long, default_value = "127.0.0.1")]
    pub host: std::net::IpAddr,
    /// The built app.
    #[arg(long)]
    pub app: PathBuf,
    /// The directory of `root.private.json`, which is read only when a signer needs a certificate.
    #[arg(long)]
    pub root_keys: PathBuf,
    #[command(flatten)]
    pub acquirer: AcquirerArgs,
    #[command(flatten)]
    pub keystore: KeyStoreArgs,
    #[command(flatten)]
    pub mail: MailArgs,
    #[command(flatten)]
    pub hooks: HookArgs,
    #[command(flatten)]
    pub doors: DoorArgs,
    #[command(flatten)]
    pub payments: PaymentArgs,
}

/// What `report` needs to know.
#[derive(Debug, clap::Args)]
pub struct ReportArgs {
    /// day, hour, item, category, tender, staff, device, tax, path (offline against online), losses or accounts.
    pub kind: String,
    /// First and last business day, as 2026-11-23.
    #[arg(long)]
    pub from: String,
    #[arg(long)]
    pub to: String,
    /// CSV with decimals, for a spreadsheet, instead of JSON.
    #[arg(long)]
    pub csv: bool,
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

/// Who authorises and captures.
#[derive(Debug, Default, clap::Args)]
pub struct AcquirerArgs {
    /// The acquirer. With --demo it is the built-in simulator, unless another is named; otherwise payments are kept and wait.
    #[arg(long)]
    pub acquirer: Option<AcquirerKind>,
    /// The file that describes the acquirer's host (TOML, see docs/acquirer.md).
    #[arg(long, requires = "acquirer")]
    pub acquirer_config: Option<PathBuf>,
    #[command(flatten)]
    pub simulator: SimulatorArgs,
}

/// Where the demo's acquirer keeps what it carried out.
#[derive(Debug, Default, clap::Args)]
pub struct SimulatorArgs {
    /// PostgreSQL for the simulator's ledger, where it is not to be beside the books: what befalls them should not befall it.
    #[arg(long, env = "HOLDFAST_SIMULATOR_DATABASE", hide_env_values = true)]
    pub simulator_database: Option<PostgresUrl>,
}

impl SimulatorArgs {
    /// Beside the books, unless another place is named.
    fn place(&self, books: Option<&PostgresUrl>, data: &Path) -> Place {
        serve::place_of(self.simulator_database.as_ref().or(books), data, serve::SIMULATOR_FILE)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum AcquirerKind {
    /// The built-in one, for the demo.
    Simulator,
    /// A host that speaks ISO 8583 over TCP or TLS.
    Iso8583,
}

/// How payments are taken to their end.
#[derive(Debug, Default, clap::Args)]
pub struct PaymentArgs {
    /// Keep the sealed card data of a declined offline payment until its window is over, and try it again where the bank's reason allows.
    /// Never of a swiped card, whose track must not be kept. Without it they are wiped with the bank's answer (docs/lifecycle.md).
    #[arg(long, env = "HOLDFAST_RETRY_DECLINED")]
    pub retry_declined: bool,
    /// Offer nobody to pay again by card on the live receipt what was declined or came too late (docs/receipts.md). To take cards that customers
    /// type is for the acquirer's contract to allow.
    #[arg(long, env = "HOLDFAST_NO_PAY_AGAIN")]
    pub no_pay_again: bool,
}

#[derive(Debug, Subcommand)]
enum RootCommand {
    /// Make the current and the next root key; keys that are there already stay.
    Make {
        #[arg(long)]
        dir: PathBuf,
    },
}

/// Reads the command line and does what it says.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let receiver = if let Command::Serve(args) = &cli.command { args.doors.otlp.as_ref() } else { None };
    let telemetry = match Telemetry::start(receiver) {
        Ok(telemetry) => telemetry,
        Err(error) => return failed(&error),
    };
    logging::start(cli.log_json, &telemetry);
    let outcome = match cli.command {
        Command::Mail { command } => return mail::run(command),
        Command::Serve(args) => serve::serve(args),
        Command::Migrate(store) => care::migrate(&store).map_err(Into::into),
        Command::Backup { store, to } => care::backup(&store, &to).map_err(Into::into),
        Command::Restore { store, from } => care::restore(&store, from.as_deref()).map_err(Into::into),
        Command::Doctor(store) => care::doctor(&store).map_err(Into::into),
        Command::CheckConfig(args) => care::check_config(&args).map_err(Into::into),
        Command::Keys { command } => keys::run(command),
        Command::Report(args) => report::report(&args).map_err(Into::into),
        Command::Settle { command } => settle::settle(command).map_err(Into::into),
        Command::Reconcile(args) => settle::reconcile(&args).map_err(Into::into),
        Command::Owner { command } => owner::run(command).map_err(Into::into),
        Command::Root { command: RootCommand::Make { dir } } => root::make(&dir).map_err(Into::into),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn failed(error: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("holdfast: {error}");
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    /// Settings of several parts meet in one command; the library finds two of one name only when it is asked.
    #[test]
    fn no_two_settings_have_one_name() {
        Cli::command().debug_assert();
    }
}
