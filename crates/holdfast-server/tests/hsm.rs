//! Card keys in a real PKCS#11 token: SoftHSM 2 with a token that lives in a temporary directory.
//!
//! Ignored unless asked for, because SoftHSM must be installed and SOFTHSM2_CONF must name a file that may be written, in a directory of its own:
//! `cargo xtask test hsm` sees to both. PKCS#11 is one state per process: every test takes the token in turn.

use cryptoki::context::Pkcs11;
use cryptoki::object::{Attribute, AttributeType, ObjectClass};
use cryptoki::session::UserType;
use cryptoki::types::AuthPin;
use holdfast_core::keys::Scope;
use holdfast_core::limits::{KEY_MARGIN_MS, WINDOW_MS_MAX};
use holdfast_core::time::{DAY_MS, utc_day};
use holdfast_crypto::envelope::{CardPlaintext, Entry, Pos, PublicCardKey, WrappedContentKey, parse, seal};
use holdfast_server::keys::root::make_root_files;
use holdfast_server::keys::store::{
    FileStore, KeyStore, KeyStoreError, KeyStores, Mechanism, Pin, TokenSettings, TokenStore,
};
use holdfast_server::keys::{BookedCardKeys, Keyring, LocalKeys, Material, kid_tag};
use holdfast_server::process::{CardKeyFault, CardKeys as _};
use holdfast_server::store::{Books, Place};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

const NOW: i64 = 1_795_446_000_000;
const TOKEN: &str = "holdfast-test";
const PIN: &str = "4711-test";
const CARD: &str = "4242424242424242";

/// A token that was made for this process, held by one test at a time.
struct Token {
    _turn: MutexGuard<'static, ()>,
}

fn module() -> PathBuf {
    let places =
        ["/usr/lib/softhsm", "/usr/lib64/softhsm", "/usr/lib/x86_64-linux-gnu/softhsm", "/usr/local/lib/softhsm"];
    let found = places.iter().map(|place| Path::new(place).join("libsofthsm2.so")).find(|path| path.exists());
    found.expect("SoftHSM 2 is installed")
}

/// The directory of the configuration that SoftHSM reads.
fn home() -> PathBuf {
    let conf = std::env::var_os("SOFTHSM2_CONF").expect("SOFTHSM2_CONF is set: run `cargo xtask test hsm`");
    Path::new(&conf).parent().expect("a directory").to_owned()
}

fn tokens() -> PathBuf {
    home().join("tokens")
}

impl Token {
    fn take() -> Self {
        static TURN: Mutex<()> = Mutex::new(());
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        static MADE: OnceLock<()> = OnceLock::new();
        MADE.get_or_init(|| {
            std::fs::create_dir_all(tokens()).expect("makes");
            let conf = format!("directories.tokendir = {}\nlog.level = ERROR\n", tokens().display());
            std::fs::write(home().join("softhsm2.conf"), conf).expect("writes");
            let util = Command::new("softhsm2-util")
                .args(["--init-token", "--free", "--label", TOKEN, "--so-pin", "0815-test", "--pin", PIN])
                .output()
                .expect("softhsm2-util runs");
            assert!(util.status.success(), "{}", String::from_utf8_lossy(&util.stderr));
        });
        let token = Self { _turn: turn };
        token.empty();
        token
    }

    /// Looks into the token past Holdfast: the labels of its private keys.
    fn labels(&self) -> Vec<String> {
        let mut labels = Vec::new();
        self.look(|session| {
            for key in session.find_objects(&[Attribute::Class(ObjectClass::PRIVATE_KEY)]).expect("finds") {
                for attribute in session.get_attributes(key, &[AttributeType::Label]).expect("tells") {
                    if let Attribute::Label(label) = attribute {
                        labels.push(String::from_utf8(label).expect("a text"));
                    }
                }
            }
        });
        labels.sort();
        labels
    }

    fn empty(&self) {
        self.look(|session| {
            for key in session.find_objects(&[Attribute::Class(ObjectClass::PRIVATE_KEY)]).expect("finds") {
                session.destroy_object(key).expect("destroys");
            }
        });
    }

