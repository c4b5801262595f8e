//! How the till speaks: amounts, times, notices, and every state and problem in the seller's language.

use super::outcome::Said;
use super::payment::{CardView, Payment, PaymentStage, Tone};
use super::till::Till;
use super::view_model::{Problem, Theme};
use crate::browser::{intl, page, sound};
use crate::messages::{Lang, Messages, fill};
use holdfast_core::card::{CardNumberError, CardRefusal, TrackError};
use holdfast_core::money::Amount;
use holdfast_core::payment::instruction::InstructionKind;
use holdfast_core::policy::PolicyRefusal;
use leptos::prelude::*;
use std::time::Duration;

/// How long a notice stays.
const NOTICE: Duration = Duration::from_secs(5);

impl Till {
    pub fn t(&self) -> &'static Messages {
        self.lang.get().messages()
    }

    pub fn money(&self, amount: Amount) -> String {
        intl::money(amount, self.lang.get())
    }

    /// An amount inside a sentence.
    pub fn money_within(&self, amount: Amount) -> String {
        self.lang.get().embedded(self.money(amount))
    }

    /// How long an amount is written, for the stylesheet: it fills the width, whatever it is.
    pub fn amount_length(&self, amount: Amount) -> &'static str {
        match self.money(amount).chars().count() {
            0..=6 => "short",
            7..=9 => "medium",
            10..=12 => "long",
            _ => "huge",
        }
    }

    /// `15 %`, as the language writes it.
    pub fn percent(&self, bp: u32) -> String {
        intl::percent(bp, self.lang.get())
    }

    /// The name of who sold: as the server told it, else as the shop's list has it.
    pub fn seller_of(&self, payment: &Payment) -> Option<String> {
        let (id, name) = payment.seller.as_ref()?;
        let listed = || {
            let id = id.parse().ok()?;
            self.shop.with(|s| s.as_ref()?.team.seller(id).map(|seller| seller.name.clone()))
        };
        name.clone().or_else(listed)
    }

    pub fn count(&self, n: usize) -> String {
        intl::count(n, self.lang.get())
    }

    pub fn time(&self, at_ms: i64, style: intl::TimeStyle) -> String {
        intl::time(at_ms, style, self.lang.get())
    }

    /// Says something at the foot of the screen for a while.
    pub fn notify(&self, text: impl Into<String>) {
        let text = text.into();
        let notice = self.notice;
        notice.set(Some(text.clone()));
        set_timeout(
            move || {
                if notice.with_untracked(|now| now.as_deref() == Some(text.as_str())) {
                    notice.set(None);
                }
            },
            NOTICE,
        );
    }

    pub fn choose_lang(&self, lang: Lang) {
        self.lang.set(lang);
        page::keep_lang(lang);
    }

    pub fn choose_sounds(&self, sounds: bool) {
        self.sounds.set(sounds);
        page::keep_sounds(sounds);
        if sounds {
            // What it will be like, and the tap that lets the browser sound at all.
            sound::play(&Said::Approved);
        }
    }

    pub fn choose_theme(&self, theme: Theme) {
        self.theme.set(theme);
        page::keep_theme(theme);
    }
}

/// A problem in words.
pub fn problem_words(problem: Problem, t: &'static Messages) -> &'static str {
    match problem {
        Problem::Number(CardNumberError::TooShort) => t.card_too_short,
        Problem::Number(CardNumberError::TooLong) => t.card_too_long,
        Problem::Number(CardNumberError::NotDigits | CardNumberError::CheckDigit) => t.card_mistyped,
        Problem::Expiry => t.expiry_mistyped,
        Problem::Card(CardRefusal::Expired) => t.card_expired,
        Problem::Card(CardRefusal::NotForGoods) => t.card_not_for_goods,
        Problem::Card(CardRefusal::BrandNotAccepted) => t.card_brand,
        Problem::Track(TrackError::Unreadable) => t.card_unreadable,
        Problem::Track(TrackError::TracksDiffer) => t.tracks_differ,
        Problem::Policy(refusal) => refusal_words(refusal, t),
        Problem::TooLarge => t.amount_too_large,
        Problem::NoKey => t.no_key,
        Problem::Revoked => t.revoked_say,
        Problem::CannotSign => t.cannot_sign,
        Problem::Voided => t.taken_voided,
    }
}

fn refusal_words(refusal: PolicyRefusal, t: &'static Messages) -> &'static str {
    let p = t.policy;
    match refusal {
        PolicyRefusal::NothingToPay => t.sale_needed,
        PolicyRefusal::TooMany => t.too_many,
        PolicyRefusal::Brand => p.brand,
        PolicyRefusal::SwipedChip => p.chip,
        PolicyRefusal::AbovePayment { .. } => p.above_payment,
        PolicyRefusal::AboveKeyed { .. } => p.above_keyed,
        PolicyRefusal::AboveCard { .. } => p.above_card,
        PolicyRefusal::AboveTotal { .. } => p.above_total,
        PolicyRefusal::Unkept { .. } => p.unkept,
        PolicyRefusal::AboveDay { .. } => p.above_day,
    }
}

/// A problem in words, with the figure of the cap that it is about.
pub fn problem_say(till: Till, problem: Problem) -> String {
    let t = till.t();
    let words = problem_words(problem, t);
    let Problem::Policy(refusal) = problem else { return words.to_owned() };
    let Some(minor_max) = refusal.minor_max() else { return words.to_owned() };
    let most = till.money_within(Amount::new(minor_max, till.currency()));
    format!("{words} {}", fill(t.policy.most, &[("amount", &most)]))
}

/// A payment's state in a word.
pub fn stage_word(stage: &PaymentStage, t: &'static Messages) -> &'static str {
    use PaymentStage::*;
    match stage {
        Stored { .. } => t.state_stored,
        Received => t.state_received,
        Authorising | Authorised | Capturing => t.state_working,
        Captured => t.state_captured,
        PartlyRefunded => t.state_part_refunded,
        Refunded => t.state_refunded,
        Voided => t.state_voided,
        Declined { .. } => t.state_declined,
        Expired => t.state_expired,
        Quarantined { .. } => t.state_quarantined,
    }
}

/// The same, as long as a void is under way: nothing promises the charge then.
pub fn standing_word(till: Till, payment: &Payment) -> &'static str {
    let is_being_voided = till.under_way.with(|all| all.get(&payment.id) == Some(&InstructionKind::Void));
    if is_being_voided && payment.state.tone() == Tone::Plain {
        return till.t().step_voiding;
    }
    stage_word(&payment.state, till.t())
}

/// Why a payment is kept for the owner.
pub fn quarantine_words(reason: &str, t: &'static Messages) -> &'static str {
    match reason {
        "device-revoked" => t.kept_revoked,
        "void-too-late" => t.kept_void,
        "id-conflict" | "sequence-conflict" => t.kept_conflict,
        "card-key-unknown" | "card-key-destroyed" => t.kept_key,
        "envelope-unreadable" | "envelope-refused" | "envelope-mismatch" => t.kept_sealed,
        _ => t.kept_other,
    }
}

pub fn card_words(card: &CardView, t: &'static Messages) -> String {
    fill(t.card_ending, &[("brand", &card.brand), ("last4", &card.last4)])
}
