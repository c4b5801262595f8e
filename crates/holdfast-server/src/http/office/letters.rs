//! The shop's receipts by e-mail in words of its own: subject, text and HTML, tried with a sample before they are kept, in versions.
//!
//! What a template writes is shown in a frame that is a sandbox: no script, no form, no picture, nothing of another site, and not of this one.

use super::format::time;
use super::page::{Tab, alert, inside_with};
use crate::http::Server;
use crate::http::body::form_of;
use crate::http::door::{Known, Person};
use crate::http::problem::ApiError;
use crate::mail::{Rendered, TemplateError, Templates};
use crate::process::Clock as _;
use crate::receipts::{SAMPLE_STATES, sample};
use crate::store::books::TemplateVersion;
use axum::Extension;
use axum::extract::{Path, Request, State};
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use holdfast_core::limits::{MAIL_TEMPLATE_BYTES_MAX, MAIL_TEMPLATE_FORM_BYTES_MAX};
use maud::{DOCTYPE, Markup, html};
use serde::Deserialize;
use std::sync::Arc;

/// An address as it stands in a preview.
pub const PREVIEW_LINK: &str = "https://pay.shop.example/r/AAAAAAAAAAAAAAAAAAAAAA";

/// What a letter of the shop's may do in its frame: be read.
const FRAME_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox; form-action 'none'; base-uri 'none'; frame-ancestors 'self'";

/// The samples in words.
const SAMPLES: [(&str, &str); 3] =
    [("captured", "Paid"), ("received", "Stored, not charged yet"), ("declined", "Declined")];

/// What may be written between braces, and what it is.
const NAMES: &[(&str, &str)] = &[
    ("shop.name, shop.footer", "as on the till’s receipt"),
    ("receipt.number, receipt.date, receipt.total, receipt.tax", "of the sale"),
    ("receipt.lines", "a list: name, quantity, unit, total"),
    ("receipt.taxes", "a list: rate, amount"),
    ("card.text, card.brand, card.last4", "the card, first in a sentence"),
    ("state.title, state.text", "where the payment stands, in words"),
    ("state.name, state.is_open, state.can_pay", "the same for if: paid, stored, declined and others"),
    ("earlier", "a list of sentences: cards with which it was not paid before"),
    ("link", "the address of the live receipt, or nothing"),
    ("t.subject, t.receipt, t.total, t.tax, t.live, t.live_say", "the server’s own words in the shop’s language"),
];

#[derive(Deserialize)]
struct Fields {
    subject: String,
    text: String,
    html: String,
    #[serde(default)]
    sample: String,
    #[serde(default)]
    part: String,
}

impl Fields {
    /// Browsers send lines of forms with a carriage return.
    fn templates(&self) -> Templates {
        let lines = |text: &str| text.replace("\r\n", "\n");
        Templates { subject: self.subject.trim().to_owned(), text: lines(&self.text), html: lines(&self.html) }
    }
}

pub async fn get(State(server): State<Arc<Server>>, Extension(person): Known) -> Result<Response, ApiError> {
    let own = server.ledger.mail_templates(person.desk()?.merchant_id()).await?;
    let templates = own.map_or_else(Templates::built_in, |(_, templates)| templates);
    page(&server, &person, StatusCode::OK, &templates, None).await
}

/// A letter as it would be, for the frame.
pub async fn preview(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    request: Request,
) -> Result<Response, ApiError> {
    let fields: Fields = form_of(request, MAIL_TEMPLATE_FORM_BYTES_MAX).await?;
    let merchant = server.ledger.merchant(person.desk()?.merchant_id()).await?;
    let state = SAMPLE_STATES.into_iter().find(|state| *state == fields.sample).unwrap_or("captured");
    let templates = fields.templates();
    Ok(match templates.render(&sample(&merchant, state), PREVIEW_LINK) {
        Ok(letter) if fields.part == "text" => framed("text/plain; charset=utf-8", as_text(&letter)),
        Ok(letter) => framed("text/html; charset=utf-8", letter.html),
        Err(error) => framed("text/html; charset=utf-8", refused(&templates, &error)),
    })
}

