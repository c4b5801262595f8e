//! Sellers and owners who want something done about a payment that the server has: pay back, void, try again. They ask twice when they
//! do not see an answer, and ask for what cannot be.

use crate::world::{Event, World};
use holdfast_core::id::PaymentId;
use holdfast_core::payment::PaymentState;
use holdfast_core::payment::instruction::{InstructionKind, Wanted};
use holdfast_server::instructions::{InstructError, instruct};
use holdfast_server::store::Payment;
use holdfast_testkit::ready::ready;

/// What somebody asks for, with the id that a second click has as well.
#[derive(Debug, Clone)]
pub struct Asked {
    pub payment_id: PaymentId,
    pub wanted: Wanted,
}

impl World {
    /// Somebody looks at the payments and wants something.
    pub fn somebody_asks(&mut self) {
        if self.is_healing() || self.server.is_down() {
            return;
        }
        let payments = self.server.ledger.payments();
        let open: Vec<&Payment> = payments.iter().filter(|payment| !payment.state.is_settled()).collect();
        let of = if open.is_empty() || self.rng.chance(600) { payments.iter().collect() } else { open };
        if of.is_empty() {
            return;
        }
        let payment = *self.rng.pick(&of);
        let Some(kind) = self.draw_kind(&payment.state) else { return };
        let (payment_id, amount_minor) = (payment.id, self.draw_amount(kind, payment));
        self.ask_for(payment_id, kind, amount_minor);
    }

    pub fn ask_for(&mut self, payment_id: PaymentId, kind: InstructionKind, amount_minor: i64) {
        let Ok(reason) = "mistake".parse() else { return };
        let id = format!("asked-{}", self.number());
        let wanted = Wanted { id, kind, amount_minor, reason, by: "user:1".to_owned() };
        let asked = Asked { payment_id, wanted };
        if self.rng.chance(400) {
            // A second click, or a till that saw no answer.
            let delay_ms = self.rng.between(0, 15_000);
            self.after(delay_ms, Event::Asked(asked.clone()));
        }
        self.ask(asked);
    }

    /// What mostly can be done, and sometimes cannot.
    fn draw_kind(&mut self, state: &PaymentState) -> Option<InstructionKind> {
        if self.rng.chance(50) {
            return Some(*self.rng.pick(&InstructionKind::ALL));
        }
        match state {
            PaymentState::Captured { .. } | PaymentState::PartlyRefunded { .. } => Some(InstructionKind::Refund),
            PaymentState::Declined { .. } => Some(InstructionKind::Retry),
            state if !state.is_settled() => Some(InstructionKind::Void),
            _ => None,
        }
    }

    fn draw_amount(&mut self, kind: InstructionKind, payment: &Payment) -> i64 {
        let all = payment.sale.amount_minor;
        match kind {
            InstructionKind::Refund if self.rng.chance(300) => all,
            InstructionKind::Refund => self.rng.between(1, all.max(1)),
            _ => 0,
        }
    }

    /// It arrives at the server. Without an answer it is asked for again, under its id.
    pub fn ask(&mut self, asked: Asked) {
        if self.server.is_down() {
            if !self.is_healing() {
                self.after(4_000, Event::Asked(asked));
            }
            return;
        }
        let Asked { payment_id, wanted } = asked.clone();
        let (kind, id) = (wanted.kind, wanted.id.clone());
        let answer = ready(instruct(self.server.books(), self.now_ms, self.server.merchant, payment_id, wanted));
        let in_words = match answer {
            Ok(_) => {
                self.judge.instructed(asked);
                "taken".to_owned()
            }
            Err(InstructError::Store(_)) => {
                self.after(4_000, Event::Asked(asked));
                "no answer".to_owned()
            }
            Err(error) => error.to_string(),
        };
        self.figures.count(match kind {
            InstructionKind::Refund => "refunds asked for",
            InstructionKind::Void => "voids asked for",
            InstructionKind::Retry => "retries asked for",
        });
        self.say(format!("desk: {} {id}: {in_words}", kind.name()));
        self.tick_after(1);
        self.watch_server();
    }
}
