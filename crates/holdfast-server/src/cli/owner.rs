//! `holdfast owner add` and `holdfast owner reset`: how somebody gets in who cannot be let in by anybody else. Whoever may write
//! the data directory may do this, beside a running server too.

use super::care::{BOOKS_FILE, StoreArgs};
use crate::clock::SystemClock;
use crate::keys::{KeyFileError, LocalKeys};
use crate::people::{NewPerson, People, PeopleError, Role, email_of, password};
use crate::process::Clock as _;
use crate::store::{Books, OpenError, Place, StoreError};
use clap::Subcommand;
use holdfast_core::id::MerchantId;
use holdfast_core::limits::WINDOW_MS_MAX;
use holdfast_core::money::Currency;
use holdfast_wire::b64;
use holdfast_wire::shop::{Merchant, PolicyWire, Shop};
use holdfast_wire::team::{TeamWire, TipsWire};
use std::io::BufRead as _;
use std::path::PathBuf;
use std::sync::Arc;
use zeroize::Zeroizing;

#[derive(Debug, Subcommand)]
pub enum OwnerCommand {
    /// Add a person and, with --shop, a new shop. Prints a one-time link to choose a password, unless it comes on standard input.
    Add(AddArgs),
    /// Print a one-time link for somebody who lost password or phone. What let them in before no longer does.
    Reset {
        #[command(flatten)]
        store: StoreArgs,
        #[arg(long)]
        email: String,
        #[command(flatten)]
        link: LinkArgs,
    },
}

#[derive(Debug, clap::Args)]
pub struct AddArgs {
    #[command(flatten)]
    store: StoreArgs,
    #[arg(long)]
    email: String,
    /// The person's name.
    #[arg(long, default_value = "")]
    name: String,
    /// What the person may do.
    #[arg(long, default_value = "owner", value_parser = ["owner", "manager", "cashier", "operator"])]
    role: String,
    /// The name of a new shop, which is made.
    #[arg(long, conflicts_with = "merchant")]
    shop: Option<String>,
    /// The id of a shop that is there. Without it and without --shop, the only one.
    #[arg(long)]
    merchant: Option<String>,
    /// The new shop's currency, as three letters.
    #[arg(long, default_value = "EUR")]
    currency: String,
    /// The new shop's language, such as en or de-DE.
    #[arg(long, default_value = "en")]
    locale: String,
    /// The new shop's time zone, such as Europe/Berlin.
    #[arg(long, default_value = "UTC")]
    zone: String,
    /// Read the password from the first line of standard input.
    #[arg(long)]
    password_stdin: bool,
    #[command(flatten)]
    link: LinkArgs,
}

#[derive(Debug, clap::Args)]
pub struct LinkArgs {
    /// Where people reach the server; the link begins with it.
    #[arg(long, env = "HOLDFAST_PUBLIC_URL", default_value = "http://localhost:8420")]
    public_url: String,
}

/// Why nobody was added.
#[derive(Debug, thiserror::Error)]
pub enum OwnerError {
    #[error("there is no e-mail address in `{0}`")]
    Email(String),
    #[error("a password needs 12 to 256 characters")]
    Password,
    #[error("the password cannot be read: {0}")]
    Input(std::io::Error),
    #[error("`{0}` is no currency that is known here; give three letters such as EUR")]
    Currency(String),
    #[error("`{0}` is no time zone that is known here; give one such as Europe/Berlin")]
    Zone(String),
    #[error("`{0}` is no shop's id")]
    Merchant(String),
    #[error("name the shop: --shop NAME makes a new one, --merchant ID takes one that is there")]
    WhichShop,
    #[error("nobody has the e-mail address {0}")]
    Unknown(String),
    #[error("the data directory {0} does not exist: start the server once, or check --data")]
    Data(PathBuf),
    #[error(transparent)]
    Runtime(std::io::Error),
    #[error("the system gives no random numbers")]
    Random,
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    #[error(transparent)]
    People(#[from] PeopleError),
}

/// Does what the command says.
///
/// # Errors
/// When it cannot; the message says what to do.
pub fn run(command: OwnerCommand) -> Result<(), OwnerError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(OwnerError::Runtime)?;
    runtime.block_on(async {
        match command {
            OwnerCommand::Add(args) => add(args).await,
            OwnerCommand::Reset { store, email, link } => reset(&store, &email, &link).await,
        }
    })
}

async fn open(StoreArgs { data, database }: &StoreArgs) -> Result<(Books, People), OwnerError> {
    if !data.is_dir() {
        return Err(OwnerError::Data(data.to_owned()));
    }
    let keys = Arc::new(LocalKeys::open(data)?);
    let place = database.clone().map_or_else(|| Place::Sqlite(data.join(BOOKS_FILE)), Place::Postgres);
    let books = Books::open(&place, &b64::encode(random()?)).await?;
    let people = People::new(books.db().clone(), keys)?;
    Ok((books, people))
}

