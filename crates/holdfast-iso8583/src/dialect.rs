//! How a host writes its messages: encodings, and the table of fields in the standard's notation.

mod standard;

use serde::Deserialize;
use std::collections::BTreeMap;

/// How the message type is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MtiAs {
    Ascii,
    Bcd,
}

/// How a bitmap is written: 8 bytes or 16 hexadecimal characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BitmapAs {
    Binary,
    Hex,
}

/// How the length in front of a variable field is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LengthAs {
    /// Two or three digits.
    Ascii,
    /// One or two bytes.
    Bcd,
    /// One or two bytes, big-endian.
    Binary,
}

/// How `n` and `z` fields are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NumericAs {
    Ascii,
    Bcd,
}

/// How `b` fields are written. The length of a variable one counts what is sent: bytes, or hexadecimal characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BinaryAs {
    Raw,
    Hex,
}

/// Where an odd number of packed digits gets its filler: a leading 0, or a trailing F. Fixed fields always have it left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Filler {
    Left,
    Right,
}

/// What a field may hold (ISO 8583:1987 section 4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `n`: digits, filled up with zeros on the left.
    Numeric,
    /// `a`, `an`, `ans`, `as`, `ns`, `s`, `x+n`: printable ASCII, filled up with spaces on the right.
    Text,
    /// `z`: track 2 and 3: digits and the separator `=`.
    Track,
    /// `b`: bytes.
    Binary,
}

/// How long a field is, in digits, characters or bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    Fixed(usize),
    /// LLVAR: `..19`.
    Ll(usize),
    /// LLLVAR: `...999`.
    Lll(usize),
}

/// One line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldSpec {
    pub kind: Kind,
    pub length: Length,
    pub numeric: NumericAs,
    pub binary: BinaryAs,
    pub prefix: LengthAs,
    pub filler: Filler,
}

/// A whole dialect. Its `Default` is [`Dialect::standard`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialect {
    pub(crate) mti: MtiAs,
    pub(crate) bitmap: BitmapAs,
    pub(crate) fields: BTreeMap<u8, FieldSpec>,
}

/// A dialect as a file describes it. What it does not name is as in the standard table, written in ASCII with binary bitmaps.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DialectConfig {
    pub mti: Option<MtiAs>,
    pub bitmap: Option<BitmapAs>,
    pub length: Option<LengthAs>,
    pub numeric: Option<NumericAs>,
    pub binary: Option<BinaryAs>,
    pub filler: Option<Filler>,
    /// By field number, `"2"` to `"128"`.
    pub fields: BTreeMap<String, FieldConfig>,
}

/// A field in the standard's notation (`"n6"`, `"ans..25"`, `"z..37"`, `"b8"`), `"none"` for one that the host does not know, or a
/// table that says more.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum FieldConfig {
    Format(String),
    Full(FullFieldConfig),
}

/// A field whose encodings differ from the dialect's.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FullFieldConfig {
    pub format: String,
    pub length: Option<LengthAs>,
    pub numeric: Option<NumericAs>,
    pub binary: Option<BinaryAs>,
    pub filler: Option<Filler>,
}

/// What is wrong with a description.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DialectError {
    #[error("there is no field {0}: fields are 2 to 128, and 65 is for a third bitmap, which is not supported")]
    Number(String),
    #[error("field {0}: the format {1:?} is none of n, a, an, ans, z, b with a length such as 6, ..19 or ...999")]
    Format(u8, String),
}

impl Default for Dialect {
    fn default() -> Self {
        Self::standard()
    }
}

impl Dialect {
    /// ISO 8583:1987 in ASCII with binary bitmaps and raw binary fields, which most hosts come close to.
    pub fn standard() -> Self {
        Self::from_config(&DialectConfig::default()).unwrap_or_else(|_| Self {
            mti: MtiAs::Ascii,
            bitmap: BitmapAs::Binary,
            fields: BTreeMap::new(),
        })
    }

    /// The standard table with what `config` changes.
    ///
    /// # Errors
    /// [`DialectError`], at the first field that cannot be read.
    pub fn from_config(config: &DialectConfig) -> Result<Self, DialectError> {
        let mut fields = BTreeMap::new();
        for (number, format) in standard::FIELDS {
            let (kind, length) = notation(format).ok_or_else(|| DialectError::Format(*number, (*format).to_owned()))?;
            fields.insert(*number, spec(config, None, kind, length));
        }
        for (number, field) in &config.fields {
            let at = number.parse().ok().filter(|at| matches!(at, 2..=64 | 66..=128));
            let at = at.ok_or_else(|| DialectError::Number(number.clone()))?;
            let (format, full) = match field {
                FieldConfig::Format(format) => (format, None),
                FieldConfig::Full(full) => (&full.format, Some(full)),
            };
            if format == "none" {
                fields.remove(&at);
                continue;
            }
            let (kind, length) = notation(format).ok_or_else(|| DialectError::Format(at, format.clone()))?;
            fields.insert(at, spec(config, full, kind, length));
        }
        Ok(Self { mti: config.mti.unwrap_or(MtiAs::Ascii), bitmap: config.bitmap.unwrap_or(BitmapAs::Binary), fields })
    }

