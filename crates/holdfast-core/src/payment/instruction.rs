//! What a person asks for about a payment that the server has: to pay back, to void, to try again. Judged here, kept before
//! anything is done about it, and carried out by the jobs.

use super::{Decline, GiveBackReason, PaymentState, REFUNDS_MAX, Retry};
use crate::limits::{INSTRUCTIONS_MAX, RETRIES_MAX};
use crate::time::{DAY_MS, UnixMs};

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InstructionKind {
    Refund,
    Void,
    Retry,
}

impl InstructionKind {
    pub const ALL: [Self; 3] = [Self::Refund, Self::Void, Self::Retry];

    /// The wire's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Refund => "refund",
            Self::Void => "void",
            Self::Retry => "retry",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// How far it got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Kept; the acquirer knows nothing of it.
    Asked,
    /// The intent is written: from here on the acquirer may have carried it out.
    Sent,
    Done,
    /// It was not carried out: the acquirer's code (ISO 8583 field 39), or the state that the payment was found in.
    Refused {
        code: String,
    },
}

impl Progress {
    /// The wire's name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Sent => "sent",
            Self::Done => "done",
            Self::Refused { .. } => "refused",
        }
    }

    pub fn is_open(&self) -> bool {
        matches!(self, Self::Asked | Self::Sent)
    }
}

/// An instruction as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruction {
    /// Made by whoever asks: the same id again is the same instruction.
    pub id: String,
    pub kind: InstructionKind,
    /// Which one of its kind for this payment, from 1. It names a refund, or a try, at the acquirer.
    pub number: u32,
    pub amount_minor: i64,
    pub reason: GiveBackReason,
    /// Who asked, by kind and id.
    pub by: String,
    pub progress: Progress,
    pub asked_ms: UnixMs,
    pub changed_ms: UnixMs,
}

/// An instruction as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub id: String,
    pub kind: InstructionKind,
    /// Of a refund. Everything else is about the whole payment.
    pub amount_minor: i64,
    pub reason: GiveBackReason,
    pub by: String,
}

/// What is known of the payment.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    pub state: &'a PaymentState,
    pub amount_minor: i64,
    /// The sealed card data are still there.
    pub is_sealed: bool,
    /// Until when they may be used.
    pub until_ms: UnixMs,
    /// Every instruction about it so far.
    pub instructions: &'a [Instruction],
}

/// Why an instruction is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InstructionError {
    #[error("this id was used for another instruction")]
    IdReused,
    #[error("another instruction about this payment is on its way")]
    AnotherOpen,
    #[error("there were too many instructions about this payment")]
    TooMany,
    #[error("only a captured payment can be paid back")]
    NotCaptured,
    #[error("no more than what is left can be paid back")]
    TooMuch { left_minor: i64 },
    #[error("this payment cannot be voided any more")]
    NotVoidable,
    #[error("only a declined payment can be tried again")]
    NotDeclined,
    #[error("the bank said never to try this card again")]
    Never,
    #[error("the sealed card data were wiped after the bank's answer")]
    Wiped,
    #[error("it is too early to try this card again")]
    TooEarly { wait_ms: i64 },
}

/// What becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// To be kept.
    Take(Instruction),
    /// It is there already.
    Known(Instruction),
}

/// Judges what is asked for.
///
/// # Errors
/// [`InstructionError`]: nothing is to be kept.
pub fn judge(facts: Facts<'_>, wanted: Wanted, now_ms: UnixMs) -> Result<Verdict, InstructionError> {
    let amount_minor = if wanted.kind == InstructionKind::Refund { wanted.amount_minor } else { facts.amount_minor };
    if let Some(known) = facts.instructions.iter().find(|known| known.id == wanted.id) {
        let is_same = known.kind == wanted.kind && known.amount_minor == amount_minor && known.reason == wanted.reason;
        return if is_same { Ok(Verdict::Known(known.clone())) } else { Err(InstructionError::IdReused) };
    }
    if facts.instructions.iter().any(|other| other.progress.is_open()) {
        return Err(InstructionError::AnotherOpen);
    }
    if facts.instructions.len() >= INSTRUCTIONS_MAX {
        return Err(InstructionError::TooMany);
    }
    match wanted.kind {
        InstructionKind::Refund => may_refund(facts, amount_minor)?,
        InstructionKind::Void => may_void(facts.state)?,
        InstructionKind::Retry => may_retry(facts, now_ms)?,
    }
    Ok(Verdict::Take(Instruction {
        id: wanted.id,
        kind: wanted.kind,
        number: next_number(facts.instructions, wanted.kind),
        amount_minor,
        reason: wanted.reason,
        by: wanted.by,
        progress: Progress::Asked,
        asked_ms: now_ms,
        changed_ms: now_ms,
    }))
}

