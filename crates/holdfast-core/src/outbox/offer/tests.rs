//! A till in memory against a server that answers as it likes.

use super::*;

fn stone(n: u8, epoch: &str) -> Stone {
    Stone { id: PaymentId::make(i64::from(n), [n; 10]), hash: RecordHash([n; 32]), epoch: epoch.to_owned() }
}

fn answer(stone: &Stone, standing: StoneStanding) -> StoneAnswer {
    StoneAnswer { id: stone.id, hash: stone.hash, standing, epoch: "e2".to_owned() }
}

/// A till's tombstones, and the epoch to which all were offered.
struct Till {
    stones: Vec<Stone>,
    offered: Option<String>,
}

impl Till {
    fn drive(&mut self, mut server: impl FnMut(&[Stone]) -> Vec<StoneAnswer>) -> Option<(OfferOutcome, OfferSummary)> {
        let mut step = Offer::start("e2", self.offered.as_deref())?;
        loop {
            match step {
                OfferStep::End(outcome, summary) => return Some((outcome, summary)),
                OfferStep::Ask(offer, request) => {
                    let response = match request {
                        OfferRequest::List => OfferResponse::Stones(self.stones.clone()),
                        OfferRequest::Send(batch) => OfferResponse::Answers(server(&batch)),
                        OfferRequest::Mark { epoch, answers } => {
                            for (marked, _) in answers {
                                let of = |s: &&mut Stone| s.id == marked.id && s.hash == marked.hash;
                                self.stones.iter_mut().filter(of).for_each(|s| s.epoch.clone_from(&epoch));
                            }
                            OfferResponse::Done
                        }
                        OfferRequest::Remember { epoch } => {
                            self.offered = Some(epoch);
                            OfferResponse::Done
                        }
                    };
                    step = offer.next(response);
                }
            }
        }
    }
}

fn till(count: u8, epoch: &str) -> Till {
    Till { stones: (1..=count).map(|n| stone(n, epoch)).collect(), offered: Some("e1".to_owned()) }
}

#[test]
fn a_server_of_the_same_epoch_is_asked_nothing() {
    assert!(Offer::start("e1", Some("e1")).is_none());
    assert!(Offer::start("", Some("e1")).is_none(), "an epoch that was not heard is no change");
}

#[test]
fn every_tombstone_of_before_is_offered_once_in_bounded_requests() {
    let mut till = till(120, "e1");
    till.stones.push(stone(200, "e2"));
    let mut seen: Vec<usize> = Vec::new();
    let run = till.drive(|batch| {
        seen.push(batch.len());
        assert!(batch.iter().all(|s| s.epoch == "e1"), "what this server acknowledged itself is not offered");
        let lost = stone(7, "e1").id;
        let standing = |s: &Stone| if s.id == lost { StoneStanding::Missing } else { StoneStanding::Known };
        batch.iter().rev().map(|s| answer(s, standing(s))).collect()
    });
    let (outcome, summary) = run.expect("runs");
    assert_eq!((outcome, summary.known_count, summary.missing), (OfferOutcome::Offered, 119, vec![stone(7, "").id]));
    assert_eq!((seen, till.offered.as_deref()), (vec![50, 50, 20], Some("e2")));
    assert!(till.drive(|_| panic!("asked again")).is_none());
}

#[test]
fn only_an_answer_with_id_hash_and_epoch_counts_and_what_was_not_answered_is_offered_again() {
    let other_hash = |s: &Stone| StoneAnswer { hash: RecordHash([99; 32]), ..answer(s, StoneStanding::Known) };
    let other_epoch = |s: &Stone| StoneAnswer { epoch: "e3".to_owned(), ..answer(s, StoneStanding::Known) };
    let foreign = |_: &Stone| answer(&stone(200, "e1"), StoneStanding::Known);
    let forgeries: [&dyn Fn(&Stone) -> StoneAnswer; 3] = [&other_hash, &other_epoch, &foreign];
    for forge in forgeries {
        let mut till = till(2, "e1");
        let (outcome, summary) = till.drive(|batch| batch.iter().map(forge).collect()).expect("runs");
        assert_eq!((outcome, summary), (OfferOutcome::Later, OfferSummary::default()));
        assert!(till.stones.iter().all(|s| s.epoch == "e1") && till.offered.as_deref() == Some("e1"));
    }
    let mut till = till(3, "e1");
    let one = |batch: &[Stone]| batch.iter().take(1).map(|s| answer(s, StoneStanding::Known)).collect::<Vec<_>>();
    assert_eq!(till.drive(one).map(|(outcome, _)| outcome), Some(OfferOutcome::Later));
    let all = |batch: &[Stone]| batch.iter().map(|s| answer(s, StoneStanding::Known)).collect::<Vec<_>>();
    let (outcome, summary) = till.drive(all).expect("runs");
    assert_eq!((outcome, summary.known_count), (OfferOutcome::Offered, 2));
}

#[test]
fn a_store_that_fails_is_no_reason_to_remember() {
    let Some(OfferStep::Ask(offer, OfferRequest::List)) = Offer::start("e2", None) else { panic!("lists first") };
    assert!(matches!(offer.next(OfferResponse::Failed), OfferStep::End(OfferOutcome::Later, _)));
}
