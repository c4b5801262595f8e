//! People as a whole: sign-in, second factor, sessions, attempts, links.

use super::*;
use crate::store::{Books, Place};
use crate::testing::NOW;
use holdfast_core::id::MerchantId;
use holdfast_core::limits::{SESSION_HALF_MS_MAX, SESSION_IDLE_MS_MAX, SESSION_MS_MAX};

const PASSWORD: &str = "a long walk home";
const HERE: &str = "192.0.2.1";
const STEP_MS: i64 = 30_000;

struct Town {
    _folder: tempfile::TempDir,
    people: People,
    shops: [MerchantId; 2],
}

/// Runs each case on both databases.
macro_rules! on_both {
    ($($case:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test] async fn $case() {
                let folder = tempfile::tempdir().expect("a folder");
                super::$case(super::town(&super::Place::Sqlite(folder.path().join("books.sqlite"))).await).await;
            })*
        }
        mod postgres {
            $(#[tokio::test]
            #[ignore = "needs PostgreSQL: cargo xtask test server"]
            async fn $case() { super::$case(super::town(&crate::testing::postgres_database()).await).await; })*
        }
    };
}

on_both!(
    a_password_and_a_code_open_a_session_and_a_code_works_once,
    a_wrong_password_and_an_unknown_account_look_the_same_and_cost_the_next_one,
    one_address_that_tries_many_accounts_waits_as_well,
    a_session_ends_when_idle_when_old_and_when_it_is_ended,
    a_session_acts_for_one_shop_of_the_persons_own,
    a_link_works_once_for_a_day_and_ends_what_opened_before,
);

async fn town(place: &Place) -> Town {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = Arc::new(LocalKeys::open(folder.path()).expect("keys"));
    let books = Books::open(place, "epoch").await.expect("opens");
    let shops = [MerchantId::make([1; 16]), MerchantId::make([2; 16])];
    for id in shops {
        // Both have the same names for what they sell.
        books.add_shop(crate::demo::shop(id)).await.expect("adds");
    }
    Town { people: People::new(books.db().clone(), keys).expect("people"), shops, _folder: folder }
}

impl Town {
    /// Somebody with a password, and the account's id.
    async fn add(&self, email: &str, role: Role, at: Option<usize>) -> String {
        let merchant_id = at.map(|at| self.shops[at]);
        let person = NewPerson { email: email.into(), name: "Ada".into(), role, merchant_id };
        let id = self.people.add(NOW, person).await.expect("adds");
        self.people.set_password(&id, PASSWORD.into()).await.expect("sets");
        id
    }

    async fn try_with(&self, now_ms: i64, email: &str, password: &str) -> Result<(String, Stage), SignInError> {
        let proof = Proof { email: email.into(), password: password.into(), code: None };
        self.people.sign_in(now_ms, HERE, proof).await
    }

    async fn session(&self, now_ms: i64, token: &str) -> Option<Session> {
        self.people.session(now_ms, token).await.expect("reads")
    }

    /// Sets the second factor up; returns its secret and an open session's token.
    async fn set_up(&self, now_ms: i64, email: &str) -> (Vec<u8>, String) {
        let (token, stage) = self.try_with(now_ms, email, PASSWORD).await.expect("is let in");
        assert_eq!(stage, Stage::SetUp);
        let half = self.session(now_ms, &token).await.expect("half a session");
        let secret = self.people.offer(&half).await.expect("offers").expose().clone();
        let code = totp::code_at(&secret, now_ms);
        let open = self.people.prove(now_ms, HERE, &half, &code).await.expect("is right");
        assert!(self.session(now_ms, &token).await.is_none(), "the half one is over");
        (secret, open)
    }
}

fn is_refused<T>(result: Result<T, SignInError>) -> bool {
    matches!(result, Err(SignInError::Refused))
}

async fn a_password_and_a_code_open_a_session_and_a_code_works_once(town: Town) {
    town.add("Ada@Example.com ", Role::Owner, Some(0)).await;
    let (secret, token) = town.set_up(NOW, "ada@example.com").await;
    let session = town.session(NOW, &token).await.expect("a session");
    assert_eq!((session.stage, session.role()), (Stage::Open, Some(Role::Owner)));
    assert_eq!(session.at.map(|at| at.merchant_id), Some(town.shops[0]));

    let (half, stage) = town.try_with(NOW, "ADA@example.com", PASSWORD).await.expect("is let in");
    assert_eq!(stage, Stage::Code);
    let half = town.session(NOW, &half).await.expect("half a session");
    let used = totp::code_at(&secret, NOW);
    assert!(is_refused(town.people.prove(NOW, HERE, &half, &used).await), "used");
    assert!(is_refused(town.people.prove(NOW, HERE, &half, "000000").await));
    let next = totp::code_at(&secret, NOW + STEP_MS);
    assert!(town.people.prove(NOW, HERE, &half, &next).await.is_ok());
    let proof = Proof { email: "ada@example.com".into(), password: PASSWORD.into(), code: Some(next) };
    assert!(is_refused(town.people.sign_in(NOW, HERE, proof).await), "used, on the other way in too");
}

