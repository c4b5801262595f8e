//! What is asked of the server about a payment that it has: to pay back, to void, to try again. It needs a connection: the server's books
//! decide.

use super::enrol::ok_body;
use super::{Device, DeviceError};
use crate::http::{Answer, Call};
use crate::standing::{Open, ask};
use holdfast_core::id::MailId;
use holdfast_core::payment::instruction::InstructionKind;
use holdfast_wire::V;
use holdfast_wire::b64;
use holdfast_wire::history::PaymentView;
use holdfast_wire::instruction::{InstructionAnswer, InstructionRequest, InstructionView, Instructions};

/// Longer than the server lets an answer wait.
const CALL_MS_MAX: i64 = 20_000;
const LOOK_MS_MAX: i64 = 10_000;

/// What is to be done, with all that tells it from another one of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// `refunded_minor`: what was paid back before it, as this till knows it.
    Refund {
        amount_minor: i64,
        refunded_minor: i64,
    },
    Void,
    /// `declined_ms`: when the bank said no, as the server told it.
    Retry {
        declined_ms: i64,
    },
}

/// Something that is asked for about one payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstructionAsk {
    pub payment_id: String,
    pub wanted: Wanted,
    /// How many of the same were refused while the payment was looked at.
    pub refused: u32,
}

impl Wanted {
    pub fn kind(self) -> InstructionKind {
        match self {
            Self::Refund { .. } => InstructionKind::Refund,
            Self::Void => InstructionKind::Void,
            Self::Retry { .. } => InstructionKind::Retry,
        }
    }
}

impl InstructionAsk {
    /// Made of what is asked for: whoever asks the same of the same payment, on this till or another one and however often, asks for one
    /// and the same instruction.
    fn id(&self) -> String {
        let Self { payment_id, wanted, refused } = self;
        let told_apart = match wanted {
            Wanted::Refund { amount_minor, refunded_minor } => format!("{refunded_minor}\n{amount_minor}\n"),
            Wanted::Void => String::new(),
            Wanted::Retry { declined_ms } => format!("{declined_ms}\n"),
        };
        let kind = wanted.kind().name();
        let hash = b64::sha256(format!("holdfast-{kind}-1\n{payment_id}\n{told_apart}{refused}\n"));
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
        MailId::make(bytes).to_string()
    }

    fn request(&self) -> (String, InstructionRequest) {
        let (way, amount_minor, reason) = match self.wanted {
            Wanted::Refund { amount_minor, .. } => ("refunds", Some(amount_minor), "customer-returned"),
            Wanted::Void => ("void", None, "mistake"),
            Wanted::Retry { .. } => ("retry", None, "customer-asked"),
        };
        let request = InstructionRequest { v: V, id: Some(self.id()), amount_minor, reason: reason.to_owned() };
        (format!("/api/v1/payments/{}/{way}", self.payment_id), request)
    }
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Instructed {
    /// It is over.
    Done,
    /// The server goes on with it.
    UnderWay,
    /// It was not carried out: the acquirer's code or the state that the payment was found in, and the server's words.
    Refused { code: String, text: String },
    /// The server did not take it: the problem's name.
    NotTaken(String),
    /// Nobody knows: the same may be asked for again.
    NoAnswer,
}

impl Device {
    /// Asks for it, and waits a little for what becomes of it.
    pub async fn instruct(&self, asked: &InstructionAsk) -> Result<Instructed, DeviceError> {
        let identity = self.shared().identity().ok_or(DeviceError::NotEnrolled)?;
        let (path, request) = asked.request();
        let body = request.to_json();
        let call = Call::post(&path, body.as_bytes(), CALL_MS_MAX);
        let answer = match ask(self.shared(), &identity, call, Open::ToGoodOnly).await {
            Answer::Ok { body, .. } => InstructionAnswer::from_json(&body).map_err(|_| DeviceError::NotHoldfast)?,
            // It may have been kept before the server said so.
            Answer::Problem { problem, .. } if problem.status >= 500 => return Ok(Instructed::NoAnswer),
            Answer::Problem { problem, .. } => return Ok(Instructed::NotTaken(problem.name().to_owned())),
            Answer::Unreachable | Answer::NotHoldfast => return Ok(Instructed::NoAnswer),
        };
        self.keep_news(&answer.payment).await;
        Ok(match answer.instruction.progress.as_str() {
            "done" => Instructed::Done,
            "refused" => Instructed::Refused {
                code: answer.instruction.code.unwrap_or_default(),
                text: answer.instruction.text.unwrap_or_default(),
            },
            _ => Instructed::UnderWay,
        })
    }

    /// The last thing that anybody asked for about a payment, whoever it was.
    pub async fn last_instruction(&self, payment_id: &str) -> Result<Option<InstructionView>, DeviceError> {
        let identity = self.shared().identity().ok_or(DeviceError::NotEnrolled)?;
        let path = format!("/api/v1/payments/{payment_id}/instructions");
        let call = Call::get(&path, LOOK_MS_MAX);
        let body = ok_body(ask(self.shared(), &identity, call, Open::ToGoodOnly).await)?;
        let all = Instructions::from_json(&body).map_err(|_| DeviceError::NotHoldfast)?;
        Ok(all.instructions.into_iter().next_back())
    }

    /// The history's feed brings it too: if it cannot be kept now, that is no loss.
    async fn keep_news(&self, payment: &PaymentView) {
        let _ = self.inner.shelf.put_history(std::slice::from_ref(payment), None).await;
    }
}
