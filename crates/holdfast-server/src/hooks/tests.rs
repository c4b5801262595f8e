//! Webhooks on a database: one message an event, at least one delivery, and what an owner can do.

use super::queue::{Attempt, Delivery, End, LEASE_MS};
use super::*;
use crate::desk::{Desk, NewWebhook, Replay, WebhookChange};
use crate::mail::notice::NOTICE_TOPIC;
use crate::people::{NewPerson, People, Role};
use crate::store::conformance::{Fixture, in_books};
use crate::store::outbox::claim;
use crate::store::{Books, Payment, PaymentOp, Place, StoreError};
use crate::testing::{self, NOW};
use holdfast_core::id::MerchantId;
use holdfast_core::limits::{WEBHOOK_FAILING_MS_MAX, WEBHOOK_KEPT_MS, WEBHOOK_OVERLAP_MS, WEBHOOKS_MAX};
use holdfast_core::payment::{Decline, PaymentState};
use serde_json::Value;
use sqlx::Row as _;

/// Runs each case on both databases.
macro_rules! on_both {
    ($($case:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test] async fn $case() {
                let folder = tempfile::tempdir().expect("a folder");
                super::$case(super::house(&super::Place::Sqlite(folder.path().join("books.sqlite"))).await).await;
            })*
        }
        mod postgres {
            $(#[tokio::test]
            #[ignore = "needs PostgreSQL: cargo xtask test server"]
            async fn $case() { super::$case(super::house(&crate::testing::postgres_database()).await).await; })*
        }
    };
}

on_both!(
    every_event_is_one_message_whoever_makes_it_and_how_often,
    an_endpoint_hears_what_it_chose_from_its_beginning_on,
    a_delivery_is_leased_tried_again_and_given_up,
    an_endpoint_that_takes_nothing_for_long_is_switched_off_and_its_owner_told,
    what_was_missed_can_be_sent_again_under_the_same_ids,
    two_secrets_sign_for_a_day,
    an_event_of_another_kind_is_told_with_its_own_transaction_or_not_at_all,
    what_is_old_is_forgotten_and_what_waits_is_not,
    a_shop_has_a_few_and_another_shop_sees_none,
);

struct House {
    f: Fixture<Books>,
    hooks: Hooks,
    desk: Desk,
    keys: Arc<LocalKeys>,
    _folder: tempfile::TempDir,
}

async fn house(place: &Place) -> House {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = Arc::new(LocalKeys::open(folder.path()).expect("keys"));
    let f = in_books(Books::open(place, "epoch-1").await.expect("opens")).await;
    let db = f.ledger.db().clone();
    let hooks = Hooks::new(db.clone(), Arc::clone(&keys), HookSettings::default(), testing::clock());
    let desk = Desk::new(db, f.device.merchant_id);
    House { f, hooks: hooks.expect("hooks"), desk, keys, _folder: folder }
}

impl House {
    async fn add(&self, id: &str, events: &[&str]) -> bool {
        let events = events.iter().map(|name| (*name).to_owned()).collect();
        let new = NewWebhook { id: id.into(), url: "https://books.example/".into(), events };
        self.desk.add_webhook(NOW, new, &self.hooks.make_secret(id).expect("makes")).await.expect("adds")
    }

    /// A payment that was stored, authorised and captured.
    async fn sell(&self, seq: u64) -> Payment {
        let payment = self.f.payment(seq);
        self.f.store(&[&payment]).await.expect("stores");
        let code = || "A1B2C3".to_owned();
        for state in [
            PaymentState::Authorising,
            PaymentState::Authorised { approval_code: code() },
            PaymentState::Capturing { approval_code: code() },
            PaymentState::Captured { approval_code: code(), at_ms: NOW + 1 },
        ] {
            self.f.apply(payment.id, vec![PaymentOp::State(state)]).await;
        }
        payment
    }

    async fn messages(&self) -> Vec<(String, Value)> {
        let text = "SELECT id, body FROM webhook_messages ORDER BY created_ms, source";
        let rows = sqlx::query(text).fetch_all(self.f.ledger.db().reader()).await.expect("reads");
        let read = |row: &sqlx::any::AnyRow| {
            let body: String = row.try_get("body").expect("text");
            (row.try_get("id").expect("text"), serde_json::from_str(&body).expect("JSON"))
        };
        rows.iter().map(read).collect()
    }

    async fn claim(&self, id: &str, now_ms: i64) -> Vec<Delivery> {
        self.hooks.claim(id.into(), now_ms, 100).await.expect("claims")
    }

    async fn end(&self, now_ms: i64, delivery: &Delivery, end: End) -> Result<(), StoreError> {
        let attempt = Attempt { end, code: "x".into(), excerpt: Some("words".into()) };
        self.hooks.end(now_ms, delivery.clone(), attempt, 0).await
    }

