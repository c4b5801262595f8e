//! Why a card's bank takes money back.

/// A chargeback's reason: four digits, as field 25 of ISO 8583:1993 carries it. The ranges of meaning are those that the card brands
/// publish to merchants; a code that is not among them is kept as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChargebackReason(String);

impl ChargebackReason {
    /// `None` unless it is four digits.
    pub fn parse(text: &str) -> Option<Self> {
        let is_code = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
        is_code.then(|| Self(text.to_owned()))
    }

    pub fn code(&self) -> &str {
        &self.0
    }

    /// The reason in words for the shop.
    pub fn words(&self) -> &'static str {
        match self.0.as_str() {
            "4808" => "the bank says that it was not authorised as it had to be",
            "4831" => "the customer says that another amount was agreed",
            "4834" => "the customer says that it was charged twice, or wrongly at the till",
            "4837" => "the cardholder says that nobody had permission to pay",
            "4842" => "it was presented too late",
            "4853" => "the customer is not content with what was sold",
            "4860" => "the customer waits for a refund",
            "4863" => "the cardholder does not recognise the payment",
            "4870" | "4871" => "a card with a chip was not read by its chip",
            _ => "the card's bank took it back",
        }
    }
}
