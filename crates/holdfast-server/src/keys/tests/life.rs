//! Rotation in an emergency, the self-test, signers that come and go, and the log that tells it all.

use super::*;
use crate::keys::KeyError;
use crate::store::{KeyWrite, care};
use holdfast_core::keys::Scope;
use holdfast_core::limits::SIGNER_LIFE_MS;
use holdfast_wire::keylog::{KeyLogEntry, first_break};

impl House {
    async fn log(&self) -> Vec<KeyLogEntry> {
        let log = self.ledger.key_log().await.expect("reads");
        assert_eq!(first_break(None, &log), None);
        log
    }

    async fn events(&self, kid: &str) -> Vec<String> {
        self.log().await.into_iter().filter(|line| line.kid == kid).map(|line| line.event).collect()
    }

    fn remove_root(&self) {
        std::fs::remove_file(self.folder.path().join("root.private.json")).expect("removes");
    }
}

#[tokio::test]
async fn a_rotation_is_served_at_once_also_by_a_server_that_did_not_make_it() {
    let house = house().await;
    let keyring = house.keyring(NOW).await;
    let other = house.keyring(NOW).await;
    let first = card_kid(utc_day(NOW));
    let version = keyring.rotate(NOW + 1, Scope::Today, "a laptop with a copy was stolen").await.expect("rotates");
    let set = verified(house.folder.path(), &keyring, version);
    assert_eq!(set.card_keys[0].kid, format!("{first}-2"));
    assert_eq!(set.card_key_at(NOW + 1).map(|key| key.kid.clone()), Some(format!("{first}-2")));
    assert!(!kids(&set).contains(&first));
    other.refresh().await.expect("looks");
    assert_eq!(other.published(), keyring.published());
    assert_eq!(house.events(&first).await, ["created", "withdrawn"]);
    assert!(house.log().await.iter().any(|line| line.reason == "a laptop with a copy was stolen"));
    // What tills that are offline seal with it still opens, until its own time is over.
    let refused = house.card_keys().content_key(&first, &[1; 384]).await.err();
    assert_eq!(refused, Some(CardKeyFault::Refused), "it is there, and this is no envelope");
    keyring.sweep((utc_day(NOW) + 1) * DAY_MS + WINDOW_MS_MAX + KEY_MARGIN_MS).await.expect("sweeps");
    assert_eq!(house.events(&first).await, ["created", "withdrawn", "destroyed", "erased"]);
}

#[tokio::test]
async fn books_that_come_from_a_copy_go_on_above_the_lost_ones_and_give_no_name_twice() {
    let house = house().await;
    let keyring = house.keyring(NOW).await;
    keyring.sweep(NOW).await.expect("sweeps");
    let (at, copy) = (house.folder.path().join("books.sqlite"), house.folder.path().join("copy.sqlite"));
    care::backup(&at, &copy).await.expect("copies");
    // After the copy: a rotation, a new day, and a till that takes what is published then.
    keyring.rotate(NOW + 60_000, Scope::Today, "drill").await.expect("rotates");
    keyring.sweep(NOW + DAY_MS).await.expect("sweeps");
    let lost = verified(house.folder.path(), &keyring, 0);
    house.ledger.close().await;

    care::put_back(&copy, &at, "epoch-2", NOW + DAY_MS).await.expect("restores");
    let ledger = Books::open(&Place::Sqlite(at), "unused").await.expect("opens");
    let again = House { ledger: Arc::new(ledger), ..house };
    // Nothing is missing on the day of the copy, and it publishes all the same.
    for later in [NOW + DAY_MS + 60_000, NOW + 2 * DAY_MS] {
        let keyring = again.keyring(later).await;
        keyring.sweep(later).await.expect("sweeps");
        let set = verified(again.folder.path(), &keyring, lost.version);
        assert!(set.version > lost.version, "{} after {}", set.version, lost.version);
        for key in &set.card_keys {
            let other = lost.card_keys.iter().find(|other| other.kid == key.kid && other.n != key.n);
            assert_eq!(other.map(|other| &other.kid), None, "another key under a name that tills know");
        }
        keyring.sweep(later + 1).await.expect("sweeps");
        assert_eq!(keyring.published().expect("a set").version, set.version, "once is enough");
    }
}

