//! The frame of a page: head, rail of tabs, policy.

use crate::http::door::Person;
use crate::people::Role;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// No script at all. Forms go to this site only.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

/// Where somebody is in, our own script may fetch the page anew, and nothing may make a document out of text.
const POLICY_INSIDE: &str = "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; form-action 'self'; \
                             base-uri 'none'; frame-ancestors 'none'; script-src 'self'; connect-src 'self'; \
                             require-trusted-types-for 'script'; trusted-types 'none'";

const MARK: &str = include_str!("../../../../../www/icons/mark.svg");

/// Where a page stands in the rail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    Today,
    Payments,
    Reports,
    Cash,
    Reconciliation,
    Quarantine,
    Devices,
    Staff,
    Policy,
    Letters,
    People,
    Webhooks,
}

/// A page of the rail: its name, where it is, and who sees it.
type Entry = (Tab, &'static str, &'static str, &'static [Role]);

const OWNER: &[Role] = &[Role::Owner];
const KEEPERS: &[Role] = &[Role::Owner, Role::Manager];
const SHOP: &[Role] = &[Role::Owner, Role::Manager, Role::Cashier];

/// The pages by what they are about: what was sold, whether the money is right, how the shop is set up.
const GROUPS: &[&[Entry]] = &[
    &[
        (Tab::Today, "Today", "/office", SHOP),
        (Tab::Payments, "Payments", "/office/payments", SHOP),
        (Tab::Reports, "Reports", "/office/reports", OWNER),
    ],
    &[
        (Tab::Cash, "Cash", "/office/cash", SHOP),
        (Tab::Reconciliation, "Reconciliation", "/office/reconciliation", KEEPERS),
        (Tab::Quarantine, "Quarantine", "/office/quarantine", OWNER),
    ],
    &[
        (Tab::Devices, "Devices", "/office/devices", KEEPERS),
        (Tab::Staff, "Staff", "/office/staff", KEEPERS),
        (Tab::Policy, "Offline", "/office/policy", KEEPERS),
        (Tab::Letters, "Letters", "/office/letters", OWNER),
        (Tab::People, "People", "/office/people", OWNER),
        (Tab::Webhooks, "Webhooks", "/office/webhooks", OWNER),
    ],
];

/// A page of somebody who is in.
pub fn inside(person: &Person, tab: Tab, body: Markup) -> Response {
    inside_with(StatusCode::OK, person, tab, body)
}

/// The same with another status.
pub fn inside_with(status: StatusCode, person: &Person, tab: Tab, body: Markup) -> Response {
    let name = name_of(tab);
    framed(status, person, tab, name, html! { h1 { (name) } (body) })
}

/// A page below a tab's own, with a name and a heading of its own in `body`.
pub fn below(status: StatusCode, person: &Person, tab: Tab, title: &str, body: Markup) -> Response {
    framed(status, person, tab, title, body)
}

fn framed(status: StatusCode, person: &Person, tab: Tab, title: &str, body: Markup) -> Response {
    let shop = person.session.at.as_ref().map(|at| at.merchant_name.as_str()).unwrap_or_default();
    let whole = html! {
        a.button.office-skip href="#page" { "Skip to the page" }
        header.office-bar {
            a.office-home href="/office" { (mark()) span.office-shop { (shop) } }
            button.button.office-menu type="button" popovertarget="menu" { "Menu" }
            nav.office-tabs id="menu" popover="auto" aria-label="Back office" {
                @for group in GROUPS { (entries(person, tab, group)) }
                form.office-out method="post" action="/office/sign-out" {
                    span.office-who { (person.session.email) }
                    button.button.quiet type="submit" { "Sign out" }
                }
            }
        }
        main.office id="page" tabindex="-1" { (body) }
        footer.office-foot {
            span { "Times are those of the shop’s clock, " (person.zone()) "." }
            a.office-link href="/api/v1/docs" { "The same for programs" }
        }
        script src="/office/office.js" defer {}
    };
    answer(status, &format!("{title} · {shop}"), "office-page", POLICY_INSIDE, whole)
}

fn entries(person: &Person, tab: Tab, group: &[Entry]) -> Markup {
    let mine = group.iter().filter(|(.., roles)| person.may(roles)).collect::<Vec<_>>();
    html! {
        @if !mine.is_empty() {
            div.office-group {
                @for (of, name, path, _) in mine {
                    a.office-tab href=(path) aria-current=[(*of == tab).then_some("page")] { (name) }
                }
            }
        }
    }
}

fn name_of(tab: Tab) -> &'static str {
    GROUPS.iter().flat_map(|group| group.iter()).find(|(of, ..)| *of == tab).map_or("", |(_, name, ..)| *name)
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
    answer(status, title, "", POLICY, whole)
}

/// A page to be read by anybody, such as the interface's documentation.
pub fn reading(title: &str, body: Markup) -> Response {
    let whole = html! {
        header.office-bar { a.office-home href="/office" { (mark()) span.office-shop { "Holdfast" } } }
        main.office.docs { h1 { (title) } (body) }
    };
    answer(StatusCode::OK, title, "", POLICY, whole)
}

/// Something that went wrong, in words, above a form.
pub fn alert(words: Option<&str>) -> Markup {
    html! { @if let Some(words) = words { p.alert role="alert" { (words) } } }
}

/// The way to the next page of a list.
pub fn older(href: Option<String>) -> Markup {
    html! { @if let Some(href) = href { p { a.button href=(href) { "Older" } } } }
}

fn mark() -> Markup {
    html! { span.office-mark aria-hidden="true" { (PreEscaped(MARK)) } }
}

fn answer(status: StatusCode, title: &str, class: &str, policy: &'static str, body: Markup) -> Response {
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
            body class=[(!class.is_empty()).then_some(class)] { (body) }
        }
    };
    let mut response = (status, page.into_string()).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    // A browser that sends no referrer at all sends no origin with a form either, and that is what a form is judged by.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}
