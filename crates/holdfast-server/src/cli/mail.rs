//! `holdfast mail bounce`: takes a message from standard input, the way a mail system hands one to a program.

use super::care::BOOKS_FILE;
use super::serve::place_of;
use crate::clock::SystemClock;
use crate::keys::{KeyFileError, LocalKeys};
use crate::mail::{ReturnPaths, Said};
use crate::process::Clock as _;
use crate::store::books::BounceNoted;
use crate::store::{Books, OpenError, Place, PostgresUrl, StoreError};
use clap::Subcommand;
use holdfast_core::limits::BOUNCE_BYTES_MAX;
use holdfast_crypto::receipt_link::ReceiptLinkError;
use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

/// What a mail system takes for "try again later" (sysexits.h).
const EX_TEMPFAIL: u8 = 75;

#[derive(Debug, Subcommand)]
pub enum MailCommand {
    /// Note that a letter came back: reads the message that a mail system delivered from standard input. What is no bounce of ours is passed over.
    /// Ends with 75 when the mail system should try again.
    Bounce {
        /// The data directory of the server, running or not.
        #[arg(long)]
        data: PathBuf,
        /// PostgreSQL, if the books are there.
        #[arg(long, env = "HOLDFAST_DATABASE", hide_env_values = true)]
        database: Option<PostgresUrl>,
        /// To whom the message was delivered, if the mail system says so: Postfix's ${original_recipient}.
        recipient: Option<String>,
    },
}

/// Why a bounce was not noted.
#[derive(Debug, thiserror::Error)]
enum BounceError {
    #[error("{0} does not exist: name the data directory of a server with --data")]
    NoBooks(PathBuf),
    #[error("the letter is still being sent: come again")]
    TooEarly,
    #[error("standard input cannot be read: {0}")]
    Input(std::io::Error),
    #[error(transparent)]
    Runtime(std::io::Error),
    #[error(transparent)]
    Keys(#[from] KeyFileError),
    #[error(transparent)]
    Link(#[from] ReceiptLinkError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Does what the command says. A mail system goes by the exit code alone, and every fault here is one that may pass.
pub fn run(command: MailCommand) -> ExitCode {
    let MailCommand::Bounce { data, database, recipient } = command;
    match bounce(data, database, recipient.as_deref()) {
        Ok(words) => {
            println!("{words}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("holdfast: {error}");
            ExitCode::from(EX_TEMPFAIL)
        }
    }
}

fn bounce(data: PathBuf, database: Option<PostgresUrl>, recipient: Option<&str>) -> Result<&'static str, BounceError> {
    let mut message = Vec::new();
    // The report stands before the letter that comes back with it, so what is too long for us is not needed.
    std::io::stdin().take(BOUNCE_BYTES_MAX).read_to_end(&mut message).map_err(BounceError::Input)?;
    let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
    let place = place_of(database.as_ref(), &data, BOOKS_FILE);
    if let Place::Sqlite(file) = &place
        && !file.is_file()
    {
        return Err(BounceError::NoBooks(file.clone()));
    }
    let paths = ReturnPaths::new(&LocalKeys::open(&data)?.pan_key)?;
    let (mail, code) = match paths.read(&message, recipient) {
        Said::Bounced { mail, code } => (mail, code),
        Said::Nothing(why) => return Ok(why),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(BounceError::Runtime)?;
    runtime.block_on(async {
        let books = Books::open(&place, "").await?;
        let noted = books.bounce_mail(SystemClock::default().now_ms(), mail, code).await;
        books.close().await;
        match noted? {
            BounceNoted::Now => Ok("noted: the letter came back"),
            BounceNoted::Before => Ok("noted before"),
            BounceNoted::Unknown => Ok("there is no such letter here"),
            BounceNoted::TooEarly => Err(BounceError::TooEarly),
        }
    })
}