/// The number of the next instruction of a kind. One that was refused keeps its own: the acquirer has heard it.
pub fn next_number(instructions: &[Instruction], kind: InstructionKind) -> u32 {
    let last = instructions.iter().filter(|earlier| earlier.kind == kind).map(|earlier| earlier.number).max();
    last.unwrap_or(0).saturating_add(1)
}

/// How often the payment was tried again.
pub fn retries(instructions: &[Instruction]) -> u32 {
    let carried_out =
        |earlier: &&Instruction| earlier.kind == InstructionKind::Retry && earlier.progress == Progress::Done;
    u32::try_from(instructions.iter().filter(carried_out).count()).unwrap_or(u32::MAX)
}

/// The earliest moment at which a payment that was declined at `at_ms` may be tried again; `None` for never.
pub fn earliest_ms(decline: &Decline, at_ms: UnixMs) -> Option<UnixMs> {
    match decline.retry() {
        Retry::Never => None,
        Retry::AfterHours(hours) => Some(at_ms.saturating_add(i64::from(hours) * 3_600_000)),
        Retry::AfterDays(days) => Some(at_ms.saturating_add(i64::from(days) * DAY_MS)),
        Retry::AskCustomer => Some(at_ms),
    }
}

/// When the server tries a declined payment again by itself: where only time had to go by, and before `until_ms`.
pub fn own_retry_ms(decline: &Decline, at_ms: UnixMs, until_ms: UnixMs, retries: u32) -> Option<UnixMs> {
    let is_a_matter_of_time = matches!(decline.retry(), Retry::AfterHours(_) | Retry::AfterDays(_));
    let earliest_ms = earliest_ms(decline, at_ms).filter(|earliest_ms| *earliest_ms < until_ms)?;
    (is_a_matter_of_time && retries < RETRIES_MAX).then_some(earliest_ms)
}

fn may_refund(facts: Facts<'_>, amount_minor: i64) -> Result<(), InstructionError> {
    let (left_minor, count) = match facts.state {
        PaymentState::Captured { .. } => (facts.amount_minor, 0),
        PaymentState::PartlyRefunded { refunds, .. } | PaymentState::Refunded { refunds, .. } => {
            (refunds.captured_minor() - refunds.refunded_minor(), refunds.list().len())
        }
        _ => return Err(InstructionError::NotCaptured),
    };
    if !(1..=left_minor).contains(&amount_minor) {
        return Err(InstructionError::TooMuch { left_minor });
    }
    if count < REFUNDS_MAX { Ok(()) } else { Err(InstructionError::TooMany) }
}

fn may_void(state: &PaymentState) -> Result<(), InstructionError> {
    match state {
        PaymentState::Received
        | PaymentState::Authorising
        | PaymentState::Authorised { .. }
        | PaymentState::Capturing { .. } => Ok(()),
        _ => Err(InstructionError::NotVoidable),
    }
}

fn may_retry(facts: Facts<'_>, now_ms: UnixMs) -> Result<(), InstructionError> {
    let PaymentState::Declined { decline, at_ms } = facts.state else { return Err(InstructionError::NotDeclined) };
    let at_ms = earliest_ms(decline, *at_ms).ok_or(InstructionError::Never)?;
    if !facts.is_sealed || now_ms >= facts.until_ms {
        return Err(InstructionError::Wiped);
    }
    if now_ms < at_ms {
        return Err(InstructionError::TooEarly { wait_ms: at_ms - now_ms });
    }
    if retries(facts.instructions) < RETRIES_MAX { Ok(()) } else { Err(InstructionError::TooMany) }
}

#[cfg(test)]
mod tests;
