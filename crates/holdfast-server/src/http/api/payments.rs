//! `GET /api/v1/payments` and `/api/v1/payments/{id}`: the history, the same for every till of a merchant.

use crate::desk::chargeback_words;
use crate::http::Server;
use crate::http::auth::active;
use crate::http::door::Person;
use crate::http::problem::ApiError;
use crate::http::{paging, tagged};
use crate::process::{Clock as _, sealed_until_ms};
use crate::store::books::Chargeback;
use crate::store::{Ledger as _, Payment};
use axum::Json;
use axum::extract::{Path, Query, Request, State};
use axum::http::Uri;
use axum::response::Response;
use holdfast_core::id::{DeviceId, MerchantId, PaymentId};
use holdfast_core::limits::POLL_WAIT_MS_MAX;
use holdfast_core::payment::PaymentState;
use holdfast_core::payment::instruction::{earliest_ms, own_retry_ms};
use holdfast_wire::V;
use holdfast_wire::history::{ChargebackView, HistoryPage, PaymentView, Reason, RetryView};
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

#[derive(Deserialize)]
struct ListParams {
    /// A cursor of an earlier page; empty or missing for the beginning.
    #[serde(default)]
    after: String,
    limit: Option<usize>,
}

/// A page of changes.
pub async fn list(State(server): State<Arc<Server>>, request: Request) -> Result<Response, ApiError> {
    let headers = request.headers().clone();
    let (merchant_id, uri) = asked_by(&server, request).await?;
    let Query(params) = Query::<ListParams>::try_from_uri(&uri).map_err(|_| ApiError::REQUEST_UNREADABLE)?;
    let after = paging::cursor(&params.after)?.unwrap_or(0);
    let limit = paging::limit(params.limit)?;
    // One more than asked for tells whether there are more.
    let mut payments = server.ledger.changed_after(merchant_id, after, limit + 1).await?;
    let more = payments.len() > limit;
    payments.truncate(limit);
    let cursor = payments.last().map_or(after, |payment| payment.change).to_string();
    let payments = views(&server, merchant_id, &payments).await?;
    tagged::json(&headers, &HistoryPage { v: V, payments, cursor, more })
}

/// Between two looks for what another replica wrote.
const LOOK_MS: u64 = 250;

#[derive(Deserialize)]
struct OneParams {
    wait_ms: Option<i64>,
}