/// Keeps what every sample can be written with, as the next version.
pub async fn put(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    request: Request,
) -> Result<Response, ApiError> {
    let fields: Fields = form_of(request, MAIL_TEMPLATE_FORM_BYTES_MAX).await?;
    let merchant_id = person.desk()?.merchant_id();
    let merchant = server.ledger.merchant(merchant_id).await?;
    let templates = fields.templates();
    for state in SAMPLE_STATES {
        if let Err(error) = templates.render(&sample(&merchant, state), PREVIEW_LINK) {
            return page(&server, &person, StatusCode::UNPROCESSABLE_ENTITY, &templates, Some(&error)).await;
        }
    }
    server.ledger.put_mail_templates(server.clock.now_ms(), merchant_id, templates).await?;
    Ok(back())
}

/// Makes an earlier version the newest again.
pub async fn again(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    Path(version): Path<String>,
) -> Result<Response, ApiError> {
    let merchant_id = person.desk()?.merchant_id();
    let version: i64 = version.parse().map_err(|_| ApiError::NOT_FOUND)?;
    let found = server.ledger.mail_templates_of(merchant_id, version).await?.ok_or(ApiError::NOT_FOUND)?;
    server.ledger.put_mail_templates(server.clock.now_ms(), merchant_id, found).await?;
    Ok(back())
}

/// Back to the server's own, from now on.
pub async fn reset(State(server): State<Arc<Server>>, Extension(person): Known) -> Result<Response, ApiError> {
    let merchant_id = person.desk()?.merchant_id();
    server.ledger.put_mail_templates(server.clock.now_ms(), merchant_id, Templates::default()).await?;
    Ok(back())
}

fn back() -> Response {
    Redirect::to("/office/letters").into_response()
}

fn framed(kind: &'static str, text: String) -> Response {
    let headers = [(CONTENT_TYPE, kind), (CONTENT_SECURITY_POLICY, FRAME_POLICY)];
    (headers, text).into_response()
}

fn as_text(letter: &Rendered) -> String {
    format!("{}\n\n{}", letter.subject, letter.text)
}

/// What is wrong, where, and what to do, for the frame.
fn refused(templates: &Templates, error: &TemplateError) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head { meta charset="utf-8"; meta name="color-scheme" content="light dark"; title { "Not written" } }
            body style="margin:24px;font:16px/1.5 system-ui,sans-serif" { (fault(templates, error)) }
        }
    };
    page.into_string()
}

fn fault(templates: &Templates, error: &TemplateError) -> Markup {
    let source = match error.part {
        "subject" => &templates.subject,
        "text" => &templates.text,
        _ => &templates.html,
    };
    let line = source.lines().nth(error.line.saturating_sub(1)).unwrap_or_default().trim();
    html! {
        p { strong { "The " (words(error.part)) ", line " (error.line) ": " (error.detail) "." } }
        @if !line.is_empty() { p { code { (line.chars().take(160).collect::<String>()) } } }
        p { (advice(&error.detail)) }
    }
}

fn words(part: &str) -> &'static str {
    match part {
        "subject" => "subject",
        "text" => "plain text",
        _ => "HTML",
    }
}

/// What to do about an error, by what the engine says of it.
fn advice(detail: &str) -> &'static str {
    let has = |word: &str| detail.contains(word);
    if has("undefined") {
        "Check the spelling against the list of names below: only those can be written."
    } else if has("unknown filter") || has("unknown test") || has("unknown function") {
        "Only the filters upper, lower, trim, length and default are there. Leave the other one out."
    } else if has("syntax error") {
        "Look for a brace that is not closed, or an if or for without its end."
    } else if has("only if and for") || has("multiplication") {
        "Letters are written with values, if and for alone. Take it out."
    } else if has("bytes") || has("characters") || has("fuel") {
        "Make it shorter."
    } else {
        "Change this line, or go back to an earlier version."
    }
}

