//! Each cap by itself, what a manager may lift, and what holds for any policy at all.

use super::*;
use crate::policy::Caps;
use proptest::prelude::*;

const HOUR: i64 = 3_600_000;
const NOW: UnixMs = 1_795_392_000_000;

fn policy() -> Policy {
    let caps = Caps {
        payment_minor_max: 100_000,
        keyed_minor_max: 20_000,
        total_minor_max: 150_000,
        day_minor_max: 400_000,
        card_minor_max: 120_000,
        unkept_minor_max: 50_000,
    };
    Policy { brands: vec![Brand::Visa, Brand::Mastercard], ..Policy::new(72 * HOUR, caps) }
}

fn swiped(minor: i64) -> Asked {
    Asked { minor, brand: Brand::Visa, entry: Entry::Swipe, chip: false }
}

fn held(total_minor: i64) -> Held {
    Held { waiting: Waiting { count: 1, total_minor }, is_kept: true, ..Held::default() }
}

fn approval(amount_minor: i64) -> Override {
    Override { by: "m-1".into(), amount_minor, at_ms: NOW }
}

#[test]
fn each_cap_holds_to_the_last_unit_and_says_its_figure() {
    use PolicyRefusal as R;
    let keyed = |minor| Asked { entry: Entry::Keyed, ..swiped(minor) };
    let full = Held { waiting: Waiting { count: WAITING_PAYMENTS_MAX, total_minor: 0 }, ..held(0) };
    let card = Held { card_minor: 60_000, ..held(0) };
    let day = Held { day_minor: 350_000, ..held(0) };
    let unkept = Held { is_kept: false, ..held(0) };
    for (asked, held, refusal) in [
        (swiped(100_000), held(0), None),
        (swiped(0), held(0), Some(R::NothingToPay)),
        (swiped(-1), held(0), Some(R::NothingToPay)),
        (swiped(100_001), held(0), Some(R::AbovePayment { minor_max: 100_000 })),
        (keyed(20_000), held(0), None),
        (keyed(20_001), held(0), Some(R::AboveKeyed { minor_max: 20_000 })),
        (swiped(50_000), held(100_000), None),
        (swiped(50_001), held(100_000), Some(R::AboveTotal { minor_max: 150_000 })),
        (swiped(60_000), card, None),
        (swiped(60_001), card, Some(R::AboveCard { minor_max: 120_000 })),
        (swiped(50_000), day, None),
        (swiped(50_001), day, Some(R::AboveDay { minor_max: 400_000 })),
        (swiped(50_000), unkept, None),
        (swiped(50_001), unkept, Some(R::Unkept { minor_max: 50_000 })),
        (Asked { brand: Brand::Amex, ..swiped(1) }, held(0), Some(R::Brand)),
        (swiped(1), full, Some(R::TooMany)),
    ] {
        assert_eq!(policy().admit(asked, held, None, NOW).err(), refusal, "{asked:?} {held:?}");
    }
}

#[test]
fn a_swiped_chip_is_flagged_or_refused_as_the_shop_says() {
    let chip = Asked { chip: true, ..swiped(5) };
    let flags = policy().admit(chip, held(0), None, NOW).map(|a| a.is_flagged);
    assert_eq!((flags, policy().admit(swiped(5), held(0), None, NOW).map(|a| a.is_flagged)), (Ok(true), Ok(false)));
    let strict = Policy { swiped_chip: SwipedChip::Refuse, ..policy() };
    assert_eq!(strict.admit(chip, held(0), None, NOW), Err(PolicyRefusal::SwipedChip));
    let lifted = strict.admit(chip, held(0), Some(&approval(5)), NOW).map(|a| a.lifted);
    assert_eq!(lifted, Ok(vec![PolicyRefusal::SwipedChip]));
}

#[test]
fn a_manager_lifts_caps_and_every_one_is_written_down_but_not_what_the_device_could_lose() {
    let keyed = Asked { entry: Entry::Keyed, ..swiped(130_000) };
    let all = policy().admit(keyed, held(100_000), Some(&approval(130_000)), NOW).map(|a| a.lifted);
    let names: Vec<&str> = all.expect("let through").into_iter().map(PolicyRefusal::name).collect();
    assert_eq!(names, ["above-payment", "above-keyed", "above-card", "above-total"]);
    for (asked, held, approval) in [
        (swiped(130_000), held(0), approval(129_999)),
        (swiped(130_000), held(0), Override { at_ms: NOW + 1, ..approval(130_000) }),
        (swiped(60_000), Held { is_kept: false, ..held(0) }, approval(60_000)),
        (Asked { brand: Brand::Amex, ..swiped(1) }, held(0), approval(1)),
        (swiped(0), held(0), approval(0)),
    ] {
        assert!(policy().admit(asked, held, Some(&approval), NOW).is_err(), "{asked:?} {held:?}");
    }
}

