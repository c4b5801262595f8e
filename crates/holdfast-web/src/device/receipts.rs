//! Receipts by e-mail: asked for at any time, sent when the server has the payment and can be reached.

use super::enrol::failure;
use super::{Device, DeviceError};
use crate::clock::wall_ms;
use crate::http::{Answer, Call};
use crate::rng;
use crate::standing::{Open, ask};
use holdfast_core::id::MailId;
use holdfast_core::limits::RECEIPT_REQUESTS_MAX;
use holdfast_wire::V;
use holdfast_wire::receipt::{ReceiptMail, ReceiptMails, ReceiptRequest};
use serde::{Deserialize, Serialize};

const CALL_MS_MAX: i64 = 15_000;
/// How long this till tells what became of a letter, and keeps an address that it could not pass on.
const KEPT_MS: i64 = 7 * 24 * 3_600_000;

/// Most letters that come back do so within minutes, and all when the mail system gives up.
const BOUNCE_MS_MAX: i64 = 6 * 24 * 3_600_000;
const LOOK_MS: i64 = 10 * 60_000;

/// A receipt that a customer asked for. Its address is there only until the server has it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptAsk {
    pub id: String,
    pub payment_id: String,
    email: Option<String>,
    /// `waiting` on this device; then as the server says, or the name of the problem it answered with.
    pub state: String,
    pub asked_ms: i64,
    /// When it was asked last whether a letter that was sent came back.
    #[serde(default)]
    looked_ms: i64,
}

impl std::fmt::Debug for ReceiptAsk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReceiptAsk").field("id", &self.id).field("state", &self.state).finish_non_exhaustive()
    }
}

impl ReceiptAsk {
    /// A letter that was taken may still come back: worth a look from time to time.
    fn may_come_back(&self, now_ms: i64) -> bool {
        self.state == "sent" && now_ms - self.asked_ms < BOUNCE_MS_MAX && now_ms - self.looked_ms >= LOOK_MS
    }
}

impl Device {
    /// Keeps a request for a receipt. [`Device::send_receipts`] passes it on.
    pub async fn ask_receipt(&self, payment_id: &str, email: &str) -> Result<(), DeviceError> {
        let mut asks = self.receipt_asks().await?;
        asks.sort_by_key(|row| row.asked_ms);
        for old in asks.iter().take((asks.len() + 1).saturating_sub(RECEIPT_REQUESTS_MAX)) {
            self.inner.shelf.put_receipt(&old.id, None).await?;
        }
        let id = MailId::make(rng::bytes().map_err(|_| DeviceError::Crypto)?).to_string();
        let row = ReceiptAsk {
            id,
            payment_id: payment_id.to_owned(),
            email: Some(email.to_owned()),
            state: "waiting".to_owned(),
            asked_ms: wall_ms(),
            looked_ms: 0,
        };
        self.keep_ask(&row).await
    }

    /// Every request of the last days.
    pub async fn receipt_asks(&self) -> Result<Vec<ReceiptAsk>, DeviceError> {
        let rows = self.inner.shelf.receipts().await?;
        Ok(rows.iter().filter_map(|row| serde_json::from_str(row).ok()).collect())
    }

    /// Passes on what waits and asks what became of the rest. Gives the number of requests that changed.
    pub async fn send_receipts(&self) -> Result<usize, DeviceError> {
        let mut changed = 0;
        for row in self.receipt_asks().await? {
            if wall_ms() - row.asked_ms > KEPT_MS {
                self.inner.shelf.put_receipt(&row.id, None).await?;
                changed += 1;
                continue;
            }
            let state = match &row.email {
                Some(email) => self.pass_on(&row, email).await?,
                None if row.state == "queued" => self.ask_after(&row).await?,
                None if row.may_come_back(wall_ms()) => {
                    let state = self.ask_after(&row).await?;
                    self.keep_ask(&ReceiptAsk { looked_ms: wall_ms(), ..row.clone() }).await?;
                    state
                }
                None => None,
            };
            if let Some(state) = state.filter(|state| *state != row.state) {
                self.keep_ask(&ReceiptAsk { email: None, state, ..row }).await?;
                changed += 1;
            }
        }
        Ok(changed)
    }

    /// `None`: the server does not have the payment yet.
    async fn pass_on(&self, row: &ReceiptAsk, email: &str) -> Result<Option<String>, DeviceError> {
        let identity = self.shared().identity().ok_or(DeviceError::NotEnrolled)?;
        let body = ReceiptRequest { v: V, id: row.id.clone(), email: email.to_owned() }.to_json();
        let path = path(row);
        let call = Call::post(&path, body.as_bytes(), CALL_MS_MAX);
        match ask(self.shared(), &identity, call, Open::ToGoodOnly).await {
            Answer::Ok { body, .. } => {
                let mail: ReceiptMail = serde_json::from_slice(&body).map_err(|_| DeviceError::NotHoldfast)?;
                Ok(Some(mail.state))
            }
            Answer::Problem { problem, .. } if problem.status == 404 => Ok(None),
            // An answer that the same request would get again.
            Answer::Problem { problem, .. } if matches!(problem.status, 400 | 409) => Ok(Some(problem.name().into())),
            other => Err(failure(other)),
        }
    }

    async fn ask_after(&self, row: &ReceiptAsk) -> Result<Option<String>, DeviceError> {
        let identity = self.shared().identity().ok_or(DeviceError::NotEnrolled)?;
        let path = path(row);
        match ask(self.shared(), &identity, Call::get(&path, CALL_MS_MAX), Open::ToGoodOnly).await {
            Answer::Ok { body, .. } => {
                let mails = ReceiptMails::from_json(&body).map_err(|_| DeviceError::NotHoldfast)?.mails;
                Ok(mails.into_iter().find(|mail| mail.id == row.id).map(|mail| mail.state))
            }
            other => Err(failure(other)),
        }
    }

    async fn keep_ask(&self, row: &ReceiptAsk) -> Result<(), DeviceError> {
        let text = serde_json::to_string(row).map_err(|_| DeviceError::Crypto)?;
        Ok(self.inner.shelf.put_receipt(&row.id, Some(&text)).await?)
    }
}

fn path(row: &ReceiptAsk) -> String {
    format!("/api/v1/payments/{}/receipt", row.payment_id)
}
