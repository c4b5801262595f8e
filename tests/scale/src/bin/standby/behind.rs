//! The control: an asynchronous standby that has fallen behind is promoted. What it never heard of must be noticed as lost, and be named.

use crate::cluster::Cluster;
use crate::owner::Owner;
use crate::sync::epoch;
use holdfast_contract_tests::{Server, Till};
use holdfast_core::outbox::StoneStanding;
use holdfast_scale_tests::judge::{self, Tally, id_of};
use holdfast_scale_tests::load::{Acked, Load, Sold};
use holdfast_scale_tests::offer::offer;
use holdfast_test_postgres::Stop;
use std::collections::BTreeSet;
use std::path::Path;

/// Payments that the standby does not hear of, and payments that are stored after its promotion.
const UNHEARD: usize = 40;
const AFTER: usize = 20;
/// What a till still has sealed of what was lost.
const KEPT: usize = 2;

pub fn run(tally: &mut Tally, cluster: Cluster, before: Vec<Sold>, server: &Server, data: &Path) -> Cluster {
    let first = before[0].till.enrolment.epoch.clone();
    let (then, now) = (epoch(&first, 3), epoch(&first, 4));
    let (tills, kept): (Vec<Till>, Vec<Vec<Acked>>) = before.into_iter().map(|s| (s.till, s.acknowledged)).unzip();
    let (cluster, mut sold) = fall_behind_and_promote(cluster, tills, &then, &now);
    tally.check("tills were answered by the protocol again", sold.iter().flat_map(|s| s.wrong.clone()).collect());
    for (sold, kept) in sold.iter_mut().zip(kept) {
        sold.acknowledged.splice(0..0, kept);
    }

    let is_new = |acked: &&Acked| acked.epoch == now;
    let new: BTreeSet<&str> = sold.iter().flat_map(|s| s.acknowledged.iter().filter(is_new)).map(id_of).collect();
    let states = judge::settled(&sold[0].till, &new);
    let gone = |id: &&str| !states.contains_key(*id);
    let lost: BTreeSet<&str> = judge::acknowledged(&sold).into_iter().filter(gone).collect();
    println!("{} acknowledged payments are lost with the primary", lost.len());
    let unnoticed = (lost.len() < UNHEARD).then(|| format!("only {}", lost.len()));
    tally.check(
        "the control: a standby that fell behind loses payments, and that is seen",
        unnoticed.into_iter().collect(),
    );
    let new_lost = new.iter().copied().filter(|id| lost.contains(id)).map(str::to_owned);
    tally.check("nothing is lost of what was acknowledged after the promotion", new_lost.collect());

    tally.check("tills are told of each payment whether it is missing", wrongly_told(&sold, &lost, &now));
    let owner = Owner::sign_in(server, data, &cluster.address());
    tally.check("the owner is named every lost payment, and no other", wrongly_named(&owner, &lost));
    let again = hand_in_again(tally, &sold, &lost, server);
    let still = lost.iter().copied().filter(|id| !again.contains(id)).collect();
    tally.check("what was handed in again is missing no more", wrongly_named(&owner, &still));
    let twice = judge::captures(server).into_iter().filter(|(_, count)| *count > 1).map(|(id, _)| id);
    tally.check("the acquirer captured nothing twice", twice.collect());
    cluster
}

fn fall_behind_and_promote(mut cluster: Cluster, tills: Vec<Till>, then: &str, now: &str) -> (Cluster, Vec<Sold>) {
    cluster.relax();
    cluster.standby.fall_behind().expect("the standby is cut off");
    let load = Load::start(tills);
    load.wait_for_more(then, UNHEARD);
    cluster.lose_primary(Stop::Power);
    load.wait_for_trouble(1);
    let cluster = cluster.promote().0;
    load.wait_for_more(now, AFTER);
    (cluster, load.end())
}

/// Answers to the tombstones of older epochs that are not as the books stand.
fn wrongly_told(sold: &[Sold], lost: &BTreeSet<&str>, now: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for sold in sold {
        let old: Vec<&Acked> = sold.acknowledged.iter().filter(|acked| acked.epoch != now).collect();
        let answers = offer(&sold.till, &old);
        for acked in old {
            let id = id_of(acked);
            let told = answers.iter().find(|answer| answer.id.to_string() == id && answer.epoch == now);
            let is_missing = told.map(|answer| answer.standing == StoneStanding::Missing);
            if is_missing != Some(lost.contains(id)) {
                wrong.push(format!("{id}: missing {is_missing:?}"));
            }
        }
    }
    wrong
}

fn wrongly_named(owner: &Owner, lost: &BTreeSet<&str>) -> Vec<String> {
    let named = owner.missing();
    let too_many = named.iter().filter(|id| !lost.contains(id.as_str())).cloned();
    too_many.chain(lost.iter().filter(|id| !named.contains(**id)).map(|id| format!("not {id}"))).collect()
}

/// A till that still has some of them sealed hands them in again. The acquirer may have captured them, and is asked first.
fn hand_in_again<'a>(tally: &mut Tally, sold: &'a [Sold], lost: &BTreeSet<&str>, server: &Server) -> BTreeSet<&'a str> {
    let (mut again, mut wrong) = (BTreeSet::new(), Vec::new());
    for sold in sold {
        for acked in sold.acknowledged.iter().filter(|acked| lost.contains(id_of(acked))).take(KEPT) {
            let said = sold.till.upload_one(&acked.payment);
            let state = sold.till.settled(id_of(acked)).state;
            let captured = server.captured(id_of(acked)).0;
            if (said.as_str(), state.as_str(), captured) != ("stored", "captured", 1) {
                wrong.push(format!("{}: {said}, {state}, captured {captured} times", id_of(acked)));
            }
            again.insert(id_of(acked));
        }
    }
    tally.check("what a till still has goes in again and is captured once", wrong);
    again
}
