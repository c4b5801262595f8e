//! The other side of a card payment: whoever authorises and captures.
//!
//! Every request carries the payment's id as its reference. An acquirer recognises a reference it has seen, so after a lost
//! answer the right move is to ask by reference, never to send again blind. An acquirer that cannot be asked (ISO 8583) settles its
//! doubts itself when it is: see [`iso8583`].

mod configured;
pub mod iso8583;
mod measured;
pub mod simulator;

pub use configured::{Configured, DemoSimulator};
pub use measured::Measured;

use holdfast_core::id::{MerchantId, PaymentId};
use holdfast_core::money::Currency;
use holdfast_core::settlement::Statement;
use holdfast_core::time::UnixMs;
use holdfast_crypto::envelope::CardPlaintext;
use std::future::Future;

/// A request to authorise. It borrows the opened card; nothing here is kept by the caller afterwards.
#[derive(Debug)]
pub struct AuthorisationRequest<'a> {
    pub reference: PaymentId,
    /// Whose sale it is.
    pub merchant_id: MerchantId,
    pub amount_minor: i64,
    pub currency: Currency,
    pub card: &'a CardPlaintext,
    /// The sale was taken while the till was offline.
    pub offline: bool,
    /// How often this payment was tried before, after a decline. With the reference it names the try.
    pub try_number: u32,
}

/// A request about a payment that was authorised before.
#[derive(Debug, Clone, Copy)]
pub struct FollowUp {
    pub reference: PaymentId,
    pub amount_minor: i64,
    pub currency: Currency,
}

/// A request to pay money of a captured payment back.
#[derive(Debug, Clone, Copy)]
pub struct RefundRequest {
    pub reference: PaymentId,
    /// Which refund of this payment, from 1. With the reference it names the refund: a repeated request is answered as the first.
    pub number: u32,
    pub amount_minor: i64,
    pub currency: Currency,
}

/// A merchant's account at the acquirer, for one business day: from `from_ms` until before `to_ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    pub merchant_id: MerchantId,
    /// Days since 1970-01-01.
    pub day: i64,
    pub from_ms: UnixMs,
    pub to_ms: UnixMs,
}

/// What an acquirer said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Approved, with the issuer's approval code (ISO 8583 field 38).
    Approved { approval_code: String },
    /// Declined, with the response code (ISO 8583 field 39).
    Declined { code: String },
}

/// What an acquirer knows of a reference.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Known {
    pub authorisation: Option<Decision>,
    /// The try that `authorisation` answers.
    pub try_number: u32,
    pub capture: Option<Decision>,
    pub reversed: bool,
    /// By number.
    pub refunds: Vec<(u32, Decision)>,
}

impl Known {
    /// What was said about a refund.
    pub fn refund(&self, number: u32) -> Option<&Decision> {
        self.refunds.iter().find(|(of, _)| *of == number).map(|(_, decision)| decision)
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AcquirerError {
    /// Nothing was sent, or nothing arrived.
    #[error("the acquirer cannot be reached: it is tried again by itself")]
    Unreachable,
    /// The request may or may not have been carried out.
    #[error("the acquirer did not answer in time: it is asked by reference before anything is sent again")]
    TimedOut,
}

/// An acquirer. Implementations answer a known reference with their first answer.
pub trait Acquirer: Send + Sync {
    fn authorise(
        &self,
        now_ms: UnixMs,
        request: AuthorisationRequest<'_>,
    ) -> impl Future<Output = Result<Decision, AcquirerError>> + Send;

    fn capture(
        &self,
        now_ms: UnixMs,
        request: FollowUp,
    ) -> impl Future<Output = Result<Decision, AcquirerError>> + Send;

    /// What became of a reference; an empty [`Known`] when it was never seen, or when whatever was in doubt about it has been taken
    /// back: either way it may be asked for anew. An error says that the doubt remains, and to come again.
    fn inquire(
        &self,
        now_ms: UnixMs,
        reference: PaymentId,
    ) -> impl Future<Output = Result<Known, AcquirerError>> + Send;

    /// Gives an authorisation back that will not be captured.
    fn reverse(
        &self,
        now_ms: UnixMs,
        request: FollowUp,
    ) -> impl Future<Output = Result<Decision, AcquirerError>> + Send;

    /// Pays back what was captured, or a part of it.
    fn refund(
        &self,
        now_ms: UnixMs,
        request: RefundRequest,
    ) -> impl Future<Output = Result<Decision, AcquirerError>> + Send;

    /// Whether it can be reached, without asking it for anything. `None`: only a request tells.
    fn is_reachable(&self) -> impl Future<Output = Option<bool>> + Send {
        async { None }
    }

    /// The acquirer's own account of a day. `None` from an acquirer whose accounts come as files: those are imported
    /// ([`crate::settlement::file`]).
    fn settlement(
        &self,
        _now_ms: UnixMs,
        _account: Account,
    ) -> impl Future<Output = Result<Option<Statement>, AcquirerError>> + Send {
        async { Ok(None) }
    }
}