async fn add(args: AddArgs) -> Result<(), OwnerError> {
    let email = email_of(&args.email);
    if !email.contains('@') || email.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(OwnerError::Email(args.email));
    }
    let role = Role::parse(&args.role).unwrap_or(Role::Owner);
    let password = if args.password_stdin { Some(password_from_input()?) } else { None };
    let (books, people) = open(&args.store).await?;
    let merchant_id = if role == Role::Operator { None } else { Some(merchant(&books, &args).await?) };
    let now_ms = SystemClock::default().now_ms();
    let person = NewPerson { email: email.clone(), name: args.name, role, merchant_id };
    let user_id = people.add(now_ms, person).await?;
    println!("{email} is {} now{}", role.as_str(), merchant_id.map(|id| format!(" of shop {id}")).unwrap_or_default());
    match password {
        Some(password) => {
            people.set_password(&user_id, password.as_str().to_owned()).await?;
            println!("sign in at {}/office", args.link.public_url.trim_end_matches('/'));
        }
        // Somebody who can get in already keeps what lets them in.
        None if people.can_sign_in(&user_id).await? => println!("the password stays as it is"),
        None => print_link(&people, now_ms, &user_id, &args.link).await?,
    }
    books.close().await;
    Ok(())
}

async fn reset(store: &StoreArgs, email: &str, link: &LinkArgs) -> Result<(), OwnerError> {
    let (books, people) = open(store).await?;
    let account = people.account(email).await?.ok_or_else(|| OwnerError::Unknown(email_of(email)))?;
    print_link(&people, SystemClock::default().now_ms(), &account.id, link).await?;
    books.close().await;
    Ok(())
}

async fn print_link(people: &People, now_ms: i64, user_id: &str, link: &LinkArgs) -> Result<(), OwnerError> {
    let token = people.invite(now_ms, user_id).await?;
    let url = link.public_url.trim_end_matches('/');
    println!("open this link within a day and choose a password; it works once:\n\n  {url}/office/welcome/{token}\n");
    Ok(())
}

fn password_from_input() -> Result<Zeroizing<String>, OwnerError> {
    let mut line = Zeroizing::new(String::new());
    std::io::stdin().lock().read_line(&mut line).map_err(OwnerError::Input)?;
    let typed = Zeroizing::new(line.trim_end_matches(['\r', '\n']).to_owned());
    if password::is_long_enough(&typed) { Ok(typed) } else { Err(OwnerError::Password) }
}

async fn merchant(books: &Books, args: &AddArgs) -> Result<MerchantId, OwnerError> {
    if let Some(name) = &args.shop {
        let currency: Currency = args.currency.parse().map_err(|_| OwnerError::Currency(args.currency.clone()))?;
        jiff::tz::TimeZone::get(&args.zone).map_err(|_| OwnerError::Zone(args.zone.clone()))?;
        let id = MerchantId::make(random()?);
        books.add_shop(fresh_shop(id, name, currency.code(), &args.locale, &args.zone)).await?;
        return Ok(id);
    }
    let there = books.merchant_ids().await?;
    match (&args.merchant, there.as_slice()) {
        (Some(text), _) => {
            let id = text.parse().map_err(|_| OwnerError::Merchant(text.clone()))?;
            there.contains(&id).then_some(id).ok_or_else(|| OwnerError::Merchant(text.clone()))
        }
        (None, [only]) => Ok(*only),
        (None, _) => Err(OwnerError::WhichShop),
    }
}

/// A shop without a catalogue: its till sells by the keypad. The caps are cautious; see docs/protocol.md section 4.
fn fresh_shop(id: MerchantId, name: &str, currency: &str, locale: &str, zone: &str) -> Shop {
    Shop {
        v: holdfast_wire::V,
        version: 0,
        merchant: Merchant {
            id: id.to_string(),
            name: name.to_owned(),
            currency: currency.to_owned(),
            locale: locale.to_owned(),
            tax_inclusive: true,
            keypad_tax_bp: 0,
            receipt_footer: String::new(),
            zone: zone.to_owned(),
        },
        policy: PolicyWire {
            window_ms: WINDOW_MS_MAX,
            payment_minor_max: 50_000,
            keyed_minor_max: 15_000,
            total_minor_max: 1_000_000,
        },
        categories: Vec::new(),
        items: Vec::new(),
        team: TeamWire { must_sign_in: true, idle_lock_ms: 5 * 60_000, ..TeamWire::default() },
        tips: TipsWire::default(),
    }
}

fn random() -> Result<[u8; 16], OwnerError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| OwnerError::Random)?;
    Ok(bytes)
}