#[tokio::test]
async fn the_self_test_tells_a_key_that_does_not_open() {
    let house = house().await;
    let keyring = house.keyring(NOW).await;
    keyring.sweep(NOW).await.expect("sweeps");
    assert!(!keyring.health(NOW).await.expect("health").is_well(NOW), "not tested yet");
    keyring.self_test_if_due(NOW).await.expect("tests");
    let health = keyring.health(NOW).await.expect("health");
    assert!(health.is_well(NOW), "{health:?}");
    assert_eq!(health.self_test.map(|test| test.opened_count), Some(8));
    assert_eq!((health.ahead_count, health.in_use_count, health.accepting_count), (7, 1, 0));
    keyring.self_test_if_due(NOW + 1).await.expect("is not due");
    assert_eq!(house.events("self-test").await, ["passed"]);

    // A handle that is damaged: another key-encryption key, a bad restore.
    let kid = "card-2030-01-01".to_owned();
    let times = holdfast_core::keys::KeyTimes::of_day(utc_day(NOW));
    let n = crate::testing::card_key().n.clone();
    let damaged = KeyWrite::CardKey { kid: kid.clone(), n, e: "AQAB".into(), handle: b"v1.damaged".to_vec(), times };
    house.ledger.write_keys(NOW, vec![damaged]).await.expect("writes");
    let again = house.keyring(NOW + DAY_MS).await;
    again.self_test_if_due(NOW + DAY_MS).await.expect("tests");
    let health = again.health(NOW + DAY_MS).await.expect("health");
    assert!(!health.is_well(NOW + DAY_MS));
    assert!(health.self_test.is_some_and(|test| test.failed.iter().any(|(failed, _)| *failed == kid)));
    assert_eq!(house.events("self-test").await, ["passed", "failed"]);
    assert!(house.log().await.iter().any(|line| line.event == "failed" && line.reason.contains(&kid)));
}

#[tokio::test]
async fn a_signer_without_a_root_at_hand_is_used_until_its_end() {
    let house = house().await;
    let keyring = house.keyring(NOW).await;
    keyring.sweep(NOW).await.expect("sweeps");
    house.remove_root();
    let near_its_end = NOW + SIGNER_LIFE_MS - 3 * DAY_MS;
    keyring.sweep(near_its_end).await.expect("signs with what there is");
    let set = verified(house.folder.path(), &keyring, seconds(NOW) + 2);
    assert_eq!(kids(&set), days(near_its_end, 8));
    let over = keyring.sweep(NOW + SIGNER_LIFE_MS + 1).await;
    assert!(matches!(over, Err(KeyError::Root(_))), "{over:?}");
    let health = keyring.health(NOW + SIGNER_LIFE_MS + 1).await.expect("health");
    assert!(health.last_error.is_some_and(|said| said.contains("root.private.json")));
}

#[tokio::test]
async fn a_signer_that_is_superseded_is_destroyed() {
    let house = house().await;
    let keyring = house.keyring(NOW).await;
    let old = house.ledger.newest_signer().await.expect("reads").expect("is there").kid;
    let later = NOW + SIGNER_LIFE_MS - 10 * DAY_MS;
    keyring.sweep(later).await.expect("sweeps");
    let signers = house.ledger.signers().await.expect("reads");
    assert_eq!(signers.len(), 2);
    assert!(signers[0].kid != old && !signers[0].private.is_empty());
    assert!(signers[1].kid == old && signers[1].private.is_empty());
    assert_eq!(house.events(&old).await, ["created", "destroyed"]);
    verified(house.folder.path(), &keyring, 1);
}

#[tokio::test]
async fn every_set_carries_where_the_log_stood_and_nobody_can_change_a_line() {
    let house = house().await;
    let keyring = house.keyring(NOW).await;
    keyring.sweep(NOW).await.expect("sweeps");
    keyring.sweep(NOW + DAY_MS).await.expect("sweeps");
    let log = house.log().await;
    let heads: Vec<_> = house
        .ledger
        .key_sets()
        .await
        .expect("reads")
        .into_iter()
        .map(|row| KeySet::parse(&row.jws).expect("a set").accept(true).expect("a set").log.expect("a head"))
        .collect();
    assert_eq!(heads.len(), 3);
    for head in heads {
        let line = log.iter().find(|line| line.n == head.n).expect("a line");
        assert_eq!(line.head(), head);
    }
    let from_four = house.ledger.key_log_after(4, 3).await.expect("reads");
    assert_eq!(from_four, log[4..7]);
    assert_eq!(first_break(Some(&log[3].head()), &from_four), None);
}
