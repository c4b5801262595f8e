//! The document for people: one plain page without a script, made from the document itself.

use super::{Server, of};
use crate::http::office::page::reading;
use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;
use std::sync::Arc;

/// `GET /api/v1/docs`.
pub async fn get(State(server): State<Arc<Server>>) -> Response {
    let document = serde_json::to_value(of(&server)).unwrap_or_default();
    reading("Interface", whole(&document))
}

fn whole(document: &Value) -> Markup {
    let operations = operations(document);
    html! {
        p { "Version " (text(&document["info"]["version"])) ". For programs: " a href="/api/v1/openapi.json" { "/api/v1/openapi.json" } " (OpenAPI 3.1)." }
        (paragraphs(&document["info"]["description"]))
        @for (name, scheme) in members(&document["components"]["securitySchemes"]) {
            h3 { code { (name) } }
            (paragraphs(&scheme["description"]))
        }
        @for tag in list(&document["tags"]) {
            h2 { (marked(text(&tag["description"]))) }
            @for (path, method, operation) in operations.iter().filter(|(.., operation)| operation["tags"][0] == tag["name"]) {
                (one(path, method, operation))
            }
        }
        h2 { "Shapes" }
        @for (name, schema) in members(&document["components"]["schemas"]) {
            details.docs-one id=(format!("shape-{name}")) {
                summary { code { (name) } }
                (paragraphs(&schema["description"]))
                pre tabindex="0" { (pretty(schema)) }
            }
        }
    }
}

fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let mut found = Vec::new();
    for (path, item) in members(&document["paths"]) {
        for (method, operation) in members(item) {
            found.push((path.clone(), method.to_uppercase(), operation.clone()));
        }
    }
    found
}

fn one(path: &str, method: &str, operation: &Value) -> Markup {
    let parameters = list(&operation["parameters"]);
    html! {
        details.docs-one id=(text(&operation["operationId"])) {
            summary { code { (method) " " (path) } " " (marked(text(&operation["summary"]))) }
            (paragraphs(&operation["description"]))
            @if !parameters.is_empty() {
                ul { @for parameter in parameters {
                    li { code { (text(&parameter["name"])) } " (" (text(&parameter["in"]))
                        @if parameter["required"] == true { ", needed" } "): " (marked(text(&parameter["description"])))
                        " " code { (schema_words(&parameter["schema"])) } }
                } }
            }
            @for (kind, content) in members(&operation["requestBody"]["content"]) {
                p { "Takes " (kind) ": " (shape(&content["schema"])) }
                pre tabindex="0" { (pretty(&content["example"])) }
            }
            @for (status, answer) in members(&operation["responses"]) {
                p { strong { (status) } " " (marked(text(&answer["description"]))) }
                @if status.starts_with('2') {
                    @for (kind, content) in members(&answer["content"]) {
                        p { (kind) ": " (shape(&content["schema"])) }
                        @if !content["example"].is_null() { pre tabindex="0" { (pretty(&content["example"])) } }
                    }
                }
            }
        }
    }
}

/// The name of a shape, as a link to it.
fn shape(schema: &Value) -> Markup {
    let name = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next());
    html! {
        @match name {
            Some(name) => { a href=(format!("#shape-{name}")) { (name) } }
            None => { (schema_words(schema)) }
        }
    }
}

fn schema_words(schema: &Value) -> String {
    let plain = |name: &str| schema[name].as_str().map(|value| format!("{name} {value}"));
    let bounds =
        ["minimum", "maximum"].into_iter().filter_map(|name| schema[name].as_i64().map(|n| format!("{name} {n}")));
    let words = list(&schema["enum"]).iter().filter_map(|word| word.as_str()).collect::<Vec<_>>().join(" | ");
    let kind = schema["type"].as_str().map(str::to_owned);
    let all = kind.into_iter().chain(plain("format")).chain(plain("pattern")).chain(bounds);
    all.chain((!words.is_empty()).then_some(words)).collect::<Vec<_>>().join(", ")
}

fn paragraphs(value: &Value) -> Markup {
    let text = value.as_str().unwrap_or_default();
    html! { @for paragraph in text.split("\n\n").filter(|paragraph| !paragraph.is_empty()) { p { (marked(paragraph)) } } }
}

/// The document's text is Markdown, of which it uses one thing: code between backticks.
fn marked(text: &str) -> Markup {
    html! {
        @for (at, part) in text.split('`').enumerate() {
            @if at % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_shown_as_code_and_text_as_text() {
        let shown = marked("Asked by `GET <id>`, then `kid`.").into_string();
        assert_eq!(shown, "Asked by <code>GET &lt;id&gt;</code>, then <code>kid</code>.");
    }
}
