//! `holdfast migrate`, `backup`, `restore`, `doctor` and `check-config`: looking after a server that sells.

use super::ServeArgs;
use super::serve::{self, ServeError, lock, place_of, random};
use crate::clock::SystemClock;
use crate::mail::{MailSettingsError, Post, Smtp};
use crate::process::Clock as _;
use crate::store::care::{self, CareError, Finding, Weight};
use crate::store::db::BOOKS;
use crate::store::{Database, OpenError, Place, PostgresUrl, StoreError};
use holdfast_wire::b64;
use std::fs::{self, File};
use std::future::Future;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// The name of SQLite's file in the data directory.
pub const BOOKS_FILE: &str = "holdfast.sqlite";

/// Where the books are.
#[derive(Debug, clap::Args)]
pub struct StoreArgs {
    /// The data directory.
    #[arg(long)]
    pub data: PathBuf,
    /// PostgreSQL, when the books are there.
    #[arg(long, env = "HOLDFAST_DATABASE", hide_env_values = true)]
    pub database: Option<PostgresUrl>,
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum CareCommandError {
    #[error(
        "PostgreSQL copies itself: run `pg_dump --format=custom --file=FILE` with the same address; `pg_restore` puts it back, and \
         `holdfast restore` without --from makes the restored books usable (docs/operations.md)"
    )]
    PgDump,
    #[error("name the copy with --from FILE")]
    NoCopy,
    #[error("PostgreSQL is restored with pg_restore first; then run this without --from")]
    PgRestore,
    #[error("{0} things are wrong")]
    Wrong(usize),
    #[error(transparent)]
    Serve(#[from] ServeError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Care(#[from] CareError),
}

type Outcome = Result<(), CareCommandError>;

impl StoreArgs {
    fn place(&self) -> Place {
        place_of(self.database.as_ref(), &self.data, BOOKS_FILE)
    }

    /// Nobody else may use a SQLite file meanwhile.
    fn alone(&self) -> Result<Option<File>, ServeError> {
        if self.database.is_some() { Ok(None) } else { lock(&self.data).map(Some) }
    }
}

/// Brings the schema up to date.
///
/// # Errors
/// When a server uses the data directory, or the database refuses.
pub fn migrate(args: &StoreArgs) -> Outcome {
    block_on(async {
        let _alone = args.alone()?;
        let db = Database::open(&args.place(), &BOOKS).await?;
        println!("the schema is at step {}", care::version(&db).await?);
        db.close().await;
        Ok(())
    })
}

/// Copies SQLite's books, also while a server uses them.
///
/// # Errors
/// When they are in PostgreSQL, or the copy cannot be written.
pub fn backup(args: &StoreArgs, to: &Path) -> Outcome {
    block_on(async {
        let Place::Sqlite(books) = args.place() else { return Err(CareCommandError::PgDump) };
        let made = care::backup(&books, to).await?;
        println!("{} payments in {} bytes, read over: {}", made.payments, made.bytes, to.display());
        println!(
            "keep the key files of the data directory as well, and elsewhere: without them no envelope in the copy opens"
        );
        Ok(())
    })
}

/// Puts a copy in the place of the books, and gives them a new epoch.
///
/// # Errors
/// When a server uses the data directory, or the copy is damaged.
pub fn restore(args: &StoreArgs, from: Option<&Path>) -> Outcome {
    block_on(async {
        let (epoch, now_ms) = (b64::encode(random()?), SystemClock::default().now_ms());
        match (args.place(), from) {
            (Place::Sqlite(books), Some(from)) => {
                let _alone = args.alone()?;
                let (restored, moved) = care::put_back(from, &books, &epoch, now_ms).await?;
                println!("{} payments restored", restored.payments);
                if let Some(moved) = moved {
                    println!("the books that were there: {}", moved.display());
                }
            }
            (Place::Sqlite(_), None) => return Err(CareCommandError::NoCopy),
            (Place::Postgres(_), Some(_)) => return Err(CareCommandError::PgRestore),
            (place @ Place::Postgres(_), None) => {
                let db = Database::open(&place, &BOOKS).await?;
                care::start_anew(&db, &epoch, now_ms).await?;
                db.close().await;
            }
        }
        println!("the books have the new epoch {epoch}; run `holdfast doctor` when the tills have been online again");
        Ok(())
    })
}

