//! What the simulator answers without a script: the test card decides. And what it keeps for it.

use super::plan::{Dispute, Plan};
use holdfast_core::id::PaymentId;
use holdfast_core::settlement::ItemKind;
use holdfast_core::time::DAY_MS;

/// The response code (ISO 8583 field 39) for a card number. Any card that is no test card is unknown to the simulator.
pub fn code_for(pan: &str) -> &'static str {
    match pan {
        "4242424242424242" | "5555555555554444" | "378282246310005" | LATE_DECLINE | DISPUTED => "00",
        "4000000000000002" => "05",
        "4000000000009995" => "51",
        "4000000000000069" => "54",
        "4000000000000119" => "91",
        _ => "14",
    }
}

/// Approved, and refused when it is captured.
const LATE_DECLINE: &str = "4000000000000341";
/// Captured, and taken back by its bank three days later.
const DISPUTED: &str = "4000000000000259";

/// What a card's own rule has in store for its payment after the approval.
pub fn plan_for(pan: &str, plan: Plan) -> Plan {
    match pan {
        LATE_DECLINE => Plan { capture_code: Some("51".to_owned()), ..plan },
        DISPUTED => Plan { dispute: Some(Dispute { reason: "4837".to_owned(), after_ms: 3 * DAY_MS }), ..plan },
        _ => plan,
    }
}

/// Six characters that depend on the reference alone, so that a repeated request reads the same.
pub fn approval_code(reference: &PaymentId) -> String {
    let text = reference.to_string();
    text.get(text.len().saturating_sub(6)..).unwrap_or_default().to_ascii_uppercase()
}

/// What the simulator keeps, in minor units: of a capture 1.4 % and 10, of a chargeback 1500, of a refund nothing. The fee of the
/// capture is not given back with a refund.
pub fn fee_minor(kind: ItemKind, amount_minor: i64) -> i64 {
    match kind {
        // Half a minor unit is rounded up.
        ItemKind::Capture => amount_minor.saturating_mul(14).saturating_add(500) / 1_000 + 10,
        ItemKind::Chargeback => 1_500,
        ItemKind::Refund | ItemKind::Payout => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fees_are_whole_minor_units() {
        for (amount_minor, fee) in [(1_060, 25), (1_000, 24), (36, 11), (35, 10), (1, 10)] {
            assert_eq!(fee_minor(ItemKind::Capture, amount_minor), fee, "{amount_minor}");
        }
    }
}
