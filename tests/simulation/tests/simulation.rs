//! What the simulation promises of itself: a seed replays exactly, all is well without a planted bug, and a planted bug shows.
//! The many seeds and every planted bug are run by the binary.

use holdfast_simulation::{Options, Plant, run};

#[test]
fn a_seed_replays_exactly() {
    for seed in [1, 2, 3, 77] {
        let (one, two) = (run(seed, Options { keeps_trace: true, plant: None }), run(seed, Options::default()));
        assert_eq!(one.trace_hash, two.trace_hash, "seed {seed}");
        assert_eq!(one.figures, two.figures, "seed {seed}");
        assert!(one.trace.ends_with(&two.trace), "the last lines are the last of all");
    }
    assert_ne!(run(1, Options::default()).trace_hash, run(2, Options::default()).trace_hash);
}

#[test]
fn a_seed_replays_in_another_thread() {
    let here = run(5, Options::default());
    let there = std::thread::spawn(|| run(5, Options::default())).join().expect("the other run");
    assert_eq!(here.trace_hash, there.trace_hash);
}

#[test]
fn nothing_is_lost_and_nothing_is_taken_twice() {
    let mut captured = 0;
    for seed in 10_000..10_012 {
        let outcome = run(seed, Options::default());
        assert_eq!(outcome.violations, Vec::<String>::new(), "seed {seed}: {:#?}", outcome.trace);
        captured += outcome.figures.get("payments captured");
    }
    assert!(captured > 50, "a world in which nothing is sold proves nothing: {captured}");
}

#[test]
fn a_planted_bug_shows() {
    for plant in [Plant::DeleteBeforeAck, Plant::AckBeforeCommit] {
        let caught =
            (1..20).any(|seed| !run(seed, Options { plant: Some(plant), keeps_trace: false }).violations.is_empty());
        assert!(caught, "{plant}");
    }
}