async fn page(
    server: &Server,
    person: &Person,
    status: StatusCode,
    templates: &Templates,
    error: Option<&TemplateError>,
) -> Result<Response, ApiError> {
    let versions = server.ledger.mail_template_versions(person.desk()?.merchant_id()).await?;
    let body = html! {
        p.office-lead { "What customers get when they ask for their receipt by e-mail. Nothing is kept before it was written for every sample." }
        @if let Some(error) = error {
            (alert(Some("This was not kept.")))
            section.office-card data-colour="red" { (fault(templates, error)) }
        }
        div.office-halves {
            (editor(templates))
            section.office-card {
                h2 { "As customers get it" }
                p.note { "Choose a sample and press Preview. The letter is in a sandbox: it can do nothing but be read." }
                iframe.office-letter name="letter" sandbox="" title="The letter as it would be" {}
                (names())
            }
        }
        (history(&versions, person.zone()))
    };
    let mut response = inside_with(status, person, Tab::Letters, body);
    // The frame is ours, and what is in it may do nothing.
    if let Some(policy) = response.headers().get(CONTENT_SECURITY_POLICY).and_then(|policy| policy.to_str().ok())
        && let Ok(policy) = HeaderValue::from_str(&format!("{policy}; frame-src 'self'"))
    {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    Ok(response)
}

fn editor(templates: &Templates) -> Markup {
    let part = |name: &str, label: &str, source: &str, rows: u32| {
        html! {
            div.field {
                label for=(name) { (label) }
                textarea.input.office-source id=(name) name=(name) rows=(rows) maxlength=(MAIL_TEMPLATE_BYTES_MAX) spellcheck="false" dir="ltr" required {
                    // The parser drops the first line break of a text area.
                    "\n" (source)
                }
            }
        }
    };
    html! {
        form.office-card.office-fields method="post" action="/office/letters" {
            h2 { "What it says" }
            div.field {
                label for="subject" { "Subject" }
                input.input.office-source id="subject" name="subject" value=(templates.subject) maxlength="400" spellcheck="false" dir="ltr" required;
            }
            (part("text", "Plain text", &templates.text, 10))
            (part("html", "HTML", &templates.html, 18))
            div.field {
                label for="sample" { "Sample" }
                select.input id="sample" name="sample" {
                    @for (name, words) in SAMPLES { option value=(name) { (words) } }
                }
            }
            div.office-ways {
                button.button type="submit" formaction="/office/letters/preview" formtarget="letter" name="part" value="html" { "Preview" }
                button.button type="submit" formaction="/office/letters/preview" formtarget="letter" name="part" value="text" { "Preview as text" }
                button.button.primary type="submit" { "Keep" }
            }
        }
    }
}

fn names() -> Markup {
    html! {
        details.office-more {
            summary.button { "What can be written" }
            p.note { "Values stand in double braces, as " code { "{{ shop.name }}" } "; " code { "{% if %}" } " and " code { "{% for %}" } " are there too, and the filters upper, lower, trim, length and default." }
            dl.office-facts { @for (name, what) in NAMES { dt { code { (name) } } dd { (what) } } }
        }
    }
}

fn history(versions: &[TemplateVersion], zone: &str) -> Markup {
    html! {
        h2 { "Versions" }
        @if versions.is_empty() { p.office-empty { "The server’s own letter is sent. What you keep becomes version 1." } }
        ul.office-list {
            @for (at, version) in versions.iter().enumerate() {
                li.office-row {
                    div.office-what {
                        h2 { "Version " (version.version) @if version.is_built_in { ": the server’s own" } }
                        p.note { (time(version.created_ms, zone)) }
                    }
                    @if at == 0 {
                        div.office-state data-colour="green" { strong { "Sent now" } }
                    } @else {
                        form method="post" action=(format!("/office/letters/{}/again", version.version)) {
                            button.button type="submit" { "Use it again" }
                        }
                    }
                }
            }
        }
        @if versions.first().is_some_and(|newest| !newest.is_built_in) {
            form method="post" action="/office/letters/default" {
                button.button type="submit" { "Go back to the server’s own" }
            }
        }
    }
}
