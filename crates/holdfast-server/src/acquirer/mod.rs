//! The other side of a card payment: whoever authorises and captures.
//!
//! Every request carries the payment's id as its reference. An acquirer recognises a reference it has seen, so after a lost
//! answer the right move is to ask by reference, never to send again blind.

mod configured;
pub mod simulator;

pub use configured::{Configured, DemoSimulator};

use holdfast_core::id::PaymentId;
use holdfast_core::money::Currency;
use holdfast_core::time::UnixMs;
use holdfast_crypto::envelope::CardPlaintext;
use std::future::Future;

/// A request to authorise. It borrows the opened card; nothing here is kept by the caller afterwards.
#[derive(Debug)]
pub struct AuthorisationRequest<'a> {
    pub reference: PaymentId,
    pub amount_minor: i64,
    pub currency: Currency,
    pub card: &'a CardPlaintext,
    /// The sale was taken while the till was offline.
    pub offline: bool,
}

/// A request about a payment that was authorised before.
#[derive(Debug, Clone, Copy)]
pub struct FollowUp {
    pub reference: PaymentId,
    pub amount_minor: i64,
    pub currency: Currency,
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
    pub capture: Option<Decision>,
    pub reversed: bool,
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

    /// What became of a reference; an empty [`Known`] when it was never seen.
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
}
