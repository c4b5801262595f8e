//! Reads a file by its description. A line that cannot be read is put aside with its number and words; the others go on.

use super::spec::{LineKind, Sign, Spec, Unit};
use holdfast_core::limits::{BOOKED_MINOR_MAX, SETTLEMENT_FAULTS_MAX, SETTLEMENT_LINE_BYTES_MAX, SETTLEMENT_LINES_MAX};
use holdfast_core::money::Currency;
use holdfast_core::settlement::{ChargebackReason, Fault, Item, ItemKind, Key, Statement};
use holdfast_core::time::UnixMs;
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};
use std::collections::HashMap;

/// Why nothing of a file can be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error("the file is empty")]
    Empty,
    #[error("the first line does not name the column {0}: is the description that of this file?")]
    Column(String),
    #[error("the file does not say which day it is of: name it with --day")]
    Day,
    #[error("the file says another day than --day")]
    OtherDay,
    #[error("the file has more lines than one day can have: {SETTLEMENT_LINES_MAX}")]
    TooLong,
}

/// Reads `bytes`. `day` is needed where the file does not say its own.
///
/// # Errors
/// When it is no file of this description.
pub fn read(spec: &Spec, bytes: &[u8], day: Option<i64>) -> Result<Statement, ReadError> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_start_matches('\u{feff}');
    let ends_whole = text.ends_with('\n');
    let lines: Vec<&str> = text.lines().collect();
    if lines.len() > SETTLEMENT_LINES_MAX {
        return Err(ReadError::TooLong);
    }
    let mut reader =
        Reader { spec, columns: HashMap::new(), items: Vec::new(), faults: Vec::new(), told: Told::default() };
    let mut rest = (1_u32..).zip(lines.iter().copied());
    if spec.head {
        let (_, head) = rest.next().ok_or(ReadError::Empty)?;
        reader.name_columns(head)?;
    }
    for (number, line) in rest.filter(|(_, line)| !line.trim().is_empty()) {
        // What stands after the last line break was cut off, also when it happens to look like a line.
        let is_cut = !ends_whole && usize::try_from(number).is_ok_and(|number| number == lines.len());
        reader.told.lines += 1;
        if let Err(words) = if is_cut { Err("the line is cut off".to_owned()) } else { reader.line(number, line) } {
            reader.fault(number, words);
        }
    }
    reader.finish(day)
}

struct Reader<'a> {
    spec: &'a Spec,
    columns: HashMap<String, usize>,
    items: Vec<Item>,
    faults: Vec<Fault>,
    told: Told,
}

/// What the file says about itself.
#[derive(Default)]
struct Told {
    day: Option<i64>,
    lines: usize,
    /// Lines that are neither the first nor the last.
    counted: usize,
    /// How many there are to be, as the last line has it.
    end: Option<usize>,
}

type Words<T> = Result<T, String>;