    async fn states(&self, id: &str) -> Vec<String> {
        let lines = self.desk.deliveries(id, (i64::MAX, String::new()), 100).await.expect("reads");
        lines.into_iter().map(|line| line.state).collect()
    }

    async fn state(&self, id: &str) -> String {
        self.desk.webhook(NOW, id).await.expect("reads").expect("is there").state
    }
}

async fn every_event_is_one_message_whoever_makes_it_and_how_often(h: House) {
    h.sell(1).await;
    assert_eq!(h.hooks.make_due().await, Ok(0), "nobody listens");
    assert!(h.add("a", &[]).await);
    let payment = h.sell(2).await;
    // Two servers at once, and one that comes late.
    let (one, two) = tokio::join!(h.hooks.make_due(), h.hooks.make_due());
    assert_eq!(one.expect("makes") + two.expect("makes"), 5);
    assert_eq!(h.hooks.make_due().await, Ok(0));
    let messages = h.messages().await;
    let kinds = messages.iter().map(|(_, body)| body["type"].as_str().expect("text")).collect::<Vec<_>>();
    let mut sorted = kinds.clone();
    sorted.sort_unstable();
    assert_eq!(
        sorted,
        ["payment.authorised", "payment.captured", "payment.received"],
        "what is before the first endpoint is not told"
    );
    let data = &messages[0].1["data"];
    assert_eq!(data["merchant_id"], h.f.device.merchant_id.to_string());
    assert_eq!(
        (&data["payment"]["id"], &data["payment"]["card"]["last4"]),
        (&payment.id.to_string().into(), &"4242".into())
    );
    assert_eq!((&data["payment"]["amount_minor"], &data["payment"]["tax_minor"]), (&1_060.into(), &98.into()));
    let mut ids = messages.iter().map(|(id, _)| id).collect::<Vec<_>>();
    ids.dedup();
    assert_eq!(ids.len(), 3);
    // Made anew from the same events, for instance from a copy, they have the same ids.
    let reset = h.f.ledger.db().write(|c| {
        Box::pin(async move {
            sqlx::query("UPDATE webhook_cursors SET last_change = 0").execute(c).await?;
            Ok(())
        })
    });
    reset.await.expect("resets");
    assert_eq!(h.hooks.make_due().await, Ok(10));
    assert_eq!(h.messages().await.len(), 6, "those of the first payment are new, the others are there");
}

async fn an_endpoint_hears_what_it_chose_from_its_beginning_on(h: House) {
    assert!(h.add("all", &[]).await && h.add("few", &["payment.captured", "payment.declined"]).await);
    h.sell(1).await;
    let refused = h.f.payment(2);
    h.f.store(&[&refused]).await.expect("stores");
    let decline = Decline { code: "51".into() };
    h.f.apply(refused.id, vec![PaymentOp::State(PaymentState::Declined { decline, at_ms: NOW })]).await;
    h.hooks.make_due().await.expect("makes");
    assert_eq!((h.claim("all", NOW + 1).await.len(), h.claim("few", NOW + 1).await.len()), (5, 2));
    let declined = h.messages().await.into_iter().find(|(_, body)| body["type"] == "payment.declined");
    assert_eq!(declined.expect("is there").1["data"]["payment"]["reason"], "51");
    assert!(h.add("late", &[]).await);
    h.hooks.make_due().await.expect("makes");
    assert!(h.claim("late", NOW + 1).await.is_empty());
    assert_eq!(h.hooks.due(NOW + 1).await, Ok(Vec::new()), "leased");
    assert_eq!(h.hooks.due(NOW + 1 + LEASE_MS).await, Ok(vec!["all".to_owned(), "few".to_owned()]));
}

async fn a_delivery_is_leased_tried_again_and_given_up(h: House) {
    h.add("a", &["payment.captured"]).await;
    h.sell(1).await;
    h.hooks.make_due().await.expect("makes");
    let first = h.claim("a", NOW + 1).await;
    assert_eq!(first.len(), 1);
    assert!(h.claim("a", NOW + LEASE_MS).await.is_empty());
    let second = h.claim("a", NOW + 1 + LEASE_MS).await;
    assert_eq!(h.end(NOW + 2, &first[0], End::Taken).await, Err(StoreError::Conflict), "its lease is over");
    let mut now_ms = NOW + 1 + LEASE_MS;
    let mut delivery = second[0].clone();
    for delay_ms in holdfast_core::limits::WEBHOOK_DELAYS_MS {
        h.end(now_ms, &delivery, End::Failed).await.expect("keeps");
        assert!(h.claim("a", now_ms + delay_ms - 1).await.is_empty(), "{delay_ms}");
        now_ms += delay_ms;
        let again = h.claim("a", now_ms).await;
        assert_eq!(again[0].message_id, first[0].message_id, "the same message");
        delivery = again[0].clone();
    }
    h.end(now_ms, &delivery, End::Failed).await.expect("keeps");
    assert_eq!(h.states("a").await, ["failed"]);
    let line = &h.desk.deliveries("a", (i64::MAX, String::new()), 9).await.expect("reads")[0];
    assert_eq!((line.attempts, line.code.as_deref(), line.excerpt.as_deref()), (8, Some("x"), Some("words")));
    assert_eq!(h.state("a").await, "on", "28 hours are not five days");
}

