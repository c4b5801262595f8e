//! The acquirer's file: where the host is, who we are to it, and how it speaks. docs/acquirer.md explains every line.

use holdfast_iso8583::{Dialect, DialectConfig, DialectError, Framing, LengthHeader};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Longest time that an answer is waited for. All calls of one run of a payment's job fit into its lease.
const ANSWER_MS_MAX: u64 = 20_000;
/// Connections to one host.
const CONNECTIONS_MAX: usize = 8;

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("the acquirer's file {0} cannot be read: {1}")]
    Read(PathBuf, std::io::Error),
    #[error("the acquirer's file is not as docs/acquirer.md says: {0}")]
    Parse(#[from] toml::de::Error),
    #[error("the acquirer's dialect cannot be used: {0}")]
    Dialect(#[from] DialectError),
    #[error("the acquirer's file: {0}")]
    Value(&'static str),
}

/// How the reference number of an exchange (field 37) is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rrn {
    /// Ten characters made from the payment's id, and the number of the attempt.
    Reference,
    /// Last digit of the year, day of the year, hour, STAN: for hosts that take digits only.
    Julian,
}

/// TLS to the host.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// PEM file of the authorities that the host's certificate may come from. Nothing else is trusted.
    pub ca_file: PathBuf,
    /// The name in the host's certificate.
    pub server_name: String,
    /// PEM files of our own certificate and key, for a host that asks who calls.
    #[serde(default)]
    pub cert_file: Option<PathBuf>,
    #[serde(default)]
    pub key_file: Option<PathBuf>,
}

/// Response codes (field 39) with a meaning of their own. Every other code is a decline.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Codes {
    pub approved: Vec<String>,
    /// Approved for less than was asked. It is given back, and the payment is declined.
    pub partial: Vec<String>,
    /// Answers to a reversal that say: there is nothing to reverse.
    pub nothing_to_reverse: Vec<String>,
}

impl Default for Codes {
    fn default() -> Self {
        let list = |codes: &[&str]| codes.iter().map(|code| (*code).to_owned()).collect();
        // 25: unable to locate the record. 21: no action taken.
        Self { approved: list(&["00"]), partial: list(&["10"]), nothing_to_reverse: list(&["25", "21"]) }
    }
}

impl Codes {
    pub fn is_approved(&self, code: &str) -> bool {
        self.approved.iter().any(|approved| approved == code)
    }

    pub fn is_partial(&self, code: &str) -> bool {
        self.partial.iter().any(|partial| partial == code)
    }

    /// Whether this answer to a reversal says that nothing of the original stands any more.
    pub fn is_reversed(&self, code: &str) -> bool {
        self.is_approved(code) || self.nothing_to_reverse.iter().any(|nothing| nothing == code)
    }
}

/// How the card was read (field 22).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EntryModes {
    pub swipe: String,
    pub keyed: String,
}

impl Default for EntryModes {
    fn default() -> Self {
        // 90: the whole stripe was read; 01: keyed. 2: no PIN can be entered.
        Self { swipe: "902".to_owned(), keyed: "012".to_owned() }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct FramingFile {
    header: LengthHeader,
    #[serde(default)]
    counts_itself: bool,
    /// Hexadecimal.
    #[serde(default)]
    prefix: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    address: String,
    #[serde(default = "one")]
    connections: usize,
    framing: Option<FramingFile>,
    #[serde(default = "connect_ms")]
    connect_ms: u64,
    #[serde(default = "answer_ms")]
    answer_ms: u64,
    #[serde(default = "echo_ms")]
    echo_ms: u64,
    #[serde(default = "is_true")]
    sign_on: bool,
    terminal: String,
    merchant: String,
    institution: String,
    #[serde(default)]
    utc_offset_minutes: i64,
    #[serde(default = "by_reference")]
    rrn: Rrn,
    #[serde(default)]
    entry: EntryModes,
    #[serde(default = "deferred")]
    deferred: BTreeMap<String, String>,
    #[serde(default)]
    always: BTreeMap<String, String>,
    #[serde(default)]
    codes: Codes,
    tls: Option<Tls>,
    #[serde(default)]
    dialect: DialectConfig,
}

fn one() -> usize {
    1
}

fn connect_ms() -> u64 {
    5_000
}

fn answer_ms() -> u64 {
    15_000
}

fn echo_ms() -> u64 {
    60_000
}

fn is_true() -> bool {
    true
}

fn by_reference() -> Rrn {
    Rrn::Reference
}

/// A message reason code for a deferred authorisation, in the private field that the default dialect uses for it.
fn deferred() -> BTreeMap<String, String> {
    [("60".to_owned(), "5206".to_owned())].into()
}

/// The file, read and checked.
#[derive(Debug, Clone)]
pub struct Config {
    pub address: String,
    pub connections: usize,
    pub framing: Framing,
    pub connect_ms: u64,
    pub answer_ms: u64,
    pub echo_ms: u64,
    pub sign_on: bool,
    /// Fields 41, 42 and 32.
    pub terminal: String,
    pub merchant: String,
    pub institution: String,
    pub utc_offset_minutes: i64,
    pub rrn: Rrn,
    pub entry: EntryModes,
    /// Fields that mark an authorisation of a sale that was taken offline.
    pub deferred: Vec<(u8, String)>,
    /// Fields that every request about money carries.
    pub always: Vec<(u8, String)>,
    pub codes: Codes,
    pub tls: Option<Tls>,
    pub dialect: Dialect,
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|error| ConfigError::Read(path.to_path_buf(), error))?;
        Self::parse(&text)
    }