    fn look(&self, work: impl FnOnce(&cryptoki::session::Session)) {
        // Initialised by a store of ours, or by us; either way the state is shared and stays.
        let module = Pkcs11::new(module()).expect("loads");
        use cryptoki::context::{CInitializeArgs, CInitializeFlags};
        let _ = module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK));
        let slots = module.get_slots_with_token().expect("slots");
        let is_ours = |slot: &_| module.get_token_info(*slot).is_ok_and(|info| info.label().trim_end() == TOKEN);
        let slot = slots.into_iter().find(is_ours).expect("the token");
        let session = module.open_rw_session(slot).expect("a session");
        let _ = session.login(UserType::User, Some(&AuthPin::new(PIN.into())));
        work(&session);
    }
}

fn settings(pin: &str, token: &str, mechanism: Mechanism) -> TokenSettings {
    TokenSettings { module: module(), token: token.to_owned(), pin: Pin::new(pin), mechanism }
}

fn open() -> TokenStore {
    TokenStore::open(settings(PIN, TOKEN, Mechanism::Raw)).expect("opens")
}

struct House {
    folder: tempfile::TempDir,
    books: Arc<Books>,
    material: Material,
}

/// The name of a day's first key in books of the epoch `epoch`.
fn card_kid(day: i64) -> String {
    holdfast_core::keys::card_kid(day, &kid_tag("epoch"))
}

async fn house() -> House {
    let folder = tempfile::tempdir().expect("a folder");
    make_root_files(folder.path()).expect("makes");
    let place = Place::Sqlite(folder.path().join("books.sqlite"));
    let books = Arc::new(Books::open(&place, "epoch").await.expect("opens"));
    let local = Arc::new(LocalKeys::open(folder.path()).expect("keys"));
    let file: Arc<dyn KeyStore> = Arc::new(FileStore::new(Arc::clone(&local)));
    let stores = KeyStores::new(Arc::new(open()), vec![file]);
    let material = Material { local, stores, root_dir: folder.path().to_owned() };
    House { folder, books, material }
}

impl House {
    async fn keyring(&self, now_ms: i64) -> Keyring {
        Keyring::open(Arc::clone(&self.books), self.material.clone(), now_ms).await.expect("opens")
    }

    fn card_keys(&self) -> BookedCardKeys {
        BookedCardKeys::new(Arc::clone(&self.books), self.material.stores.clone())
    }

    async fn sealed_for(&self, kid: &str) -> String {
        let rows = self.books.card_keys().await.expect("reads");
        let row = rows.into_iter().find(|row| row.kid == kid).expect("is there");
        let public = PublicCardKey::parse(&row.kid, &row.n, &row.e).expect("a key");
        let wrapped = WrappedContentKey::make(&public, &mut getrandom::SysRng).expect("wraps");
        let pos =
            Pos { v: 1, mid: "m".into(), did: "d".into(), pid: "p".into(), seq: 1, amt: 5, cur: "EUR".into(), ksv: 1 };
        let card = CardPlaintext::new(CARD, "3012", Entry::Swipe).expect("a card");
        seal(wrapped, &pos, &card, &mut getrandom::SysRng).expect("seals")
    }

    /// The fault, or `None` when the card came out.
    async fn opens(&self, jwe: &str) -> Option<CardKeyFault> {
        let parsed = parse(jwe).expect("an envelope");
        match self.card_keys().content_key(parsed.header().kid(), parsed.encrypted_key()).await {
            Ok(content_key) => {
                assert_eq!(parsed.open(content_key).expect("opens").card.pan().expose(), CARD);
                None
            }
            Err(fault) => Some(fault),
        }
    }
}