async fn an_endpoint_that_takes_nothing_for_long_is_switched_off_and_its_owner_told(h: House) {
    let people = People::new(h.f.ledger.db().clone(), Arc::clone(&h.keys)).expect("people");
    for (email, role) in [("ada@example.com", Role::Owner), ("bea@example.com", Role::Cashier)] {
        let person =
            NewPerson { email: email.into(), name: "x".into(), role, merchant_id: Some(h.f.device.merchant_id) };
        people.add(NOW, person).await.expect("adds");
    }
    h.add("slow", &[]).await;
    h.add("gone", &["payment.captured"]).await;
    h.sell(1).await;
    h.hooks.make_due().await.expect("makes");
    let deliveries = h.claim("slow", NOW + 1).await;
    h.end(NOW + 1, &deliveries[0], End::Failed).await.expect("keeps");
    h.end(NOW + 2, &deliveries[1], End::Taken).await.expect("keeps");
    let later = NOW + 3 + WEBHOOK_FAILING_MS_MAX;
    h.end(NOW + 3, &deliveries[2], End::Failed).await.expect("keeps");
    assert_eq!(h.state("slow").await, "on", "one was taken in between");
    for delivery in h.claim("slow", later - 1).await {
        h.end(later - 1, &delivery, End::Failed).await.expect("keeps");
    }
    assert_eq!(h.state("slow").await, "on");
    for delivery in h.claim("slow", later + 400_000).await {
        let _ = h.end(later + 400_000, &delivery, End::Failed).await;
    }
    assert_eq!(h.state("slow").await, "failed");
    assert_eq!(h.states("slow").await, ["delivered", "failed", "failed"]);
    let gone = h.claim("gone", NOW + 1).await;
    h.end(NOW + 1, &gone[0], End::Gone).await.expect("keeps");
    assert_eq!((h.state("gone").await.as_str(), h.states("gone").await), ("gone", vec!["failed".to_owned()]));
    let letters = claim(h.f.ledger.db(), NOTICE_TOPIC, later + 400_001, later + 500_000, 10).await.expect("claims");
    assert_eq!(letters.len(), 2, "one for each, and to the owner alone");
    assert!(letters.iter().all(|task| task.payload.contains("https://books.example/")));

    // What happens while it is off waits for its return.
    h.sell(2).await;
    h.hooks.make_due().await.expect("makes");
    assert_eq!(h.hooks.due(later * 2).await, Ok(Vec::new()));
    let on = WebhookChange { is_on: Some(true), ..WebhookChange::default() };
    assert!(h.desk.change_webhook(NOW, "slow", on).await.expect("changes"));
    assert_eq!(h.desk.replay(later, "slow", Replay::Since(NOW)).await, Ok(Some(6)));
}

async fn what_was_missed_can_be_sent_again_under_the_same_ids(h: House) {
    h.add("a", &["payment.captured", "payment.received"]).await;
    h.sell(1).await;
    h.hooks.make_due().await.expect("makes");
    let first = h.claim("a", NOW + 1).await;
    for delivery in &first {
        h.end(NOW + 2, delivery, End::Taken).await.expect("keeps");
    }
    assert_eq!(h.states("a").await, ["delivered", "delivered"]);
    let one = Replay::One(first[0].message_id.clone());
    assert_eq!(h.desk.replay(NOW + 3, "a", one.clone()).await, Ok(Some(1)));
    let again = h.claim("a", NOW + 3).await;
    assert_eq!(again.iter().map(|d| &d.message_id).collect::<Vec<_>>(), [&first[0].message_id]);
    assert_eq!(h.desk.replay(NOW + 4, "a", one).await, Ok(Some(0)), "it is under way");
    h.end(NOW + 4, &again[0], End::Taken).await.expect("keeps");
    assert_eq!(h.desk.replay(NOW + 5, "a", Replay::One("msg_x".into())).await, Ok(Some(0)));
    assert_eq!(
        h.desk.replay(NOW + 5, "a", Replay::Since(NOW)).await,
        Ok(Some(2)),
        "and not those that it never wanted"
    );
    assert_eq!(h.desk.replay(NOW + 5, "a", Replay::Since(NOW + 2)).await, Ok(Some(0)));
    assert_eq!(h.claim("a", NOW + 5).await.len(), 2);
    assert_eq!(h.desk.replay(NOW + 5, "x", Replay::Since(0)).await, Ok(None));
    // Pages of the list meet without a gap.
    let all = h.desk.deliveries("a", (i64::MAX, String::new()), 9).await.expect("reads");
    let rest = h.desk.deliveries("a", (all[0].created_ms, all[0].message_id.clone()), 9).await.expect("reads");
    assert_eq!(all[1..], rest[..]);
}

