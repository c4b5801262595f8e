//! The audit is silent when all is well, and names whatever was changed behind its back.

use super::*;
use crate::keys::audit::{Evidence, Finding, gather, judge};
use crate::keys::store::HeldHandle;
use holdfast_core::keys::Scope;

type Edit = fn(&mut Evidence);

fn wrongs(evidence: &Evidence) -> Vec<String> {
    let wrong = |finding| if let Finding::Wrong(text) = finding { Some(text) } else { None };
    judge(evidence).into_iter().filter_map(wrong).collect()
}

#[tokio::test]
async fn what_was_changed_is_named() {
    let house = house().await;
    let keyring = house.keyring(NOW).await;
    keyring.sweep(NOW).await.expect("sweeps");
    keyring.rotate(NOW + 1, Scope::Today, "drill").await.expect("rotates");
    let later = (utc_day(NOW) + 1) * DAY_MS + WINDOW_MS_MAX + KEY_MARGIN_MS;
    keyring.sweep(later).await.expect("sweeps");
    let good = gather(&house.ledger, &house.material(), later).await.expect("reads");
    assert_eq!(judge(&good), vec![]);
    assert!(good.card_keys.iter().any(|key| key.is_destroyed()) && good.sets.len() >= 4);

    let edits: [(&str, Edit); 17] = [
        ("does not follow from the one before", |e| e.log[3].reason.push('!')),
        ("does not follow from the one before", |e| drop(e.log.remove(2))),
        ("signed over another key log", |e| rewrite(e, 2)),
        ("was published, and it is not there", |e| drop(e.sets.remove(0))),
        ("does not bear its signer's signature", |e| e.sets[1].jws = damaged(&e.sets[1].jws)),
        ("says another version inside", |e| {
            let older = e.sets[0].jws.clone();
            e.sets[1].jws = older;
        }),
        ("publishes another card-", |e| e.card_keys[1].n = crate::testing::card_key().n.clone()),
        ("which no book has", |e| drop(e.card_keys.remove(1))),
        ("no book has it", |e| drop(e.card_keys.remove(1))),
        ("breaks the order of its times", |e| e.card_keys[1].times.accept_until_ms -= 1),
        ("is destroyed according to only one", |e| e.card_keys[0].handle = Some(b"v1.again".to_vec())),
        ("is destroyed according to only one", |e| e.card_keys[5].handle = None),
        ("was destroyed before its time", |e| e.card_keys[0].destroyed_ms = Some(1)),
        ("was withdrawn according to only one", |e| e.card_keys[0].withdrawn_ms = None),
        ("still in its store", |e| {
            e.held.push(HeldHandle { kid: e.card_keys[0].kid.clone(), handle: b"p11.0".to_vec() });
        }),
        ("should be in the token", |e| e.card_keys[5].handle = Some(b"p11.1".to_vec())),
        ("no root that is known", |e| e.signers[0].cert = damaged(&e.signers[0].cert)),
    ];
    for (expected, edit) in edits {
        let mut evidence = good.clone();
        edit(&mut evidence);
        let found = wrongs(&evidence);
        assert!(found.iter().any(|text| text.contains(expected)), "{expected}: {found:?}");
    }
    let mut overdue = good.clone();
    overdue.now_ms += 40 * DAY_MS;
    assert!(wrongs(&overdue).iter().any(|text| text.contains("was not destroyed")));
}

/// Writes a line anew and binds all lines after it to it: only a signed key set can tell.
fn rewrite(evidence: &mut Evidence, at: usize) {
    evidence.log[at].at_ms -= 1;
    for n in at + 1..evidence.log.len() {
        evidence.log[n].prev = evidence.log[n - 1].hash();
    }
}

fn damaged(jws: &str) -> String {
    let (input, signature) = jws.rsplit_once('.').expect("a JWS");
    let first = if signature.starts_with('A') { 'B' } else { 'A' };
    format!("{input}.{first}{}", &signature[1..])
}
