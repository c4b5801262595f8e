//! What a message says. Its shape is documented in docs/webhooks.md and has a version; a field is added, never changed.

use holdfast_core::id::MerchantId;
use holdfast_core::payment::Refunds;
use holdfast_core::time::{DAY_MS, UnixMs, iso_date, utc_day};
use holdfast_wire::b64;
use serde_json::{Value, json};

/// The version of `data`.
const V: u32 = 1;

/// A message as it is kept and sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The `webhook-id`.
    pub id: String,
    pub kind: String,
    /// Where it comes from: unique in its merchant.
    pub source: String,
    pub body: String,
    pub at_ms: UnixMs,
}

/// The fields of a payment that a message tells.
#[derive(Debug, Clone)]
pub struct Told {
    pub change: i64,
    pub state: String,
    pub reason: Option<String>,
    pub at_ms: UnixMs,
    pub id: String,
    pub number: String,
    pub amount_minor: i64,
    pub tax_minor: i64,
    pub tip_minor: i64,
    /// Empty when nobody had signed in.
    pub staff_id: String,
    pub currency: String,
    pub brand: String,
    pub last4: String,
    pub offline: bool,
    pub taken_ms: UnixMs,
    pub device_id: String,
    /// The payment of the same sale that was not paid and that this one was made in place of.
    pub replaces: Option<String>,
}

/// A message. The same source always has the same id, so that no receiver can take one event for two.
pub fn message(merchant_id: MerchantId, kind: &str, source: String, at_ms: UnixMs, mut data: Value) -> Message {
    data["v"] = V.into();
    data["merchant_id"] = merchant_id.to_string().into();
    let body = json!({ "type": kind, "timestamp": timestamp(at_ms), "data": data });
    let hash = b64::sha256(format!("holdfast webhook {merchant_id} {source}"));
    let id = format!("msg_{}", b64::encode(&hash[..16]));
    Message { id, kind: kind.to_owned(), source, body: body.to_string(), at_ms }
}

/// The data of a message about a payment.
pub fn payment(told: &Told) -> Value {
    let refunds: Option<Refunds> =
        told.reason.as_deref().filter(|_| told.state.ends_with("refunded")).and_then(|text| text.parse().ok());
    let reason = told.reason.as_deref().filter(|_| refunds.is_none());
    json!({
        "sequence": told.change,
        "payment": {
            "id": told.id,
            "number": told.number,
            "state": told.state,
            "reason": reason,
            "amount_minor": told.amount_minor,
            "tax_minor": told.tax_minor,
            "tip_minor": told.tip_minor,
            "staff_id": Some(&told.staff_id).filter(|id| !id.is_empty()),
            "refunded_minor": refunds.map_or(0, |refunds| refunds.refunded_minor()),
            "currency": told.currency,
            "card": { "brand": told.brand, "last4": told.last4 },
            "offline": told.offline,
            "device_id": told.device_id,
            "replaces": told.replaces,
            "taken_at": timestamp(told.taken_ms),
        },
    })
}

/// RFC 3339 in UTC, with milliseconds.
pub fn timestamp(at_ms: UnixMs) -> String {
    let ms = at_ms.rem_euclid(DAY_MS);
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
    format!("{}T{hour:02}:{minute:02}:{second:02}.{:03}Z", iso_date(utc_day(at_ms)), ms % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_says_what_its_page_says_and_always_the_same() {
        let told = Told {
            change: 7,
            state: "partly-refunded".into(),
            reason: Some("1060:300@5=customer-request".into()),
            at_ms: 1_795_446_000_123,
            id: "p".into(),
            number: "1-0001".into(),
            amount_minor: 1_060,
            tax_minor: 60,
            tip_minor: 100,
            staff_id: String::new(),
            currency: "EUR".into(),
            brand: "visa".into(),
            last4: "4242".into(),
            offline: true,
            taken_ms: 1_795_446_000_000,
            device_id: "d".into(),
            replaces: None,
        };
        let merchant = MerchantId::make([1; 16]);
        let make = || message(merchant, "payment.refunded", "payment/7".into(), told.at_ms, payment(&told));
        let (one, two) = (make(), make());
        assert_eq!(one, two);
        assert!(one.id.starts_with("msg_") && one.id.len() == 26);
        let body: Value = serde_json::from_str(&one.body).expect("JSON");
        assert_eq!((&body["type"], &body["data"]["v"]), (&"payment.refunded".into(), &1.into()));
        let told_payment = &body["data"]["payment"];
        assert_eq!((&told_payment["tip_minor"], &told_payment["staff_id"]), (&100.into(), &Value::Null));
        assert_eq!(body["timestamp"].as_str().map(|text| (text.len(), text.ends_with(".123Z"))), Some((24, true)));
        let other = message(merchant, "payment.refunded", "payment/8".into(), 0, payment(&told));
        assert_ne!(one.id, other.id);
    }
}