    pub fn field(&self, number: u8) -> Option<&FieldSpec> {
        self.fields.get(&number)
    }
}

fn spec(config: &DialectConfig, full: Option<&FullFieldConfig>, kind: Kind, length: Length) -> FieldSpec {
    let filler = full.and_then(|f| f.filler).or(config.filler).unwrap_or(Filler::Left);
    FieldSpec {
        kind,
        length,
        numeric: full.and_then(|f| f.numeric).or(config.numeric).unwrap_or(NumericAs::Ascii),
        binary: full.and_then(|f| f.binary).or(config.binary).unwrap_or(BinaryAs::Raw),
        prefix: full.and_then(|f| f.length).or(config.length).unwrap_or(LengthAs::Ascii),
        filler: if matches!(length, Length::Fixed(_)) { Filler::Left } else { filler },
    }
}

/// Reads `n6`, `an..25`, `ans...999`, `b8`.
fn notation(text: &str) -> Option<(Kind, Length)> {
    let at = text.find(|c: char| c == '.' || c.is_ascii_digit())?;
    let (kind, length) = text.split_at(at);
    let kind = match kind {
        "n" => Kind::Numeric,
        "a" | "an" | "ans" | "as" | "ns" | "s" | "x+n" => Kind::Text,
        "z" => Kind::Track,
        "b" => Kind::Binary,
        _ => return None,
    };
    let count = |digits: &str, max: usize| {
        let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        digits.parse().ok().filter(|count| is_number && (1..=max).contains(count))
    };
    let length = if let Some(rest) = length.strip_prefix("...") {
        Length::Lll(count(rest, 999)?)
    } else if let Some(rest) = length.strip_prefix("..") {
        Length::Ll(count(rest, 99)?)
    } else {
        Length::Fixed(count(length, 999)?)
    };
    Some((kind, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_notation_of_the_standard_is_read() {
        for (text, expected) in [
            ("n6", Some((Kind::Numeric, Length::Fixed(6)))),
            ("n..19", Some((Kind::Numeric, Length::Ll(19)))),
            ("ans...999", Some((Kind::Text, Length::Lll(999)))),
            ("x+n16", Some((Kind::Text, Length::Fixed(16)))),
            ("z..37", Some((Kind::Track, Length::Ll(37)))),
            ("b8", Some((Kind::Binary, Length::Fixed(8)))),
        ] {
            assert_eq!(notation(text), expected, "{text}");
        }
        for text in ["", "n", "6", "n0", "n..", "n..100", "n...1000", "n....5", "q5", "n+5", "n..5x", "n6 "] {
            assert_eq!(notation(text), None, "{text}");
        }
    }

    #[test]
    fn the_standard_table_is_whole() {
        let dialect = Dialect::standard();
        assert_eq!(dialect.fields.len(), 126, "2 to 128 without 65");
        assert_eq!(dialect.field(2).map(|spec| spec.length), Some(Length::Ll(19)));
    }

    #[test]
    fn a_file_changes_what_it_names() {
        let text = r#"{"numeric":"bcd","length":"bcd","fields":{
            "37":"n12","63":{"format":"ans...60","length":"binary"},"47":"none"}}"#;
        let config: DialectConfig = serde_json::from_str(text).expect("reads");
        let dialect = Dialect::from_config(&config).expect("holds");
        assert_eq!(dialect.field(37).map(|spec| (spec.kind, spec.numeric)), Some((Kind::Numeric, NumericAs::Bcd)));
        assert_eq!(dialect.field(63).map(|spec| spec.prefix), Some(LengthAs::Binary));
        assert_eq!((dialect.field(47), dialect.field(2).map(|spec| spec.prefix)), (None, Some(LengthAs::Bcd)));
        for (fields, message) in [(r#"{"1":"b8"}"#, "no field 1"), (r#"{"65":"b8"}"#, "65"), (r#"{"3":"q"}"#, "format")]
        {
            let config: DialectConfig = serde_json::from_str(&format!("{{\"fields\":{fields}}}")).expect("reads");
            assert!(Dialect::from_config(&config).is_err_and(|error| error.to_string().contains(message)), "{fields}");
        }
        assert!(serde_json::from_str::<DialectConfig>(r#"{"bitmaps":"hex"}"#).is_err(), "a slip of the pen is said");
    }
}
