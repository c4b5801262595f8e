//! The frame of a page: head, bar, policy; and the one stylesheet, made of the till's tokens and ground rules.

use crate::http::door::Person;
use crate::people::Role;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use std::sync::LazyLock;

/// No script at all. Forms go to this site only.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

const TOKENS: &str = include_str!("../../../../../www/styles/tokens.css");
const BASE: &str = include_str!("../../../../../www/styles/base.css");
const MARK: &str = include_str!("../../../../../www/icons/mark.svg");
const OFFICE: &str = include_str!("office.css");
const DARK: &str = ":root[data-theme=\"dark\"] {";

static STYLE: LazyLock<String> = LazyLock::new(|| format!("{}\n{BASE}\n{OFFICE}", by_preference(TOKENS)));

/// Without a script nobody sets the theme: the dark tokens go by what the system prefers.
fn by_preference(tokens: &str) -> String {
    let Some((before, rest)) = tokens.split_once(DARK) else { return tokens.to_owned() };
    let Some((dark, after)) = rest.split_once('}') else { return tokens.to_owned() };
    format!("{before}@media (prefers-color-scheme: dark) {{ :root {{{dark}}} }}{after}")
}

/// `GET /office/style.css`.
pub async fn style() -> Response {
    let kind = HeaderValue::from_static("text/css; charset=utf-8");
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, HeaderValue::from_static("no-cache"))], STYLE.as_str()).into_response()
}

/// Where a page stands in the bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    Today,
    Devices,
    Payments,
    Reconciliation,
    Cash,
    Quarantine,
    People,
    Webhooks,
}

/// The pages, and who sees them.
const TABS: &[(Tab, &str, &str, &[Role])] = &[
    (Tab::Today, "Today", "/office", &[Role::Owner, Role::Manager, Role::Cashier]),
    (Tab::Devices, "Devices", "/office/devices", &[Role::Owner, Role::Manager]),
    (Tab::Payments, "Payments", "/office/payments", &[Role::Owner, Role::Manager, Role::Cashier]),
    (Tab::Reconciliation, "Reconciliation", "/office/reconciliation", &[Role::Owner, Role::Manager]),
    (Tab::Cash, "Cash", "/office/cash", &[Role::Owner, Role::Manager, Role::Cashier]),
    (Tab::Quarantine, "Quarantine", "/office/quarantine", &[Role::Owner]),
    (Tab::People, "People", "/office/people", &[Role::Owner]),
    (Tab::Webhooks, "Webhooks", "/office/webhooks", &[Role::Owner]),
];

/// A page of somebody who is in.
pub fn inside(person: &Person, tab: Tab, body: Markup) -> Response {
    inside_with(StatusCode::OK, person, tab, body)
}

/// The same with another status.
pub fn inside_with(status: StatusCode, person: &Person, tab: Tab, body: Markup) -> Response {
    let shop = person.session.at.as_ref().map(|at| at.merchant_name.as_str()).unwrap_or_default();
    let title = TABS.iter().find(|(of, ..)| *of == tab).map(|(_, title, ..)| *title).unwrap_or_default();
    let whole = html! {
        header.office-bar {
            a.office-home href="/office" { (mark()) span.office-shop { (shop) } }
            nav.office-tabs aria-label="Back office" {
                @for (of, name, path, roles) in TABS {
                    @if person.may(roles) {
                        a.office-tab href=(path) aria-current=[(*of == tab).then_some("page")] { (name) }
                    }
                }
            }
            form.office-out method="post" action="/office/sign-out" {
                span.office-who { (person.session.email) }
                button.button.quiet type="submit" { "Sign out" }
            }
        }
        main.office { h1 { (title) } (body) }
        footer.office-foot { a href="/api/v1/docs" { "The same for programs" } }
    };
    answer(status, &format!("{title} · {shop}"), whole)
}

/// A page for the way in: the house on one side, what to do on the other.
pub fn outside(status: StatusCode, title: &str, body: Markup) -> Response {
    let whole = html! {
        main.office-door {
            section.office-brand {
                (mark())
                div { p.wordmark { "Holdfast" } p { "The back office: your tills, your payments, and what needs you." } }
            }
            div.office-form { h1 { (title) } (body) }
        }
    };
    answer(status, title, whole)
}

/// A page to be read by anybody, such as the interface's documentation.
pub fn reading(title: &str, body: Markup) -> Response {
    let whole = html! {
        header.office-bar { a.office-home href="/office" { (mark()) span.office-shop { "Holdfast" } } }
        main.office.docs { h1 { (title) } (body) }
    };
    answer(StatusCode::OK, title, whole)
}

/// Something that went wrong, in words, above a form.
pub fn alert(words: Option<&str>) -> Markup {
    html! { @if let Some(words) = words { p.alert role="alert" { (words) } } }
}

fn mark() -> Markup {
    html! { span.office-mark aria-hidden="true" { (PreEscaped(MARK)) } }
}

fn answer(status: StatusCode, title: &str, body: Markup) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" dir="ltr" {
            head {
                meta charset="utf-8";
                title { (title) " · Holdfast" }
                meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                link rel="icon" href="/icons/holdfast.svg" type="image/svg+xml";
                link rel="stylesheet" href="/office/style.css";
            }
            body { (body) }
        }
    };
    let mut response = (status, page.into_string()).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    // A browser that sends no referrer at all sends no origin with a form either, and that is what a form is judged by.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dark_tokens_go_by_preference_and_none_is_lost() {
        let style = STYLE.as_str();
        assert!(!style.contains("data-theme"), "nobody sets it here");
        let dark = style.split_once("prefers-color-scheme: dark").map(|(_, dark)| dark).unwrap_or_default();
        assert!(dark.contains("--ground: #0d1316;"), "the dark ground");
        assert_eq!(style.matches('{').count(), style.matches('}').count());
    }
}
