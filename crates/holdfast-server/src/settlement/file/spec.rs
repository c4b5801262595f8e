//! What stands where in an acquirer's file: a table, read from TOML.

use holdfast_core::money::Currency;
use holdfast_core::settlement::ItemKind;
use serde::Deserialize;
use std::path::Path;

/// Why a description cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SpecError {
    #[error("the description of the file cannot be read: {0}")]
    File(#[from] std::io::Error),
    #[error("the description of the file: {0}")]
    Toml(#[from] toml::de::Error),
    #[error("the description of the file: {0}")]
    Value(&'static str),
}

/// The table. Every default is that of our own format.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Spec {
    /// One character.
    pub delimiter: String,
    /// The first line names the columns; without it they are named by their numbers, from "1".
    pub head: bool,
    pub columns: Columns,
    pub types: Types,
    pub amounts: Amounts,
    pub time: Time,
}

/// The columns by their names. An empty name: the file has no such column.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Columns {
    pub r#type: String,
    /// The payment's id, as it was sent with the authorisation.
    pub reference: String,
    /// Which refund of the payment. Without it every one is the first.
    pub number: String,
    pub time: String,
    pub currency: String,
    pub amount: String,
    pub fee: String,
    /// What is left of the amount after the fee. It is only checked.
    pub net: String,
    pub reason: String,
}

/// What the type's column says.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Types {
    pub capture: Vec<String>,
    pub refund: Vec<String>,
    pub chargeback: Vec<String>,
    pub payout: Vec<String>,
    /// The line that names the day, in the column of the reference.
    pub begin: Vec<String>,
    /// The last line, with the number of lines between it and `begin`. Without such a type every file counts as whole.
    pub end: Vec<String>,
    /// Lines that say nothing for us.
    pub skip: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Amounts {
    pub unit: Unit,
    /// In front of the decimals; one character.
    pub decimal: String,
    /// Between thousands; one character or nothing.
    pub thousands: String,
    pub sign: Sign,
    /// Of a file without a column for it.
    pub currency: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// `1060`
    Minor,
    /// `10.60`
    Major,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sign {
    /// As the shop sees it: refunds and chargebacks are negative.
    Signed,
    /// Every amount but a payout's is positive, and the type says which way it goes.
    ByType,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Time {
    /// `rfc3339`, or the directives of strftime such as `%d.%m.%Y %H:%M:%S`.
    pub format: String,
    /// The zone of a time that does not say its own.
    pub zone: String,
}

impl Default for Spec {
    fn default() -> Self {
        let (columns, types, amounts, time) = Default::default();
        Self { delimiter: ",".to_owned(), head: true, columns, types, amounts, time }
    }
}

impl Default for Columns {
    fn default() -> Self {
        Self {
            r#type: "type".to_owned(),
            reference: "reference".to_owned(),
            number: "number".to_owned(),
            time: "time".to_owned(),
            currency: "currency".to_owned(),
            amount: "amount".to_owned(),
            fee: "fee".to_owned(),
            net: "net".to_owned(),
            reason: "reason".to_owned(),
        }
    }
}

impl Default for Types {
    fn default() -> Self {
        let one = |name: &str| vec![name.to_owned()];
        Self {
            capture: one("capture"),
            refund: one("refund"),
            chargeback: one("chargeback"),
            payout: one("payout"),
            begin: one("begin"),
            end: one("end"),
            skip: Vec::new(),
        }
    }
}

impl Default for Amounts {
    fn default() -> Self {
        Self {
            unit: Unit::Minor,
            decimal: ".".to_owned(),
            thousands: String::new(),
            sign: Sign::Signed,
            currency: String::new(),
        }
    }
}

impl Default for Time {
    fn default() -> Self {
        Self { format: "rfc3339".to_owned(), zone: "UTC".to_owned() }
    }
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    Item(ItemKind),
    Begin,
    End,
    Skip,
}

impl Types {
    pub fn kind(&self, text: &str) -> Option<LineKind> {
        let lists = [
            (&self.capture, LineKind::Item(ItemKind::Capture)),
            (&self.refund, LineKind::Item(ItemKind::Refund)),
            (&self.chargeback, LineKind::Item(ItemKind::Chargeback)),
            (&self.payout, LineKind::Item(ItemKind::Payout)),
            (&self.begin, LineKind::Begin),
            (&self.end, LineKind::End),
            (&self.skip, LineKind::Skip),
        ];
        lists.into_iter().find(|(names, _)| names.iter().any(|name| name == text)).map(|(_, kind)| kind)
    }
}

impl Spec {
    /// Reads and checks one.
    ///
    /// # Errors
    /// When the file cannot be read, or says something that is no description.
    pub fn open(path: &Path) -> Result<Self, SpecError> {
        Self::parse(&std::fs::read_to_string(path)?)
    }

    /// # Errors
    /// When the text is no description.
    pub fn parse(text: &str) -> Result<Self, SpecError> {
        let spec: Self = toml::from_str(text)?;
        if spec.delimiter.len() != 1 {
            return Err(SpecError::Value("delimiter is one character"));
        }
        if spec.amounts.decimal.len() != 1 || spec.amounts.thousands.len() > 1 {
            return Err(SpecError::Value("amounts.decimal is one character, amounts.thousands one or none"));
        }
        let needed = [&spec.columns.r#type, &spec.columns.reference, &spec.columns.amount, &spec.columns.time];
        if needed.iter().any(|name| name.is_empty()) {
            return Err(SpecError::Value("columns: type, reference, time and amount are needed"));
        }
        if spec.columns.currency.is_empty() && spec.amounts.currency.parse::<Currency>().is_err() {
            return Err(SpecError::Value("name columns.currency, or the one currency as amounts.currency"));
        }
        if jiff::tz::TimeZone::get(&spec.time.zone).is_err() {
            return Err(SpecError::Value("time.zone is not known: use a name such as Europe/Berlin"));
        }
        Ok(spec)
    }
}
