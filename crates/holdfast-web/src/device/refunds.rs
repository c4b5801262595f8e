//! Refunds of payments that the server has. They need a connection: what is paid back is decided by the server's books.

use super::{Device, DeviceError};
use crate::http::{Answer, Call};
use crate::standing::{Open, ask};
use holdfast_core::id::MailId;
use holdfast_wire::V;
use holdfast_wire::b64;
use holdfast_wire::history::PaymentView;
use holdfast_wire::instruction::{InstructionAnswer, InstructionRequest};

/// Longer than the server lets an answer wait.
const CALL_MS_MAX: i64 = 20_000;

/// A refund that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundAsk {
    pub payment_id: String,
    pub amount_minor: i64,
    /// What was paid back before it, as this till knows it.
    pub refunded_minor: i64,
    /// How many refunds of this payment were refused while it was looked at.
    pub refused: u32,
}

impl RefundAsk {
    /// Made of what is asked for: whoever asks the same of the same payment, on this till or another one and however often, asks for one
    /// and the same refund.
    fn id(&self) -> String {
        let Self { payment_id, amount_minor, refunded_minor, refused } = self;
        let hash =
            b64::sha256(format!("holdfast-refund-1\n{payment_id}\n{refunded_minor}\n{amount_minor}\n{refused}\n"));
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
        MailId::make(bytes).to_string()
    }
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refunded {
    /// It is over.
    Done,
    /// The server goes on with it.
    UnderWay,
    /// The acquirer refused it: the code, and the server's words.
    Refused { code: String, text: String },
    /// The server did not take it: the problem's name.
    NotTaken(String),
    /// Nobody knows: the same may be asked for again.
    NoAnswer,
}

impl Device {
    /// Asks for a refund, and waits a little for what becomes of it.
    pub async fn refund(&self, wanted: &RefundAsk) -> Result<Refunded, DeviceError> {
        let identity = self.shared().identity().ok_or(DeviceError::NotEnrolled)?;
        let request = InstructionRequest {
            v: V,
            id: Some(wanted.id()),
            amount_minor: Some(wanted.amount_minor),
            reason: "customer-returned".to_owned(),
        };
        let (path, body) = (format!("/api/v1/payments/{}/refunds", wanted.payment_id), request.to_json());
        let call = Call::post(&path, body.as_bytes(), CALL_MS_MAX);
        let answer = match ask(self.shared(), &identity, call, Open::ToGoodOnly).await {
            Answer::Ok { body, .. } => InstructionAnswer::from_json(&body).map_err(|_| DeviceError::NotHoldfast)?,
            // It may have been kept before the server said so.
            Answer::Problem { problem, .. } if problem.status >= 500 => return Ok(Refunded::NoAnswer),
            Answer::Problem { problem, .. } => return Ok(Refunded::NotTaken(problem.name().to_owned())),
            Answer::Unreachable | Answer::NotHoldfast => return Ok(Refunded::NoAnswer),
        };
        self.keep_news(&answer.payment).await;
        Ok(match answer.instruction.progress.as_str() {
            "done" => Refunded::Done,
            "refused" => Refunded::Refused {
                code: answer.instruction.code.unwrap_or_default(),
                text: answer.instruction.text.unwrap_or_default(),
            },
            _ => Refunded::UnderWay,
        })
    }

    /// The history's feed brings it too: if it cannot be kept now, that is no loss.
    async fn keep_news(&self, payment: &PaymentView) {
        let _ = self.inner.shelf.put_history(std::slice::from_ref(payment), None).await;
    }
}