async fn two_secrets_sign_for_a_day(h: House) {
    h.add("a", &["payment.captured"]).await;
    h.sell(1).await;
    h.hooks.make_due().await.expect("makes");
    let delivery = h.claim("a", NOW + 1).await.remove(0);
    let secrets = async |now_ms| {
        let parcel = h.hooks.parcel(now_ms, &delivery).await.expect("reads").expect("is there");
        parcel.secrets.iter().map(|secret| secret.expose().clone()).collect::<Vec<_>>()
    };
    let first = secrets(NOW).await;
    let fresh = h.hooks.make_secret("a").expect("makes");
    assert!(h.desk.rotate_webhook(NOW, "a", &fresh).await.expect("rotates"));
    let both = secrets(NOW + 1).await;
    assert_eq!((first.len(), both.len(), &both[1]), (1, 2, &first[0]));
    assert_eq!(secrets(NOW + WEBHOOK_OVERLAP_MS).await, both[..1]);
    assert!(fresh.text.expose().starts_with("whsec_"));
    assert!(h.hooks.open_secret("b", &fresh.wrapped).is_err(), "it opens in its own row only");
}

async fn an_event_of_another_kind_is_told_with_its_own_transaction_or_not_at_all(h: House) {
    let event = |number: u8| Event {
        merchant_id: h.f.device.merchant_id,
        kind: holdfast_core::webhook::PAYOUT_PAID,
        source: format!("payout/{number}"),
        at_ms: NOW,
        data: serde_json::json!({ "payout": { "amount_minor": 5 } }),
    };
    let tell = async |event: Event, fails: bool| {
        let write = h.f.ledger.db().write(move |c| {
            Box::pin(async move {
                make::tell(c, event).await?;
                if fails { Err(StoreError::Conflict) } else { Ok(()) }
            })
        });
        write.await.is_ok()
    };
    assert!(tell(event(1), false).await && h.messages().await.is_empty(), "nobody listens");
    h.add("a", &["payout.paid"]).await;
    assert!(!tell(event(2), true).await);
    assert!(tell(event(3), false).await && tell(event(3), false).await);
    assert_eq!((h.messages().await.len(), h.claim("a", NOW).await.len()), (1, 1));
}

async fn what_is_old_is_forgotten_and_what_waits_is_not(h: House) {
    h.add("a", &["payment.captured"]).await;
    h.sell(1).await;
    h.hooks.make_due().await.expect("makes");
    h.hooks.forget(NOW + WEBHOOK_KEPT_MS - 1).await.expect("forgets");
    assert_eq!(h.messages().await.len(), 3);
    h.hooks.forget(NOW + WEBHOOK_KEPT_MS + 2).await.expect("forgets");
    assert_eq!(h.messages().await.len(), 1, "the one that waits");
    assert!(h.desk.remove_webhook("a").await.expect("removes") && !h.desk.remove_webhook("a").await.expect("asks"));
    h.hooks.forget(NOW + WEBHOOK_KEPT_MS + 2).await.expect("forgets");
    assert!(h.messages().await.is_empty());
}

async fn a_shop_has_a_few_and_another_shop_sees_none(h: House) {
    for number in 0..WEBHOOKS_MAX {
        assert!(h.add(&number.to_string(), &[]).await);
    }
    assert!(!h.add("more", &[]).await);
    let other = Desk::new(h.f.ledger.db().clone(), MerchantId::make([9; 16]));
    assert!(other.webhooks(NOW).await.expect("reads").is_empty());
    assert_eq!(other.test_webhook(NOW, "0", [1; 16]).await, Ok(None));
    assert_eq!(other.replay(NOW, "0", Replay::Since(0)).await, Ok(None));
    let change = WebhookChange { is_on: Some(false), ..WebhookChange::default() };
    assert!(!other.change_webhook(NOW, "0", change).await.expect("asks"));
    assert!(!other.remove_webhook("0").await.expect("asks"));
    assert!(!other.rotate_webhook(NOW, "0", &h.hooks.make_secret("0").expect("makes")).await.expect("asks"));
    assert!(h.desk.test_webhook(NOW, "0", [1; 16]).await.expect("asks").is_some());
    assert_eq!((h.state("0").await.as_str(), h.claim("0", NOW).await.len()), ("on", 1));
}