impl Reader<'_> {
    fn name_columns(&mut self, head: &str) -> Result<(), ReadError> {
        let names = self.fields(head).map_err(ReadError::Column)?;
        self.columns = names.iter().enumerate().map(|(at, name)| (name.trim().to_owned(), at)).collect();
        let columns = &self.spec.columns;
        let all = [
            &columns.r#type,
            &columns.reference,
            &columns.number,
            &columns.time,
            &columns.currency,
            &columns.amount,
            &columns.fee,
            &columns.net,
            &columns.reason,
        ];
        match all.into_iter().find(|name| !name.is_empty() && !self.columns.contains_key(*name)) {
            Some(name) => Err(ReadError::Column(name.clone())),
            None => Ok(()),
        }
    }

    fn fields(&self, line: &str) -> Words<Vec<String>> {
        if line.len() > SETTLEMENT_LINE_BYTES_MAX {
            return Err("the line is too long".to_owned());
        }
        let delimiter = self.spec.delimiter.bytes().next().unwrap_or(b',');
        // Line by line, so that a quote that is never closed spoils its own line only.
        let mut parser = csv::ReaderBuilder::new().has_headers(false).delimiter(delimiter).from_reader(line.as_bytes());
        let record =
            parser.records().next().ok_or("the line is empty")?.map_err(|_| "the line is no CSV".to_owned())?;
        Ok(record.iter().map(str::to_owned).collect())
    }

    fn line(&mut self, number: u32, line: &str) -> Words<()> {
        let fields = self.fields(line)?;
        if self.spec.head && fields.len() != self.columns.len() {
            return Err(format!("the line has {} fields and not {}", fields.len(), self.columns.len()));
        }
        let columns = &self.spec.columns;
        let kind = self.spec.types.kind(self.field(&fields, &columns.r#type)).ok_or("the type is not known")?;
        match kind {
            LineKind::Skip => self.told.counted += 1,
            LineKind::Begin => {
                let day = self.field(&fields, &columns.reference);
                self.told.day = Some(crate::journal::report::day(day).map_err(|_| "the day cannot be read")?);
            }
            LineKind::End => {
                let count = self.field(&fields, &columns.number).parse();
                self.told.end = Some(count.map_err(|_| "the number of lines cannot be read")?);
            }
            LineKind::Item(kind) => {
                self.told.counted += 1;
                if self.told.end.is_some() {
                    return Err("the line stands after the last one".to_owned());
                }
                let item = self.item(kind, number, &fields)?;
                self.items.push(item);
            }
        }
        Ok(())
    }

    fn item(&self, kind: ItemKind, line: u32, fields: &[String]) -> Words<Item> {
        let columns = &self.spec.columns;
        let reference = self.field(fields, &columns.reference);
        // Names of payments and payouts: nothing that a page or a log could stumble over, and no card number's length by chance.
        let is_name = (1..=64).contains(&reference.len())
            && reference.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/".contains(&byte));
        if !is_name {
            return Err("the reference is none".to_owned());
        }
        let number = match self.field(fields, &columns.number) {
            "" => 1,
            text => text.parse().ok().filter(|number| (1..=10_000).contains(number)).ok_or("the number is none")?,
        };
        let currency = match self.field(fields, &columns.currency) {
            "" => self.spec.amounts.currency.as_str(),
            text => text,
        };
        let currency: Currency = currency.parse().map_err(|_| "the currency is not known")?;
        let (amount_minor, fee_minor) = self.amounts(kind, fields, currency)?;
        let reason = match (kind, self.field(fields, &columns.reason)) {
            (ItemKind::Chargeback, "") | (ItemKind::Capture | ItemKind::Refund | ItemKind::Payout, _) => None,
            (ItemKind::Chargeback, text) => {
                Some(ChargebackReason::parse(text).ok_or("the reason is no code of four digits")?.code().to_owned())
            }
        };
        let key = Key { kind, reference: reference.to_owned(), number };
        let at_ms = self.time(self.field(fields, &columns.time))?;
        Ok(Item { line, key, amount_minor, fee_minor, currency: currency.code().to_owned(), at_ms, reason })
    }

    fn amounts(&self, kind: ItemKind, fields: &[String], currency: Currency) -> Words<(i64, i64)> {
        let columns = &self.spec.columns;
        let amount = self.minor(self.field(fields, &columns.amount), currency).ok_or("the amount cannot be read")?;
        let fee_minor = match self.field(fields, &columns.fee) {
            "" => 0,
            text => self.minor(text, currency).ok_or("the fee cannot be read")?,
        };
        let goes_out = matches!(kind, ItemKind::Refund | ItemKind::Chargeback);
        let amount_minor = if goes_out && self.spec.amounts.sign == Sign::ByType { -amount } else { amount };
        let is_right_way = match kind {
            ItemKind::Capture => amount_minor > 0,
            ItemKind::Refund | ItemKind::Chargeback => amount_minor < 0,
            ItemKind::Payout => true,
        };
        if !is_right_way {
            return Err("the amount has the wrong sign for its type".to_owned());
        }
        match self.field(fields, &columns.net) {
            "" => {}
            text if self.minor(text, currency) == Some(amount_minor - fee_minor) => {}
            _ => return Err("net is not the amount less the fee".to_owned()),
        }
        Ok((amount_minor, fee_minor))
    }

    /// An amount in minor units, within what the books hold.
    fn minor(&self, text: &str, currency: Currency) -> Option<i64> {
        let amounts = &self.spec.amounts;
        let plain = if amounts.thousands.is_empty() { text.to_owned() } else { text.replace(&amounts.thousands, "") };
        let (is_negative, digits) = match plain.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, plain.strip_prefix('+').unwrap_or(&plain)),
        };
        let digits = match amounts.unit {
            Unit::Minor => digits.to_owned(),
            Unit::Major => {
                let (whole, decimals) = digits.split_once(amounts.decimal.as_str()).unwrap_or((digits, ""));
                let places = usize::from(currency.exponent());
                if whole.is_empty() || decimals.len() > places {
                    return None;
                }
                format!("{whole}{decimals:0<places$}")
            }
        };
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let minor: i64 = digits.parse().ok().filter(|minor| *minor <= BOOKED_MINOR_MAX)?;
        Some(if is_negative { -minor } else { minor })
    }

    fn time(&self, text: &str) -> Words<UnixMs> {
        let unreadable = || "the time cannot be read".to_owned();
        if self.spec.time.format == "rfc3339" {
            return text.parse::<Timestamp>().map(Timestamp::as_millisecond).map_err(|_| unreadable());
        }
        let parts = jiff::fmt::strtime::parse(&self.spec.time.format, text).map_err(|_| unreadable())?;
        if let Ok(instant) = parts.to_timestamp() {
            return Ok(instant.as_millisecond());
        }
        let local =
            parts.to_datetime().or_else(|_| parts.to_date().map(civil::DateTime::from)).map_err(|_| unreadable())?;
        let zone = TimeZone::get(&self.spec.time.zone).map_err(|_| unreadable())?;
        zone.to_timestamp(local).map(Timestamp::as_millisecond).map_err(|_| unreadable())
    }

    /// A field by its column's name; empty when there is none.
    fn field<'f>(&self, fields: &'f [String], name: &str) -> &'f str {
        let at = if self.spec.head {
            self.columns.get(name).copied()
        } else {
            name.parse::<usize>().ok().and_then(|number| number.checked_sub(1))
        };
        at.and_then(|at| fields.get(at)).map_or("", |field| field.trim())
    }

    fn fault(&mut self, line: u32, words: String) {
        if self.faults.len() < SETTLEMENT_FAULTS_MAX {
            self.faults.push(Fault { line, words });
        }
    }

    fn finish(mut self, day: Option<i64>) -> Result<Statement, ReadError> {
        if self.told.lines == 0 && self.told.day.is_none() && !self.spec.types.begin.is_empty() {
            return Err(ReadError::Empty);
        }
        let day = match (self.told.day, day) {
            (Some(told), Some(asked)) if told != asked => return Err(ReadError::OtherDay),
            (told, asked) => told.or(asked).ok_or(ReadError::Day)?,
        };
        let unreadable = self.faults.len();
        let is_complete = match (self.spec.types.end.is_empty(), self.told.end) {
            (true, _) => true,
            (false, None) => {
                let words = "the file is torn: its last line is missing, so nobody can say what else is";
                self.fault(0, words.to_owned());
                false
            }
            // A line whose type cannot be read counts too.
            (false, Some(count)) if self.items.len() + unreadable < count => {
                self.fault(0, format!("the last line speaks of {count} lines, and {} are there", self.told.counted));
                false
            }
            (false, Some(_)) => true,
        };
        Ok(Statement { day, items: self.items, faults: self.faults, is_complete })
    }
}
