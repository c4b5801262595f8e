//! What the simulator answers without a script: the test card decides.

use holdfast_core::id::PaymentId;

/// The response code (ISO 8583 field 39) for a card number. Any card that is no test card is unknown to the simulator.
pub fn code_for(pan: &str) -> &'static str {
    match pan {
        "4242424242424242" | "5555555555554444" | "378282246310005" => "00",
        "4000000000000002" => "05",
        "4000000000009995" => "51",
        "4000000000000069" => "54",
        "4000000000000119" => "91",
        _ => "14",
    }
}

/// Six characters that depend on the reference alone, so that a repeated request reads the same.
pub fn approval_code(reference: &PaymentId) -> String {
    let text = reference.to_string();
    text.get(text.len().saturating_sub(6)..).unwrap_or_default().to_ascii_uppercase()
}
