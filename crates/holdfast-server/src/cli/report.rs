//! `holdfast report`.

use super::ReportArgs;
use crate::clock::SystemClock;
use crate::journal::Journal;
use crate::journal::report::{Ask, AskError, to_csv};
use crate::process::Clock as _;
use crate::store::{Books, OpenError, Place, StoreError};
use holdfast_core::id::{IdError, MerchantId};
use std::path::PathBuf;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error(transparent)]
    Ask(#[from] AskError),
    #[error("{0} does not exist: name the data directory of a server with --data")]
    NoBooks(PathBuf),
    #[error("there is no merchant in these books")]
    NoMerchant,
    #[error("--merchant: {0}")]
    Merchant(#[from] IdError),
    #[error(transparent)]
    Runtime(#[from] std::io::Error),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Prints a report on the standard output.
///
/// # Errors
/// When something in the question is wrong, or the books cannot be read.
pub fn report(args: &ReportArgs) -> Result<(), ReportError> {
    let ask = Ask::parse(&args.kind, &args.from, &args.to)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let text = runtime.block_on(make(args, ask))?;
    print!("{text}");
    Ok(())
}

async fn make(args: &ReportArgs, ask: Ask) -> Result<String, ReportError> {
    let file = args.data.join("holdfast.sqlite");
    let place = match &args.database {
        Some(url) => Place::Postgres(url.clone()),
        // Opening would make an empty one.
        None if !file.is_file() => return Err(ReportError::NoBooks(file)),
        None => Place::Sqlite(file),
    };
    let books = Books::open(&place, "").await?;
    let merchant_id: MerchantId = match &args.merchant {
        Some(id) => id.parse()?,
        None => books.first_merchant().await?.ok_or(ReportError::NoMerchant)?,
    };
    let journal = Journal::new(&books);
    // A server that was stopped may have left its last events.
    journal.book_due(SystemClock::default().now_ms()).await?;
    let report = journal.report(merchant_id, ask).await?;
    books.close().await;
    Ok(if args.csv { to_csv(&report) } else { report.to_json() + "\n" })
}