/// One payment, when it is settled or the time is over.
pub async fn one(
    State(server): State<Arc<Server>>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Json<PaymentView>, ApiError> {
    let (merchant_id, uri) = asked_by(&server, request).await?;
    let Query(params) = Query::<OneParams>::try_from_uri(&uri).map_err(|_| ApiError::REQUEST_UNREADABLE)?;
    let id: PaymentId = id.parse().map_err(|_| ApiError::PAYMENT_UNKNOWN)?;
    let wait_ms = params.wait_ms.unwrap_or(0);
    if !(0..=POLL_WAIT_MS_MAX).contains(&wait_ms) {
        return Err(ApiError::REQUEST_UNREADABLE);
    }
    let deadline = Instant::now() + Duration::from_millis(u64::try_from(wait_ms).unwrap_or(0));
    // Subscribed before the first look, so that no change falls between the look and the wait.
    let mut changes = server.changes.subscribe();
    let mut stop = server.stop.clone();
    let mut is_last_look = wait_ms == 0;
    loop {
        let found = server.ledger.payment(id).await?.filter(|p| p.merchant_id == merchant_id);
        match found {
            Some(payment) if is_last_look || payment.state.is_settled() => {
                return Ok(Json(one_view(&server, &payment).await?));
            }
            // A payment may be asked for before its upload arrived.
            None if is_last_look => return Err(ApiError::PAYMENT_UNKNOWN),
            _ => {}
        }
        // Where several replicas share the books, another one may settle it: that is only seen by looking.
        let look_again_at = server.ledger.is_shared().then(|| Instant::now() + Duration::from_millis(LOOK_MS));
        let change = async {
            tokio::select! {
                changed = changes.changed() => changed.is_ok(),
                _ = stop.changed() => false,
            }
        };
        let next_look = look_again_at.map_or(deadline, |at| at.min(deadline));
        is_last_look = match timeout_at(next_look, change).await {
            Ok(is_change) => !is_change,
            Err(_) => next_look == deadline,
        };
    }
}

/// A payment of this merchant.
pub async fn look(server: &Server, merchant_id: MerchantId, id: &str) -> Result<Payment, ApiError> {
    let id: PaymentId = id.parse().map_err(|_| ApiError::PAYMENT_UNKNOWN)?;
    let found = server.ledger.payment(id).await?.filter(|payment| payment.merchant_id == merchant_id);
    found.ok_or(ApiError::PAYMENT_UNKNOWN)
}

/// The merchant of whoever asks: a person whom the door let in, or else a device by its signature.
async fn asked_by(server: &Server, request: Request) -> Result<(MerchantId, Uri), ApiError> {
    if let Some(person) = request.extensions().get::<Person>() {
        let at = person.session.at.as_ref().ok_or(ApiError::NOT_ALLOWED)?;
        return Ok((at.merchant_id, request.uri().clone()));
    }
    let signed = active(server, request).await?;
    Ok((signed.device.merchant_id, signed.uri))
}

/// What devices and staff of a merchant are called now.
struct Names {
    devices: Vec<(DeviceId, String)>,
    staff: Vec<(String, String)>,
}

impl Names {
    async fn of(server: &Server, merchant_id: MerchantId) -> Result<Self, ApiError> {
        let devices = server.ledger.device_names(merchant_id).await?;
        Ok(Self { devices, staff: server.ledger.staff_names(merchant_id).await? })
    }
}

/// A payment as a till may see it.
pub async fn one_view(server: &Server, payment: &Payment) -> Result<PaymentView, ApiError> {
    let views = views(server, payment.merchant_id, std::slice::from_ref(payment)).await?;
    views.into_iter().next().ok_or(ApiError::PAYMENT_UNKNOWN)
}

/// Payments of one merchant.
async fn views(server: &Server, merchant_id: MerchantId, payments: &[Payment]) -> Result<Vec<PaymentView>, ApiError> {
    let names = Names::of(server, merchant_id).await?;
    // Few payments are declined and kept; for the others nobody needs to know the window.
    let now_ms = server.clock.now_ms();
    let window_ms = if payments.iter().any(is_kept) { server.ledger.window_ms(now_ms, merchant_id).await? } else { 0 };
    let ids: Vec<PaymentId> = payments.iter().map(|payment| payment.id).collect();
    let taken_back = server.ledger.chargebacks(merchant_id, &ids).await?;
    let view = |payment: &Payment| PaymentView {
        retry: retry(payment, window_ms),
        chargebacks: taken_back
            .get(&payment.id)
            .map(|all| all.iter().map(taken_back_view).collect())
            .unwrap_or_default(),
        ..view(server, payment, &names)
    };
    Ok(payments.iter().map(view).collect())
}

fn taken_back_view(chargeback: &Chargeback) -> ChargebackView {
    ChargebackView {
        amount_minor: chargeback.amount_minor,
        reason: chargeback.reason.clone(),
        text: chargeback_words(chargeback.reason.as_deref()).to_owned(),
        at_ms: chargeback.at_ms,
    }
}

/// Declined, and its sealed card was kept for another try.
fn is_kept(payment: &Payment) -> bool {
    matches!(payment.state, PaymentState::Declined { .. }) && payment.record.is_some()
}

fn retry(payment: &Payment, window_ms: i64) -> Option<RetryView> {
    let PaymentState::Declined { decline, at_ms } = &payment.state else { return None };
    let (from_ms, until_ms) = (earliest_ms(decline, *at_ms)?, sealed_until_ms(payment, window_ms));
    let by_itself = own_retry_ms(decline, *at_ms, until_ms, 0).is_some();
    (is_kept(payment) && from_ms < until_ms).then_some(RetryView { from_ms, until_ms, by_itself })
}

fn view(server: &Server, payment: &Payment, names: &Names) -> PaymentView {
    let name = names.devices.iter().find(|(id, _)| *id == payment.device_id).map(|(_, name)| name.clone());
    let staff_name = names.staff.iter().find(|(id, _)| *id == payment.sale.staff).map(|(_, name)| name.clone());
    let (reason, approval_code) = match &payment.state {
        PaymentState::Declined { decline, .. } => {
            (Some(Reason { code: decline.code.clone(), text: decline.words().to_owned() }), None)
        }
        PaymentState::Quarantined { reason } => (
            Some(Reason { code: reason.clone(), text: "it could not be processed and waits for the owner".to_owned() }),
            None,
        ),
        PaymentState::Voided { approval_code, reason, .. } => (
            Some(Reason { code: reason.to_string(), text: "it was given back before it was captured".to_owned() }),
            Some(approval_code.clone()),
        ),
        PaymentState::PartlyRefunded { approval_code, refunds } | PaymentState::Refunded { approval_code, refunds } => {
            let last = refunds.list().last().map(|refund| refund.reason.to_string());
            let text = if refunds.is_full() { "it was paid back" } else { "a part of it was paid back" };
            (Some(Reason { code: last.unwrap_or_default(), text: text.to_owned() }), Some(approval_code.clone()))
        }
        PaymentState::Authorised { approval_code }
        | PaymentState::Capturing { approval_code }
        | PaymentState::Captured { approval_code, .. } => (None, Some(approval_code.clone())),
        PaymentState::Received | PaymentState::Authorising | PaymentState::Expired { .. } => (None, None),
    };
    PaymentView {
        v: V,
        id: payment.id.to_string(),
        device_id: payment.device_id.to_string(),
        device_name: name.unwrap_or_default(),
        seq: payment.seq,
        number: payment.sale.number.clone(),
        amount_minor: payment.sale.amount_minor,
        currency: payment.sale.currency.clone(),
        tax_minor: payment.sale.tax_minor,
        tip_minor: payment.sale.tip_minor,
        staff_id: Some(payment.sale.staff.clone()).filter(|id| !id.is_empty()),
        staff_name,
        refunded_minor: payment.state.refunded_minor(),
        state: payment.state.name().to_owned(),
        reason,
        approval_code,
        brand: payment.card.brand.clone(),
        last4: payment.card.last4.clone(),
        entry: payment.card.entry.clone(),
        offline: payment.offline,
        taken_ms: payment.taken_ms,
        received_ms: payment.received_ms,
        changed_ms: payment.changed_ms,
        // Written by ingest from the same shape; a damaged one must not hide the payment.
        lines: serde_json::from_str(&payment.sale.lines).unwrap_or_default(),
        receipt: server.receipts.path_of(payment.id),
        retry: None,
        replaces: payment.again.replaces.map(|id| id.to_string()),
        replaced_by: payment.again.replaced_by.map(|id| id.to_string()),
        chargebacks: Vec::new(),
    }
}