#[test]
fn an_answered_payment_needs_only_room() {
    let full = Waiting { count: WAITING_PAYMENTS_MAX, total_minor: 0 };
    assert_eq!(Policy::admit_answered(swiped(9_000_000), Waiting::default()), Ok(()));
    assert_eq!(Policy::admit_answered(swiped(0), Waiting::default()), Err(PolicyRefusal::NothingToPay));
    assert_eq!(Policy::admit_answered(swiped(1), full), Err(PolicyRefusal::TooMany));
}

#[test]
fn the_cashier_is_told_in_time() {
    for (held, level) in [
        (Held { waiting: Waiting::default(), is_kept: true, ..Held::default() }, Level::Fine),
        (held(100_000), Level::Fine),
        (held(113_000), Level::Careful),
        (held(149_000), Level::Stop),
        (Held { day_minor: 310_000, ..held(0) }, Level::Careful),
        (Held { day_minor: 400_000, ..held(0) }, Level::Stop),
        (Held { outage_ms: 48 * HOUR, ..held(10) }, Level::Careful),
        (Held { outage_ms: 72 * HOUR, ..held(10) }, Level::Stop),
        (Held { is_kept: false, ..held(45_000) }, Level::Careful),
        (Held { waiting: Waiting { count: WAITING_PAYMENTS_MAX, total_minor: 1 }, ..held(0) }, Level::Stop),
    ] {
        assert_eq!(policy().level(held), level, "{held:?}");
    }
}

prop_compose! {
    fn any_policy()(
        caps in prop::array::uniform6(0_i64..1_000_000),
        left_percent in 0_u8..=100,
        refuses in any::<bool>(),
    ) -> Policy {
        let [payment, keyed, total, day, card, unkept] = caps;
        let caps = Caps {
            payment_minor_max: payment,
            keyed_minor_max: keyed,
            total_minor_max: total,
            day_minor_max: day,
            card_minor_max: card,
            unkept_minor_max: unkept,
        };
        let swiped_chip = if refuses { SwipedChip::Refuse } else { SwipedChip::Flag };
        Policy { left_percent, swiped_chip, ..Policy::new(72 * HOUR, caps) }
    }
}

prop_compose! {
    fn any_case()(
        minor in 1_i64..1_000_000,
        keyed in any::<bool>(),
        chip in any::<bool>(),
        sums in prop::array::uniform3(0_i64..1_000_000),
        outage_ms in 0..80 * HOUR,
        is_kept in any::<bool>(),
    ) -> (Asked, Held) {
        let entry = if keyed { Entry::Keyed } else { Entry::Swipe };
        let [total_minor, day_minor, card_minor] = sums;
        let waiting = Waiting { count: 3, total_minor };
        (Asked { minor, brand: Brand::Visa, entry, chip }, Held { waiting, day_minor, card_minor, outage_ms, is_kept })
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// What is admitted without a manager is within every cap, and taking it never brings a sum above one.
    #[test]
    fn nothing_that_is_admitted_is_above_a_cap(policy in any_policy(), (asked, held) in any_case()) {
        if policy.admit(asked, held, None, NOW).is_ok() {
            let caps = policy.caps;
            prop_assert!(asked.minor <= caps.payment_minor_max);
            prop_assert!(asked.entry == Entry::Swipe || asked.minor <= caps.keyed_minor_max);
            prop_assert!(held.waiting.total_minor + asked.minor <= caps.total_minor_max);
            prop_assert!(held.is_kept || held.waiting.total_minor + asked.minor <= caps.unkept_minor_max);
            prop_assert!(held.day_minor + asked.minor <= caps.day_minor_max);
            prop_assert!(held.card_minor + asked.minor <= caps.card_minor_max);
        }
    }

    /// A smaller amount, a younger outage, storage that is kept and a manager's word never make a refusal of what was admitted.
    #[test]
    fn less_risk_is_never_refused(policy in any_policy(), (asked, held) in any_case(), share in 1_i64..100, younger in 0_i64..100) {
        if policy.admit(asked, held, None, NOW).is_ok() {
            let less = Asked { minor: (asked.minor * share / 100).max(1), ..asked };
            let calmer = Held { outage_ms: held.outage_ms * younger / 100, is_kept: true, ..held };
            prop_assert!(policy.admit(less, calmer, None, NOW).is_ok());
            prop_assert_eq!(policy.admit(asked, held, Some(&approval(asked.minor)), NOW).map(|a| a.lifted.len()), Ok(0));
        }
    }
}
