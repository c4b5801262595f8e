//! The live receipt's page: our own template, drawn on the server, without a script.

use super::view::ReceiptView;
use crate::again::Offer;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};

const RECEIPT: &str = include_str!("../../receipts/page.html");
const UNKNOWN: &str = include_str!("../../receipts/unknown.html");
/// The till's own tokens; the server builds its stylesheets from them so that both are one house.
const TOKENS: &str = include_str!("../../../../www/styles/tokens.css");
const STYLE: &str = include_str!("../../receipts/page.css");
/// Seals a card and watches how the payment stands; on pages that may still change.
pub const SCRIPT: &str = include_str!("../../receipts/pay.js");

/// The templates, read once.
#[derive(Debug)]
pub struct Page {
    templates: Environment<'static>,
    pub light: String,
    pub dark: String,
}

impl Page {
    /// # Errors
    /// When a template of ours is broken, which a test would have told.
    pub fn new() -> Result<Self, minijinja::Error> {
        let mut templates = Environment::empty();
        templates.set_auto_escape_callback(|_| AutoEscape::Html);
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        templates.add_template("receipt", RECEIPT)?;
        templates.add_template("unknown", UNKNOWN)?;
        Ok(Self {
            templates,
            light: format!("{TOKENS}\n{STYLE}"),
            // The dark half of the tokens waits for an attribute that a page without a script cannot set. The link's media query says when.
            dark: TOKENS.replace(":root[data-theme=\"dark\"]", ":root"),
        })
    }

    /// The receipt, with a form to pay when there is an offer.
    ///
    /// # Errors
    /// When a variable is missing.
    pub fn draw(&self, view: &ReceiptView, offer: Option<&Offer>) -> Result<String, minijinja::Error> {
        let offer = offer.and_then(|offer| serde_json::to_string(offer).ok());
        let pay_now = view.words.pay_now.replace("{amount}", &view.receipt.total);
        let attempt = view.earlier.len();
        let view = context! { t => Serde(view.words), offer, pay_now, attempt, ..Serde(view) };
        self.templates.get_template("receipt")?.render(view)
    }

    /// What every address gets that is no receipt's.
    ///
    /// # Errors
    /// When a variable is missing.
    pub fn draw_unknown(&self, lang: super::Lang) -> Result<String, minijinja::Error> {
        let view = context! { lang => lang.tag(), dir => lang.direction(), t => Serde(lang.words()) };
        self.templates.get_template("unknown")?.render(view)
    }
}