    /// Reads its text.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let file: File = toml::from_str(text)?;
        if !(1..=CONNECTIONS_MAX).contains(&file.connections) {
            return Err(ConfigError::Value("connections must be between 1 and 8"));
        }
        if !(1..=ANSWER_MS_MAX).contains(&file.answer_ms) || !(1..=ANSWER_MS_MAX).contains(&file.connect_ms) {
            return Err(ConfigError::Value("answer_ms and connect_ms must be between 1 and 20000"));
        }
        if file.echo_ms == 0 {
            return Err(ConfigError::Value("echo_ms must be more than 0"));
        }
        let dialect = Dialect::from_config(&file.dialect)?;
        Ok(Self {
            address: file.address,
            connections: file.connections,
            framing: framing(file.framing)?,
            connect_ms: file.connect_ms,
            answer_ms: file.answer_ms,
            echo_ms: file.echo_ms,
            sign_on: file.sign_on,
            terminal: file.terminal,
            merchant: file.merchant,
            institution: file.institution,
            utc_offset_minutes: file.utc_offset_minutes,
            rrn: file.rrn,
            entry: file.entry,
            deferred: fields(&dialect, file.deferred)?,
            always: fields(&dialect, file.always)?,
            codes: file.codes,
            tls: file.tls,
            dialect,
        })
    }
}

fn framing(file: Option<FramingFile>) -> Result<Framing, ConfigError> {
    let Some(FramingFile { header, counts_itself, prefix }) = file else { return Ok(Framing::default()) };
    let wrong = || ConfigError::Value("framing.prefix must be an even number of hexadecimal digits");
    let byte = |at| prefix.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok()).ok_or_else(wrong);
    let bytes = (0..prefix.len()).step_by(2).map(byte).collect::<Result<_, _>>()?;
    Ok(Framing { header, counts_itself, prefix: bytes })
}

fn fields(dialect: &Dialect, given: BTreeMap<String, String>) -> Result<Vec<(u8, String)>, ConfigError> {
    let known = |number: &String| number.parse().ok().filter(|number| dialect.field(*number).is_some());
    let read = |(number, value): (String, String)| {
        let wrong = ConfigError::Value("deferred and always name fields by numbers that the dialect has");
        Ok((known(&number).ok_or(wrong)?, value))
    };
    given.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str =
        "address = \"127.0.0.1:8583\"\nterminal = \"T1\"\nmerchant = \"M1\"\ninstitution = \"123456\"\n";

    #[test]
    fn little_is_enough_and_more_is_read() {
        let config = Config::parse(LEAST).expect("reads");
        assert_eq!((config.connections, config.framing, config.rrn), (1, Framing::default(), Rrn::Reference));
        assert_eq!(config.deferred, [(60, "5206".to_owned())]);
        let more = format!(
            "{LEAST}rrn = \"julian\"\nframing = {{ header = \"ascii-4\", counts_itself = true, prefix = \"6000010000\" }}\n\
             [deferred]\n25 = \"06\"\n[dialect]\nbitmap = \"hex\"\n[dialect.fields]\n63 = \"ans...60\"\n48 = {{ format = \"b...99\", length = \"bcd\" }}\n"
        );
        let config = Config::parse(&more).expect("reads");
        assert_eq!((config.framing.prefix.as_slice(), config.rrn), (&[0x60, 0, 1, 0, 0][..], Rrn::Julian));
        assert_eq!(config.deferred, [(25, "06".to_owned())]);
    }

    #[test]
    fn what_cannot_be_meant_is_said() {
        for (more, said) in [
            ("answer_ms = 60000", "answer_ms"),
            ("connections = 0", "connections"),
            ("conections = 2", "conections"),
            ("[deferred]\n65 = \"1\"", "deferred"),
            ("[dialect.fields]\n3 = \"n\"", "field 3"),
            ("framing = { header = \"binary-2\", prefix = \"6\" }", "prefix"),
        ] {
            let error = Config::parse(&format!("{LEAST}{more}\n")).expect_err(more);
            assert!(error.to_string().contains(said), "{more}: {error}");
        }
    }
}
