//! From the wire's shapes to what the views are given.

use super::payment::{CardView, LineView, Payment, PaymentStage, RetryWindow};
use holdfast_core::card::{Brand, Entry};
use holdfast_core::money::{Amount, Currency};
use holdfast_wire::history::PaymentView;
use holdfast_wire::record::{CardWire, LineWire, SaleWire};
use holdfast_wire::stored::{MISSING, Tombstone};

/// A payment as the server tells it. `None` for a currency or state that this version does not know.
pub fn known(view: &PaymentView) -> Option<Payment> {
    let currency = view.currency.parse().ok()?;
    let code = view.reason.as_ref().map(|reason| reason.code.clone()).unwrap_or_default();
    let state = match view.state.as_str() {
        "received" => PaymentStage::Received,
        "authorising" => PaymentStage::Authorising,
        "authorised" => PaymentStage::Authorised,
        "capturing" => PaymentStage::Capturing,
        "captured" => PaymentStage::Captured,
        "partly-refunded" => PaymentStage::PartlyRefunded,
        "refunded" => PaymentStage::Refunded,
        "voided" => PaymentStage::Voided,
        "declined" => PaymentStage::Declined { code },
        "expired" => PaymentStage::Expired,
        "quarantined" => PaymentStage::Quarantined { reason: code },
        _ => return None,
    };
    Some(Payment {
        id: view.id.clone(),
        number: view.number.clone(),
        state,
        amount: Amount::new(view.amount_minor, currency),
        tax: Amount::new(view.tax_minor, currency),
        tip: Amount::new(view.tip_minor, currency),
        seller: view.staff_id.clone().map(|id| (id, view.staff_name.clone())),
        refunded: Amount::new(view.refunded_minor, currency),
        card: CardView {
            brand: Brand::from_name(&view.brand).to_string(),
            last4: view.last4.clone(),
            entry: Entry::from_name(&view.entry).unwrap_or(Entry::Swipe),
        },
        offline: view.offline,
        device: view.device_name.clone(),
        taken_ms: view.taken_ms,
        received_ms: (view.received_ms > 0).then_some(view.received_ms),
        changed_ms: Some(view.changed_ms),
        approval_code: view.approval_code.clone(),
        lines: lines(&view.lines, currency),
        // A path of this server, and nothing else, may become a link.
        live: view.receipt.clone().filter(|path| is_receipt_path(path)),
        retry: view.retry.map(|retry| RetryWindow {
            from_ms: retry.from_ms,
            until_ms: retry.until_ms,
            by_itself: retry.by_itself,
        }),
        replaces: view.replaces.clone(),
        replaced_by: view.replaced_by.clone(),
        taken_back: view
            .chargebacks
            .iter()
            .map(|c| (Amount::new(c.amount_minor, currency), c.reason.clone().unwrap_or_default(), c.at_ms))
            .collect(),
    })
}

/// A payment that the server has, and of which nothing newer is known yet.
pub fn sent(stone: &Tombstone) -> Option<Payment> {
    let state = match (stone.status.as_str(), &stone.reason) {
        // Also when the server lost it: nothing of it was ever to be charged.
        ("stored" | "duplicate" | MISSING, _) if stone.voids.is_some() => PaymentStage::Voided,
        (MISSING, _) => PaymentStage::Quarantined { reason: MISSING.to_owned() },
        ("quarantined", reason) => PaymentStage::Quarantined { reason: reason.clone().unwrap_or_default() },
        _ => PaymentStage::Received,
    };
    let mut payment = own(&stone.id, &stone.sale, &stone.card, stone.created_ms, state)?;
    payment.received_ms = Some(stone.at_ms);
    Some(payment)
}

/// A payment of this device.
pub fn own(id: &str, sale: &SaleWire, card: &CardWire, created_ms: i64, state: PaymentStage) -> Option<Payment> {
    let currency = sale.currency.parse().ok()?;
    Some(Payment {
        id: id.to_owned(),
        number: sale.number.clone(),
        state,
        amount: Amount::new(sale.total_minor, currency),
        tax: Amount::new(sale.tax_minor, currency),
        tip: Amount::new(sale.tip_minor, currency),
        seller: sale.staff.clone().map(|id| (id, None)),
        refunded: Amount::zero(currency),
        card: CardView {
            brand: Brand::from_name(&card.brand).to_string(),
            last4: card.last4.clone(),
            entry: Entry::from_name(&card.entry).unwrap_or(Entry::Swipe),
        },
        offline: true,
        device: String::new(),
        taken_ms: created_ms,
        received_ms: None,
        changed_ms: None,
        approval_code: None,
        lines: lines(&sale.lines, currency),
        live: None,
        retry: None,
        replaces: None,
        replaced_by: None,
        taken_back: Vec::new(),
    })
}

fn is_receipt_path(path: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    path.strip_prefix("/r/").is_some_and(|token| !token.is_empty() && token.bytes().all(is_plain))
}

fn lines(lines: &[LineWire], currency: Currency) -> Vec<LineView> {
    let line = |l: &LineWire| LineView {
        name: l.name.clone(),
        quantity: l.qty,
        unit: Amount::new(l.unit_minor, currency),
        total: Amount::new(l.total_minor, currency),
    };
    lines.iter().map(line).collect()
}
