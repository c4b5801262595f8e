//! Taking instructions about payments: refunds, voids, retries. The core judges, in the transaction that keeps what it takes; the
//! jobs carry it out.

use crate::process::sealed_until_ms;
use crate::store::{Ledger, Payment, StoreError};
use holdfast_core::id::{MerchantId, PaymentId};
use holdfast_core::payment::Decline;
use holdfast_core::payment::instruction::{Facts, Instruction, InstructionError, Verdict, Wanted, judge};
use holdfast_core::time::UnixMs;

/// Why nothing was taken.
#[derive(Debug, thiserror::Error)]
pub enum InstructError {
    #[error("this payment is not known")]
    Unknown,
    #[error(transparent)]
    Refused(#[from] InstructionError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes an instruction about a payment of this merchant, or finds the one that is there under its id.
///
/// # Errors
/// [`InstructError`]: nothing was kept.
pub async fn instruct<L: Ledger>(
    ledger: &L,
    now_ms: UnixMs,
    merchant_id: MerchantId,
    id: PaymentId,
    wanted: Wanted,
) -> Result<Instruction, InstructError> {
    let window_ms = ledger.window_ms(now_ms, merchant_id).await?;
    let decide = move |payment: Option<&Payment>, earlier: &[Instruction]| {
        let Some(payment) = payment.filter(|payment| payment.merchant_id == merchant_id) else {
            return (None, Err(InstructError::Unknown));
        };
        let facts = Facts {
            state: &payment.state,
            amount_minor: payment.sale.amount_minor,
            is_sealed: payment.record.is_some(),
            until_ms: sealed_until_ms(payment, window_ms),
            instructions: earlier,
        };
        match judge(facts, wanted, now_ms) {
            Ok(Verdict::Take(instruction)) => (Some(instruction.clone()), Ok(instruction)),
            Ok(Verdict::Known(instruction)) => (None, Ok(instruction)),
            Err(error) => (None, Err(error.into())),
        }
    };
    ledger.instruct(now_ms, id, decide).await?
}

/// Why an instruction was refused, in words that say what to do.
pub fn words(code: &str) -> String {
    match code {
        "captured" | "partly-refunded" => "it was captured before it could be voided; pay it back instead".to_owned(),
        "declined" => "it was declined meanwhile, so nothing is held".to_owned(),
        "card-data-wiped" => "the sealed card data are gone; take the payment anew, with the card".to_owned(),
        "refunded-before" => {
            "the acquirer has paid back before what the books lost with a copy; look at its statement, and then ask again"
                .to_owned()
        }
        "94" => "the acquirer says that it has carried this out before; look at its statement".to_owned(),
        code if code.len() == 2 => format!("the acquirer refused: {}", Decline { code: code.to_owned() }.words()),
        state => format!("the payment was found {}", state.replace('-', " ")),
    }
}
