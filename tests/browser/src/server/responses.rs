//! Answers, as a server or something that stands in its way gives them.

use holdfast_wire::history::PaymentView;
use holdfast_wire::record::RecordPayload;
use js_sys::Object;
use wasm_bindgen::prelude::*;
use web_sys::{Headers, Response, ResponseInit};

pub(super) fn json(status: u16, body: &impl serde::Serialize) -> Result<Response, JsValue> {
    respond(status, "application/json", &serde_json::to_string(body).expect("JSON"))
}

pub(super) fn respond(status: u16, content_type: &str, body: &str) -> Result<Response, JsValue> {
    Response::new_with_opt_str_and_init(Some(body), &init(status, content_type))
}

pub(super) fn problem(status: u16, name: &str) -> Result<Response, JsValue> {
    let body = format!(r#"{{"type":"/problems/{name}","title":"x","status":{status},"detail":"x"}}"#);
    respond(status, "application/problem+json", &body)
}

pub(super) fn init(status: u16, content_type: &str) -> ResponseInit {
    let (init, headers) = (ResponseInit::new(), Headers::new().expect("headers"));
    if !content_type.is_empty() {
        headers.set("content-type", content_type).expect("a header");
    }
    init.set_status(status);
    init.set_headers(&Object::from(JsValue::from(headers)));
    init
}

/// A payment as the history shows it once it is captured.
pub(super) fn view(p: RecordPayload) -> PaymentView {
    PaymentView {
        receipt: None,
        retry: None,
        replaces: None,
        replaced_by: None,
        chargebacks: Vec::new(),
        v: 1,
        id: p.id,
        device_id: p.did,
        device_name: "Till".into(),
        seq: p.seq,
        number: p.sale.number,
        amount_minor: p.sale.total_minor,
        currency: p.sale.currency,
        tax_minor: p.sale.tax_minor,
        tip_minor: p.sale.tip_minor,
        staff_id: p.sale.staff,
        staff_name: None,
        refunded_minor: 0,
        state: "captured".into(),
        reason: None,
        approval_code: Some("A1".into()),
        brand: p.card.brand,
        last4: p.card.last4,
        entry: p.card.entry,
        offline: p.offline,
        taken_ms: p.created_ms,
        received_ms: p.created_ms,
        changed_ms: p.created_ms,
        lines: p.sale.lines,
    }
}