/// Says what is wrong with the books and the files around them.
///
/// # Errors
/// When something is wrong, or the database cannot be read.
pub fn doctor(args: &StoreArgs) -> Outcome {
    block_on(async {
        let mut found = files(&args.data);
        let db = Database::connect(&args.place(), &BOOKS).await?;
        found.extend(care::look(&db, SystemClock::default().now_ms()).await?);
        db.close().await;
        tell(&found)
    })
}

/// Says whether a server with these settings would start, and changes nothing.
///
/// # Errors
/// When it would not.
pub fn check_config(args: &ServeArgs) -> Outcome {
    block_on(async {
        let mut found = files(&args.data);
        let is_there = |what: &str, path: PathBuf| {
            let weight = if File::open(&path).is_ok() { Weight::Good } else { Weight::Wrong };
            let said = if weight == Weight::Good { "reads" } else { "cannot be read" };
            Finding { weight, said: format!("{what}: {} {said}", path.display()) }
        };
        found.push(is_there("the app", args.app.join("index.html")));
        found.push(is_there("the roots that tills trust", args.root_keys.join("root.public.json")));
        let port = TcpListener::bind(SocketAddr::new(args.host, args.port));
        let address = SocketAddr::new(args.host, args.port);
        found.push(match port {
            Ok(_) => Finding { weight: Weight::Good, said: format!("{address} is free") },
            Err(error) => Finding { weight: Weight::Wrong, said: format!("{address} cannot be opened: {error}") },
        });
        found.push(reach(&serve::place(args, BOOKS_FILE)).await);
        found.extend(letters(args));
        found.push(webhooks(args));
        if !args.demo && args.acquirer.acquirer.is_none() {
            let said = "no acquirer is set up: payments are kept and wait".to_owned();
            found.push(Finding { weight: Weight::Look, said });
        }
        tell(&found)
    })
}

/// Whether letters can leave, and what they will lack.
fn letters(args: &ServeArgs) -> Vec<Finding> {
    let wrong = |error: MailSettingsError| vec![Finding { weight: Weight::Wrong, said: error.to_string() }];
    let settings = match args.mail.read(None) {
        Ok(settings) => settings,
        Err(error) => return wrong(error),
    };
    if let Err(error) = Post::open(&settings, None) {
        return wrong(error);
    }
    let mut found = vec![match &settings.smtp {
        Some(Smtp { host, port, .. }) => {
            Finding { weight: Weight::Good, said: format!("letters go to the mail server {host}:{port}") }
        }
        None if args.demo => Finding { weight: Weight::Good, said: "a demo keeps its letters in a folder".to_owned() },
        None => Finding { weight: Weight::Look, said: "no letters are sent: there is no --smtp-url".to_owned() },
    }];
    if settings.smtp.is_some() && settings.public_url.is_empty() {
        let said = "letters have no link to the live receipt: there is no --public-url".to_owned();
        found.push(Finding { weight: Weight::Look, said });
    }
    found
}

fn webhooks(args: &ServeArgs) -> Finding {
    match args.hooks.read(args.demo) {
        Ok(settings) if settings.policy.allowed.is_empty() => {
            Finding { weight: Weight::Good, said: "webhooks reach no private network".to_owned() }
        }
        Ok(settings) => {
            let allowed = settings.policy.allowed.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            Finding {
                weight: Weight::Look,
                said: format!("webhooks may reach {allowed}: every owner can have them go there"),
            }
        }
        Err(error) => Finding { weight: Weight::Wrong, said: error.to_string() },
    }
}

