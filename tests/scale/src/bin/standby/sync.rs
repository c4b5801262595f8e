//! Synchronous standbys, promoted twice while tills upload.

use crate::cluster::Cluster;
use holdfast_contract_tests::{Server, Till};
use holdfast_core::outbox::StoneStanding;
use holdfast_scale_tests::judge::{self, Tally};
use holdfast_scale_tests::load::{self, Acked, Load, Sold};
use holdfast_scale_tests::offer::offer;
use holdfast_test_postgres::Stop;
use std::collections::BTreeSet;

/// Payments that are stored before anything happens to a primary.
const BEFORE: usize = 40;
/// Uploads without an answer before a standby is promoted.
const TROUBLE: usize = 3;

/// The epoch on a timeline.
pub fn epoch(first: &str, timeline: u32) -> String {
    if timeline == 1 { first.to_owned() } else { format!("{first}.{timeline}") }
}

pub fn run(tally: &mut Tally, cluster: Cluster, tills: Vec<Till>, server: &Server) -> (Cluster, Vec<Sold>) {
    let first = tills[0].enrolment.epoch.clone();
    let load = Load::start(tills);
    let cluster = lose_and_promote(tally, cluster, &load, &first, (1, Stop::Immediate));
    let cluster = lose_and_promote(tally, cluster, &load, &first, (2, Stop::Power));
    load.wait_for_more(&epoch(&first, 3), BEFORE);
    let sold = load.end();

    let unnoticed = (load::repeated(&sold) == 0).then(|| "no upload had to be repeated".to_owned());
    tally.check("primaries were lost in the middle of uploads", unnoticed.into_iter().collect());
    judge::nothing_is_lost(tally, &sold, server);
    let heard: BTreeSet<String> = sold.iter().flat_map(|s| s.acknowledged.iter().map(|a| a.epoch.clone())).collect();
    let expected: BTreeSet<String> = (1..=3).map(|timeline| epoch(&first, timeline)).collect();
    let other = (heard != expected).then(|| format!("{heard:?}"));
    tally.check("tills hear another epoch after every promotion", other.into_iter().collect());
    tally.check("the servers know every payment that tills offer them again", not_known(&sold, &epoch(&first, 3)));
    (cluster, sold)
}

/// Loses the primary in the middle of uploads, promotes its standby and gives that another one.
fn lose_and_promote(
    tally: &mut Tally,
    mut cluster: Cluster,
    load: &Load,
    first: &str,
    (timeline, how): (u32, Stop),
) -> Cluster {
    load.wait_for_more(&epoch(first, timeline), BEFORE);
    cluster.lose_primary(how);
    load.wait_for_trouble(TROUBLE);
    let promoted = cluster.promote();
    // It waits for a standby in its turn: nothing may be acknowledged before there are two copies again.
    promoted.wait_for_waiting();
    let early = load.acknowledged_in(&epoch(first, timeline + 1));
    let early = (early > 0).then(|| format!("{early} payments"));
    tally.check("nothing is acknowledged while there is no standby", early.into_iter().collect());
    promoted.with_standby()
}

/// What tills were told in another epoch than this one and a server does not know of now.
fn not_known(sold: &[Sold], now: &str) -> Vec<String> {
    let of = |sold: &Sold| {
        let old: Vec<&Acked> = sold.acknowledged.iter().filter(|acked| acked.epoch != now).collect();
        let answers = offer(&sold.till, &old);
        let known = answers.iter().filter(|a| a.standing == StoneStanding::Known && a.epoch == now);
        let known: BTreeSet<String> = known.map(|answer| answer.id.to_string()).collect();
        old.into_iter().map(|acked| judge::id_of(acked).to_owned()).filter(|id| !known.contains(id)).collect::<Vec<_>>()
    };
    sold.iter().flat_map(of).collect()
}