#[tokio::test]
#[ignore = "needs SoftHSM: cargo xtask test hsm"]
async fn keys_live_and_die_in_the_token_over_days() {
    let token = Token::take();
    let house = house().await;
    let keyring = house.keyring(NOW).await;
    let kid = |days: i64| card_kid(utc_day(NOW) + days);
    assert_eq!(token.labels(), [kid(0)], "made inside for the first start");
    keyring.sweep(NOW).await.expect("sweeps");
    assert_eq!(token.labels(), (0..8).map(kid).collect::<Vec<_>>());
    let jwe = house.sealed_for(&kid(0)).await;
    assert_eq!(house.opens(&jwe).await, None);
    keyring.sweep(NOW + DAY_MS).await.expect("sweeps");
    assert_eq!(token.labels().len(), 9, "yesterday's still opens");
    assert_eq!(house.opens(&jwe).await, None);
    assert_eq!(keyring.self_test(NOW + DAY_MS).await.expect("tests").opened_count, 9);

    keyring.sweep((utc_day(NOW) + 1) * DAY_MS + WINDOW_MS_MAX + KEY_MARGIN_MS).await.expect("sweeps");
    assert!(!token.labels().contains(&kid(0)), "destroyed in the token: {:?}", token.labels());
    assert!(token.labels().contains(&kid(1)));
    assert_eq!(house.opens(&jwe).await, Some(CardKeyFault::Destroyed));
    let log = house.books.key_log().await.expect("reads");
    let events: Vec<&str> = log.iter().filter(|line| line.kid == kid(0)).map(|line| line.event.as_str()).collect();
    assert_eq!(events, ["created", "destroyed", "erased"]);
    let handles: Vec<Vec<u8>> =
        house.books.card_keys().await.expect("reads").into_iter().filter_map(|row| row.handle).collect();
    assert!(handles.iter().all(|handle| handle.starts_with(b"p11.")), "the books hold where, and never what");
}

#[tokio::test]
#[ignore = "needs SoftHSM: cargo xtask test hsm"]
async fn the_private_half_cannot_be_taken_out() {
    let token = Token::take();
    let made = open().make("card-a").expect("makes");
    assert!(made.handle.starts_with(b"p11.") && made.handle.len() == 36, "the handle holds no key");
    token.look(|session| {
        let keys = session.find_objects(&[Attribute::Class(ObjectClass::PRIVATE_KEY)]).expect("finds");
        let secret = [
            AttributeType::PrivateExponent,
            AttributeType::Prime1,
            AttributeType::Prime2,
            AttributeType::Exponent1,
            AttributeType::Coefficient,
        ];
        assert_eq!(session.get_attributes(keys[0], &secret).unwrap_or_default(), []);
        assert!(session.update_attributes(keys[0], &[Attribute::Extractable(true)]).is_err());
        assert!(session.update_attributes(keys[0], &[Attribute::Sensitive(false)]).is_err());
    });
}