async fn reach(place: &Place) -> Finding {
    if let Place::Sqlite(path) = place
        && !path.exists()
    {
        return Finding { weight: Weight::Good, said: "the books are made at the first start".to_owned() };
    }
    match Database::connect(place, &BOOKS).await {
        Ok(db) => {
            // Without steps there are no books yet.
            let (held, known) = (care::version(&db).await.unwrap_or(0), BOOKS.version());
            db.close().await;
            let weight = if held > known { Weight::Wrong } else { Weight::Good };
            Finding { weight, said: format!("the books are at step {held}; this program knows {known}") }
        }
        Err(error) => Finding { weight: Weight::Wrong, said: error.to_string() },
    }
}

/// Whether others may look into the data directory and its key files.
fn files(data: &Path) -> Vec<Finding> {
    let Ok(entries) = fs::read_dir(data) else {
        let said = format!("{} is made at the first start", data.display());
        return vec![Finding { weight: Weight::Look, said }];
    };
    let keys =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "key"));
    let mut found: Vec<Finding> = keys.chain([data.to_owned()]).map(|path| owners_only(&path)).collect();
    found.sort_by(|a, b| a.said.cmp(&b.said));
    found
}

fn owners_only(path: &Path) -> Finding {
    let mode = fs::metadata(path).map_or(0, |meta| meta.permissions().mode() & 0o077);
    if mode == 0 {
        Finding { weight: Weight::Good, said: format!("{} is its owner's only", path.display()) }
    } else {
        Finding { weight: Weight::Wrong, said: format!("{} is open to others: run chmod go= on it", path.display()) }
    }
}

fn tell(found: &[Finding]) -> Outcome {
    for finding in found {
        let word = match finding.weight {
            Weight::Good => "good ",
            Weight::Look => "look ",
            Weight::Wrong => "WRONG",
        };
        println!("{word}  {}", finding.said);
    }
    match found.iter().filter(|finding| finding.weight == Weight::Wrong).count() {
        0 => Ok(()),
        count => Err(CareCommandError::Wrong(count)),
    }
}

fn block_on(work: impl Future<Output = Outcome>) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(ServeError::Runtime)?;
    runtime.block_on(work)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: ServeArgs,
    }

    /// The mail library wants a runtime, as it has in the command.
    #[tokio::test]
    async fn what_is_wrong_with_letters_and_webhooks_is_said_before_the_start() {
        let heard = |more: &[&str]| {
            let line = ["x", "--data", "d", "--app", "a", "--root-keys", "r"].iter().chain(more);
            let args = Line::try_parse_from(line).map_err(|error| error.to_string()).expect("reads").args;
            let mut found = letters(&args);
            found.push(webhooks(&args));
            found
        };
        let from = ["--mail-from", "Shop <a@shop.example>"];
        for (more, weight, words) in [
            (vec![], Weight::Look, "no letters are sent"),
            (vec!["--demo"], Weight::Good, "in a folder"),
            (vec!["--smtp-url", "smtps://mail.example"], Weight::Wrong, "--mail-from is missing"),
            (vec!["--smtp-url", "mail.example", from[0], from[1]], Weight::Wrong, "is not smtps://"),
            (vec!["--smtp-url", "smtps://mail.example", from[0], from[1]], Weight::Good, "mail.example:465"),
            (vec!["--smtp-url", "smtps://mail.example", from[0], from[1]], Weight::Look, "no --public-url"),
            (vec!["--public-url", "http://pay.example"], Weight::Wrong, "--public-url is not https"),
            (vec!["--webhook-loopback"], Weight::Wrong, "with --demo"),
            (vec!["--webhook-allow", "10.0.0.0/8"], Weight::Look, "10.0.0.0/8"),
            (vec!["--webhook-ca", "/nowhere.pem"], Weight::Wrong, "/nowhere.pem"),
        ] {
            let found = heard(&more);
            let is_said = found.iter().any(|finding| finding.weight == weight && finding.said.contains(words));
            assert!(is_said, "{more:?}: {found:?}");
        }
    }
}
