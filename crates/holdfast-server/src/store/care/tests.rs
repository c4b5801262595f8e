//! Copies that are put back, and a doctor that finds what was done to the books.

use super::*;
use crate::store::conformance::{Fixture, in_books, in_postgres};
use crate::store::db::{BOOKS, Database};
use crate::store::{Books, Ledger as _, PaymentOp, Place};
use crate::testing::NOW;
use holdfast_core::payment::PaymentState;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

async fn at(path: &Path, epoch: &str) -> Books {
    Books::open(&Place::Sqlite(path.to_owned()), epoch).await.expect("opens")
}

async fn store(f: &Fixture<Books>, seq: u64) {
    f.store(&[&f.payment(seq)]).await.expect("stores");
}

#[tokio::test]
async fn a_copy_is_made_while_the_books_are_in_use_and_put_back_with_a_new_epoch() {
    let folder = tempfile::tempdir().expect("a folder");
    let (books, copy) = (folder.path().join("books.sqlite"), folder.path().join("a copy?.sqlite"));
    let f = in_books(at(&books, "epoch-1").await).await;
    store(&f, 1).await;
    let made = backup(&books, &copy).await.expect("copies");
    assert_eq!(made.payments, 1);
    assert_eq!(std::fs::metadata(&copy).expect("is there").permissions().mode() & 0o777, 0o600);
    assert!(matches!(backup(&books, &copy).await, Err(CareError::IsThere(_))), "a copy is never written over");

    // The books go on, and are lost.
    store(&f, 2).await;
    f.ledger.claim_due(NOW, NOW + 120_000, 9).await.expect("claims");
    f.ledger.close().await;
    let (restored, moved) = put_back(&copy, &books, "epoch-2", 7).await.expect("restores");
    assert_eq!(restored.payments, 1);
    let moved = moved.expect("the old books are moved aside");
    let again = at(&books, "epoch-3").await;
    assert_eq!(again.epoch(), "epoch-2");
    assert_eq!(again.changed_after(f.device.merchant_id, 0, 9).await.expect("reads").len(), 1);
    let old = at(&moved, "epoch-3").await;
    assert_eq!(
        (old.epoch(), old.changed_after(f.device.merchant_id, 0, 9).await.expect("reads").len()),
        ("epoch-1".to_owned(), 2)
    );

    // What the device says of its chain tells that the books lost something.
    let told = crate::store::Heartbeat {
        head_seq: 2,
        head_hash: String::new(),
        waiting_count: 0,
        waiting_minor: 0,
        risk: "[]".to_owned(),
    };
    again.heartbeat(NOW, f.device.id, told).await.expect("hears");
    assert_eq!(wrong(again.db()).await, ["1 devices have handed in payments that the books do not hold"]);
}

#[tokio::test]
async fn a_damaged_copy_is_refused_and_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (books, copy) = (folder.path().join("books.sqlite"), folder.path().join("copy.sqlite"));
    let f = in_books(at(&books, "epoch-1").await).await;
    store(&f, 1).await;
    backup(&books, &copy).await.expect("copies");
    f.ledger.close().await;
    let whole = std::fs::read(&copy).expect("reads");
    let mut torn = whole.clone();
    torn[whole.len() / 2..].fill(0x5a);
    for bytes in [&b"no database at all"[..], &torn] {
        std::fs::write(&copy, bytes).expect("writes");
        assert!(put_back(&copy, &books, "epoch-2", 7).await.is_err());
    }
    assert!(put_back(&folder.path().join("nothing"), &books, "epoch-2", 7).await.is_err());
    let again = at(&books, "epoch-3").await;
    assert_eq!(
        (again.epoch(), again.changed_after(f.device.merchant_id, 0, 9).await.expect("reads").len()),
        ("epoch-1".to_owned(), 1)
    );
}

/// The beginnings of what the doctor calls wrong.
async fn wrong(db: &Database) -> Vec<String> {
    let found = look(db, NOW).await.expect("looks");
    let wrong = found.into_iter().filter(|finding| finding.weight == Weight::Wrong);
    wrong.map(|finding| finding.said.split(':').next().unwrap_or_default().to_owned()).collect()
}

/// Writes past the server, as somebody with a database tool does.
async fn meddle(f: &Fixture<Books>, text: &'static str) {
    let write = f.ledger.db().write(move |c| {
        Box::pin(async move {
            sqlx::query(text).execute(c).await?;
            Ok(())
        })
    });
    write.await.expect("writes");
}

async fn the_doctor_finds_what_was_done(f: Fixture<Books>, by_itself: &[&str]) {
    store(&f, 1).await;
    let expect = |more: &[&str]| -> Vec<String> { by_itself.iter().chain(more).map(|s| (*s).to_owned()).collect() };
    assert_eq!(wrong(f.ledger.db()).await, expect(&[]));
    meddle(&f, "DELETE FROM jobs").await;
    let stray = "1 payments are not settled and have no job";
    assert_eq!(wrong(f.ledger.db()).await, expect(&[stray]));
    meddle(&f, "UPDATE payments SET state = 'captured', approval_code = 'X', settled_ms = 1").await;
    assert_eq!(wrong(f.ledger.db()).await, expect(&["1 payments were changed without a line in their history"]));
    let id = f.payment(1).id;
    let state = PaymentState::Captured { approval_code: "X".into(), at_ms: 1 };
    f.apply(id, vec![PaymentOp::State(state)]).await;
    assert_eq!(wrong(f.ledger.db()).await, expect(&[]));
    meddle(&f, "DELETE FROM _sqlx_migrations WHERE version > 1").await;
    assert_eq!(
        wrong(f.ledger.db()).await,
        [format!("the schema is at step 1 and this program needs {}", BOOKS.version())]
    );
}

#[tokio::test]
async fn the_doctor_finds_what_was_done_to_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    the_doctor_finds_what_was_done(in_books(at(&folder.path().join("books.sqlite"), "e").await).await, &[]).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test server"]
async fn the_doctor_finds_what_was_done_to_postgres() {
    // The tests' own server promises nothing, and the doctor says so.
    let promises = ["PostgreSQL's fsync is off", "PostgreSQL's full_page_writes is off"];
    the_doctor_finds_what_was_done(in_postgres().await, &promises).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test server"]
async fn postgres_books_start_anew_after_a_restore() {
    let f = in_postgres().await;
    store(&f, 1).await;
    f.ledger.beat(NOW).await.expect("beats");
    assert_eq!(f.ledger.claim_due(NOW, NOW + 120_000, 9).await.expect("claims").len(), 1);
    start_anew(f.ledger.db(), "epoch-2", NOW).await.expect("writes");
    assert_eq!(f.ledger.claim_due(NOW, NOW + 120_000, 9).await.expect("claims").len(), 1, "nobody holds it");
    let row = sqlx::query("SELECT value FROM meta WHERE name = 'epoch'").fetch_one(f.ledger.db().reader()).await;
    assert_eq!(row.and_then(|row| sqlx::Row::try_get::<String, _>(&row, "value")).expect("reads"), "epoch-2");
}

#[tokio::test]
async fn a_database_that_is_not_there_is_not_made_by_looking_at_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("books.sqlite");
    assert!(Database::connect(&Place::Sqlite(path.clone()), &BOOKS).await.is_err());
    assert!(!path.exists());
}