#[tokio::test]
#[ignore = "needs SoftHSM: cargo xtask test hsm"]
async fn a_token_that_goes_makes_payments_wait_and_comes_back() {
    let token = Token::take();
    let house = house().await;
    let keyring = house.keyring(NOW).await;
    let kid = card_kid(utc_day(NOW));
    let jwe = house.sealed_for(&kid).await;
    assert_eq!(house.opens(&jwe).await, None);
    let away = home().join("tokens-away");
    std::fs::rename(tokens(), &away).expect("unplugs");
    for _ in 0..3 {
        assert_eq!(house.opens(&jwe).await, Some(CardKeyFault::Unavailable), "never refused, never destroyed");
    }
    assert!(keyring.sweep(NOW).await.is_err(), "no new keys without it");
    let test = keyring.self_test(NOW).await.expect("tests");
    assert_eq!((test.opened_count, test.failed.len()), (0, 1));
    assert!(!keyring.health(NOW).await.expect("health").is_well(NOW));
    // A server that starts meanwhile serves and waits.
    assert!(TokenStore::open(settings(PIN, TOKEN, Mechanism::Raw)).is_ok());
    assert!(keyring.rotate(NOW, Scope::Today, "drill").await.is_err(), "nothing is withdrawn without a successor");
    assert_eq!(keyring.published().expect("a set").version, u64::try_from(NOW / 1_000).expect("fits"), "the first");

    std::fs::rename(&away, tokens()).expect("plugs in");
    // Attempts to reach it are a second apart.
    let end = std::time::Instant::now() + std::time::Duration::from_secs(90);
    while let Some(fault) = house.opens(&jwe).await {
        assert_eq!(fault, CardKeyFault::Unavailable);
        assert!(std::time::Instant::now() < end, "it does not come back");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    keyring.sweep(NOW).await.expect("sweeps");
    assert_eq!(token.labels().len(), 8);
}

#[tokio::test]
#[ignore = "needs SoftHSM: cargo xtask test hsm"]
async fn settings_that_are_wrong_are_named() {
    let token = Token::take();
    let no_module = TokenSettings { module: "no/such/module.so".into(), ..settings(PIN, TOKEN, Mechanism::Raw) };
    let said = TokenStore::open(no_module).expect_err("no module").to_string();
    assert!(said.contains("no/such/module.so"), "{said}");
    // No token of that label: it may be plugged in later.
    let absent = TokenStore::open(settings(PIN, "another", Mechanism::Raw)).expect("opens");
    let error = absent.make("card-a").map(|_| ()).expect_err("no token");
    assert!(matches!(&error, KeyStoreError::Unavailable(why) if why.contains("another")), "{error}");
    drop(absent);
    // A wrong PIN is offered once.
    let wrong = TokenStore::open(settings("0000-wrong", TOKEN, Mechanism::Raw));
    let error = wrong.map(|_| ()).expect_err("a wrong PIN");
    assert!(matches!(&error, KeyStoreError::Setting(why) if !why.contains("0000-wrong")), "{error}");
    // SoftHSM 2.6.1 does not do OAEP with SHA-256: said before the key is published, and the key does not stay behind.
    let in_token = TokenStore::open(settings(PIN, TOKEN, Mechanism::OaepSha256)).expect("opens");
    let made = in_token.make("card-b").expect("makes");
    match in_token.content_key("card-b", &made.handle, &[1; 384]).map(|_| ()) {
        Err(KeyStoreError::Setting(why)) => assert!(why.contains("--pkcs11-mechanism raw"), "{why}"),
        // A newer SoftHSM does it.
        other => assert!(matches!(other, Err(KeyStoreError::Unclear(_) | KeyStoreError::Refused)), "{other:?}"),
    }
    in_token.destroy("card-b", &made.handle).expect("destroys");
    in_token.destroy("card-b", &made.handle).expect("twice is once");
    assert!(token.labels().is_empty());
}

#[tokio::test]
#[ignore = "needs SoftHSM: cargo xtask test hsm"]
async fn what_a_crash_left_behind_is_cleared_and_a_change_of_store_keeps_opening() {
    let token = Token::take();
    let house = house().await;
    // Files first, then the token.
    let files = Material::in_files(Arc::clone(&house.material.local), house.folder.path().to_owned());
    let before = Keyring::open(Arc::clone(&house.books), files, NOW).await.expect("opens");
    drop(before);
    let kid = card_kid(utc_day(NOW));
    let jwe = house.sealed_for(&kid).await;
    // The same kid made in the token by somebody who lost the race for the books.
    let lost = house.material.stores.newest().make(&kid).expect("makes");
    assert!(token.labels() == [kid.as_str()]);
    let keyring = house.keyring(NOW).await;
    keyring.sweep(NOW).await.expect("sweeps");
    assert_eq!(house.opens(&jwe).await, None, "sealed for the file, opened by the file");
    let labels = token.labels();
    assert_eq!((labels.len(), labels.contains(&kid)), (7, false), "the loser is gone: {labels:?}");
    assert_ne!(house.books.card_key_handle(&kid).await.expect("reads").expect("is there").1, Some(lost.handle));
    assert_eq!(keyring.self_test(NOW).await.expect("tests").opened_count, 8, "one in the file, seven in the token");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs SoftHSM: cargo xtask test hsm"]
async fn many_payments_at_once_share_the_sessions() {
    let _token = Token::take();
    let house = Arc::new(house().await);
    house.keyring(NOW).await;
    let jwe = house.sealed_for(&card_kid(utc_day(NOW))).await;
    let started = std::time::Instant::now();
    let tasks: Vec<_> = (0..200)
        .map(|_| {
            let (house, jwe) = (Arc::clone(&house), jwe.clone());
            tokio::spawn(async move { house.opens(&jwe).await })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.expect("runs"), None);
    }
    println!("200 envelopes opened in the token in {} ms", started.elapsed().as_millis());
}
