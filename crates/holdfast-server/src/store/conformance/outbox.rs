//! The outbox on a database.

use super::*;
use crate::store::outbox::{self, NewTask, Task, Topic};

const TOPICS: &[Topic] =
    &[Topic { name: "all", on: |_| true }, Topic { name: "captured", on: |state| state.name() == "captured" }];

impl Fixture<Books> {
    async fn claim(&self, topic: &'static str, now_ms: i64, lease_until_ms: i64) -> Vec<Task> {
        outbox::claim(self.ledger.db(), topic, now_ms, lease_until_ms, 10).await.expect("claims")
    }

    async fn done(&self, task: &Task) -> bool {
        let task = task.clone();
        self.ledger.db().write(move |c| Box::pin(async move { outbox::done(c, &task).await })).await.expect("writes")
    }

    async fn again(&self, task: &Task, due_ms: i64) -> bool {
        let task = task.clone();
        self.ledger
            .db()
            .write(move |c| Box::pin(async move { outbox::again(c, &task, due_ms).await }))
            .await
            .expect("writes")
    }
}

pub async fn a_change_leaves_a_task_for_each_topic_that_asked(mut f: Fixture<Books>) {
    f.ledger = f.ledger.with_topics(TOPICS);
    let payment = f.payment(1);
    f.store(&[&payment]).await.expect("stores");
    assert!(f.claim("captured", NOW, NOW + 5).await.is_empty());
    let state = PaymentState::Captured { approval_code: "A1B2C3".into(), at_ms: NOW + 1 };
    let kept = f.apply(payment.id, vec![PaymentOp::State(state)]).await;
    let told = f.claim("captured", NOW + 1, NOW + 5).await;
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].payment_id, told[0].merchant_id), (Some(payment.id), f.device.merchant_id));
    assert_eq!(told[0].key, format!("{}/{}", payment.id, kept.change));
    let payload: serde_json::Value = serde_json::from_str(&told[0].payload).expect("reads");
    assert_eq!((&payload["state"], &payload["amount_minor"]), (&"captured".into(), &1_060.into()));
    assert_eq!(f.claim("all", NOW + 1, NOW + 5).await.len(), 2);
    let change = f.read(payment.id).await.change;
    let late = f.ledger.apply(NOW, payment.id, change - 1, vec![PaymentOp::State(PaymentState::Received)]).await;
    assert_eq!(late, Err(StoreError::Conflict));
    assert!(f.claim("all", NOW + 1, NOW + 5).await.is_empty(), "what was not written is not told");
}

pub async fn a_task_is_done_by_whoever_holds_its_lease(f: Fixture<Books>) {
    let new = NewTask {
        topic: "mail",
        key: "one".into(),
        merchant_id: f.device.merchant_id,
        payment_id: None,
        payload: "{}".into(),
        due_ms: NOW,
    };
    for payload in ["{}", "another"] {
        let again = NewTask { payload: payload.into(), ..new.clone() };
        let add = f.ledger.db().write(move |c| Box::pin(async move { outbox::add(c, &again).await }));
        add.await.expect("adds");
    }
    assert!(f.claim("mail", NOW - 1, NOW + 5).await.is_empty(), "not due");
    assert!(f.claim("other", NOW, NOW + 5).await.is_empty(), "another topic");
    let first = f.claim("mail", NOW, NOW + 5).await;
    assert_eq!((first.len(), first[0].payload.as_str(), first[0].failures), (1, "{}", 0));
    assert!(f.claim("mail", NOW + 4, NOW + 9).await.is_empty(), "leased");
    let second = f.claim("mail", NOW + 5, NOW + 10).await;
    assert!(!f.done(&first[0]).await && !f.again(&first[0], NOW).await, "its lease is over");
    assert!(f.again(&second[0], NOW + 7).await);
    assert!(f.claim("mail", NOW + 6, NOW + 20).await.is_empty());
    let third = f.claim("mail", NOW + 7, NOW + 20).await;
    assert_eq!(third[0].failures, 1);
    assert!(f.done(&third[0]).await);
    assert!(f.claim("mail", NOW + 99, NOW + 100).await.is_empty());
}

pub async fn lines_that_stay_are_guarded_by_the_database(f: Fixture<Books>) {
    f.store(&[&f.payment(1)]).await.expect("stores");
    for text in ["DELETE FROM payment_events", "UPDATE payment_events SET amount_minor = 1"] {
        let write = f.ledger.db().write(move |c| {
            Box::pin(async move {
                sqlx::query(text).execute(c).await?;
                Ok(())
            })
        });
        let said = write.await.expect_err("is refused").to_string();
        assert!(said.contains("append only"), "{said}");
    }
    assert_eq!(f.ledger.events_after(f.device.merchant_id, 0, 10).await.expect("reads").len(), 1);
}
