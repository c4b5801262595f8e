//! The merchant's own templates, in a sandbox.
//!
//! A template sees the documented variables and nothing else: no file, no other template, no macro, no assignment, no multiplication, a
//! handful of filters. Its source, its steps, its depth and its output have limits, so that no template can hold up the sending.

use super::scan;
use crate::receipts::ReceiptView;
use holdfast_core::limits::{MAIL_OUTPUT_BYTES_MAX, MAIL_TEMPLATE_BYTES_MAX, MAIL_TEMPLATE_STEPS_MAX};
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Template as Parsed, UndefinedBehavior, Value, context, filters};
use serde::{Deserialize, Serialize};
use std::io::{self, Write};

const DEPTH_MAX: usize = 32;
const SUBJECT_CHARS_MAX: usize = 200;

const TEXT: &str = include_str!("../../mail/receipt.txt");
const HTML: &str = include_str!("../../mail/receipt.html");

/// A letter's three parts as they are edited.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Templates {
    pub subject: String,
    pub text: String,
    pub html: String,
}

/// A letter's three parts in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rendered {
    pub subject: String,
    pub text: String,
    pub html: String,
}

/// Why a template is refused, in words for whoever edits it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{part}, line {line}: {detail}")]
pub struct TemplateError {
    /// `subject`, `text` or `html`.
    pub part: &'static str,
    /// From 1.
    pub line: usize,
    pub detail: String,
}

impl Templates {
    /// Ours, for shops that wrote none.
    pub fn built_in() -> Self {
        Self { subject: "{{ t.subject }}".to_owned(), text: TEXT.to_owned(), html: HTML.to_owned() }
    }

    /// Nothing at all is how a shop says that it wants ours again.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Writes the letter about a receipt. `link` is the address of the live receipt, empty when the server has no public one.
    ///
    /// # Errors
    /// [`TemplateError`]: what is wrong, and in which line.
    pub fn render(&self, view: &ReceiptView, link: &str) -> Result<Rendered, TemplateError> {
        let words = context! { subject => view.subject(), ..Serde(view.words) };
        let values = context! { t => words, link, ..Serde(view) };
        let subject = part("subject", &self.subject, false, &values)?;
        // A header is one line.
        let subject: String = subject.split_whitespace().collect::<Vec<_>>().join(" ");
        let too_long = subject.is_empty() || subject.chars().count() > SUBJECT_CHARS_MAX;
        if too_long {
            let detail = format!("the subject has 1 to {SUBJECT_CHARS_MAX} characters");
            return Err(TemplateError { part: "subject", line: 1, detail });
        }
        Ok(Rendered {
            subject,
            text: part("text", &self.text, false, &values)?,
            html: part("html", &self.html, true, &values)?,
        })
    }
}

fn part(name: &'static str, source: &str, escapes: bool, values: &Value) -> Result<String, TemplateError> {
    let fail = |line: usize, detail: String| TemplateError { part: name, line, detail };
    if source.len() > MAIL_TEMPLATE_BYTES_MAX {
        return Err(fail(1, format!("a template has at most {MAIL_TEMPLATE_BYTES_MAX} bytes")));
    }
    scan::scan(source).map_err(|found| fail(found.line, found.detail))?;
    let told = |error: minijinja::Error| {
        let detail = error.detail().map_or_else(|| error.kind().to_string(), |d| format!("{}: {d}", error.kind()));
        fail(error.line().unwrap_or(1), detail)
    };
    let environment = sandbox(escapes);
    let template = environment.template_from_named_str(name, source).map_err(told)?;
    let mut output = Bounded::default();
    match write(&template, values, &mut output) {
        _ if output.is_full => Err(fail(1, format!("what it writes is longer than {MAIL_OUTPUT_BYTES_MAX} bytes"))),
        Err(error) => Err(told(error)),
        Ok(()) => Ok(String::from_utf8_lossy(&output.bytes).into_owned()),
    }
}

fn write(template: &Parsed<'_, '_>, values: &Value, output: &mut Bounded) -> Result<(), minijinja::Error> {
    template.render_captured_to(values.clone(), output).map(drop)
}

/// Nothing that we did not put there: `empty` has no filters, tests, functions or loader.
fn sandbox(escapes: bool) -> Environment<'static> {
    let mut environment = Environment::empty();
    environment.set_auto_escape_callback(move |_| if escapes { AutoEscape::Html } else { AutoEscape::None });
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(MAIL_TEMPLATE_STEPS_MAX));
    environment.set_recursion_limit(DEPTH_MAX);
    environment.add_filter("upper", filters::upper);
    environment.add_filter("lower", filters::lower);
    environment.add_filter("trim", filters::trim);
    environment.add_filter("length", filters::length);
    environment.add_filter("default", filters::default);
    environment
}

/// Takes what a template writes, to a limit.
#[derive(Debug, Default)]
struct Bounded {
    bytes: Vec<u8>,
    is_full: bool,
}

impl Write for Bounded {
    fn write(&mut self, more: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + more.len() > MAIL_OUTPUT_BYTES_MAX {
            self.is_full = true;
            return Err(io::Error::other("too long"));
        }
        self.bytes.extend_from_slice(more);
        Ok(more.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