async fn a_wrong_password_and_an_unknown_account_look_the_same_and_cost_the_next_one(town: Town) {
    town.add("ada@example.com", Role::Owner, Some(0)).await;
    for email in ["ada@example.com", "nobody@example.com"] {
        for _ in 0..5 {
            assert!(is_refused(town.try_with(NOW, email, "wrong").await), "{email}");
        }
        let waits = town.try_with(NOW, email, PASSWORD).await;
        assert!(matches!(waits, Err(SignInError::Wait(30_000))), "{email}: {:?}", waits.map(|_| ()));
    }
    // The wait over, the right one is taken, and half of a sign-in does not forgive what went wrong before.
    let later = NOW + 30_000;
    let (half, _) = town.try_with(later, "ada@example.com", PASSWORD).await.expect("is let in");
    assert!(is_refused(town.try_with(later, "ada@example.com", "wrong").await));
    assert!(matches!(town.try_with(later, "ada@example.com", PASSWORD).await, Err(SignInError::Wait(_))));
    let half = town.session(later, &half).await.expect("half a session");
    assert!(matches!(town.people.prove(later, HERE, &half, "000000").await, Err(SignInError::Wait(_))), "codes too");
}

async fn one_address_that_tries_many_accounts_waits_as_well(town: Town) {
    for number in 0..20 {
        assert!(is_refused(town.try_with(NOW, &format!("{number}@example.com"), "wrong").await));
    }
    assert!(matches!(town.try_with(NOW, "another@example.com", "wrong").await, Err(SignInError::Wait(_))));
}

async fn a_session_ends_when_idle_when_old_and_when_it_is_ended(town: Town) {
    let id = town.add("ada@example.com", Role::Owner, Some(0)).await;
    let open = async |now_ms| town.people.open(now_ms, &id, Stage::Open).await.expect("opens");
    let token = open(NOW).await;
    assert!(town.session(NOW + SESSION_IDLE_MS_MAX - 1, &token).await.is_some(), "used");
    assert!(town.session(NOW + SESSION_IDLE_MS_MAX + 1, &token).await.is_some(), "and so it lives on");
    assert!(town.session(NOW + 3 * SESSION_IDLE_MS_MAX, &token).await.is_none(), "idle");

    let token = open(NOW).await;
    let unasked = town.people.session_used(NOW + SESSION_IDLE_MS_MAX - 1, &token, false).await.expect("reads");
    assert!(unasked.is_some(), "a page that keeps itself up to date is answered");
    assert!(town.session(NOW + SESSION_IDLE_MS_MAX + 1, &token).await.is_none(), "and that was no use");

    let token = open(NOW).await;
    let mut now_ms = NOW;
    while now_ms < NOW + SESSION_MS_MAX {
        assert!(town.session(now_ms, &token).await.is_some());
        now_ms += SESSION_IDLE_MS_MAX - 1;
    }
    assert!(town.session(NOW + SESSION_MS_MAX, &token).await.is_none(), "old, however busy");

    let half = town.people.open(NOW, &id, Stage::Code).await.expect("opens");
    assert!(town.session(NOW + SESSION_HALF_MS_MAX, &half).await.is_none(), "a half one is short");

    let (one, other) = (open(NOW).await, open(NOW).await);
    let session = town.session(NOW, &one).await.expect("a session");
    town.people.sign_out(&session).await.expect("signs out");
    assert!(town.session(NOW, &one).await.is_none());
    let session = town.session(NOW, &other).await.expect("the other one stays");
    let third = open(NOW).await;
    town.people.sign_out_everywhere(&session).await.expect("signs out");
    assert!(town.session(NOW, &other).await.is_none() && town.session(NOW, &third).await.is_none());
    assert!(town.session(NOW, "").await.is_none() && town.session(NOW, "x").await.is_none());
}

async fn a_session_acts_for_one_shop_of_the_persons_own(town: Town) {
    let ada = town.add("ada@example.com", Role::Owner, Some(0)).await;
    let token = town.people.open(NOW, &ada, Stage::Open).await.expect("opens");
    let session = town.session(NOW, &token).await.expect("a session");
    assert!(!town.people.choose(&session, town.shops[1]).await.expect("asks"), "not hers");

    town.add("ada@example.com", Role::Cashier, Some(1)).await;
    let token = town.people.open(NOW, &ada, Stage::Open).await.expect("opens");
    let session = town.session(NOW, &token).await.expect("a session");
    assert_eq!(session.role(), None, "two shops: one must be chosen");
    assert_eq!(town.people.memberships(&ada).await.expect("reads").len(), 2);
    assert!(town.people.choose(&session, town.shops[1]).await.expect("asks"));
    let session = town.session(NOW, &token).await.expect("a session");
    assert_eq!(session.role(), Some(Role::Cashier));

    let ops = town.add("ops@example.com", Role::Operator, None).await;
    let token = town.people.open(NOW, &ops, Stage::Open).await.expect("opens");
    assert_eq!(town.session(NOW, &token).await.and_then(|session| session.role()), Some(Role::Operator));
}

async fn a_link_works_once_for_a_day_and_ends_what_opened_before(town: Town) {
    let id = town.add("ada@example.com", Role::Owner, Some(0)).await;
    let (_, open) = town.set_up(NOW, "ada@example.com").await;
    let link = town.people.invite(NOW, &id).await.expect("invites");
    assert!(town.session(NOW, &open).await.is_none());
    assert!(is_refused(town.try_with(NOW, "ada@example.com", PASSWORD).await), "no password is no way in");
    let invited = async |now_ms, link: &str| town.people.invited(now_ms, link).await.expect("asks").is_some();
    assert!(invited(NOW, &link).await && !invited(NOW + 24 * 3_600_000, &link).await && !invited(NOW, "x").await);
    town.people.set_password(&id, "another long walk".into()).await.expect("sets");
    assert!(!invited(NOW, &link).await, "used");
    let (_, stage) = town.try_with(NOW, "ada@example.com", "another long walk").await.expect("is let in");
    assert_eq!(stage, Stage::SetUp, "the second factor is set up anew");
}
