//! Who works here: let somebody in by a one-time link, change what they may do, let them go.

use super::devices::origin;
use super::format::time;
use super::page::{Tab, alert, inside};
use crate::desk::{StaffRow, link_until_ms};
use crate::http::Server;
use crate::http::api::people::{done, somebody};
use crate::http::body::form;
use crate::http::door::{Known, Person};
use crate::http::problem::ApiError;
use crate::people::Role;
use crate::process::Clock as _;
use axum::Extension;
use axum::extract::{Path, Request, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use std::sync::Arc;

/// What an owner may make somebody, from most to least.
const ROLES: [Role; 3] = [Role::Owner, Role::Manager, Role::Cashier];

#[derive(Deserialize)]
pub struct New {
    email: String,
    #[serde(default)]
    name: String,
    role: String,
}

#[derive(Deserialize)]
pub struct Change {
    role: String,
}

pub async fn get(State(server): State<Arc<Server>>, Extension(person): Known) -> Result<Response, ApiError> {
    list(&server, &person, None).await
}

pub async fn add(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, ApiError> {
    let new: New = form(request).await?;
    let Ok((email, name)) = somebody(&new.email, &new.name) else {
        return list(&server, &person, Some("This is no e-mail address. Type it again.")).await;
    };
    let (role, now_ms) = (role_of(&new.role)?, server.clock.now_ms());
    match person.desk()?.let_in(&server.people, now_ms, &email, &name, role).await? {
        None => list(&server, &person, Some("This person works here already.")).await,
        Some(let_in) => Ok(shown(&server, &headers, &person, &email, let_in.link.as_deref())),
    }
}

pub async fn invite(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (desk, now_ms) = (person.desk()?, server.clock.now_ms());
    let staff = desk.staff(now_ms).await?;
    let row = staff.iter().find(|row| row.id == id).ok_or(ApiError::PERSON_UNKNOWN)?;
    match desk.invite_again(&server.people, now_ms, &id).await? {
        Some(token) => Ok(shown(&server, &headers, &person, &row.email, Some(&token))),
        None => {
            let words = "This person works for another shop too. Only whoever runs the server can make a fresh link.";
            list(&server, &person, Some(words)).await
        }
    }
}

pub async fn change(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let asked: Change = form(request).await?;
    let change = person.desk()?.set_role(&id, role_of(&asked.role)?).await?;
    after(&server, &person, done(change).err()).await
}

pub async fn remove(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let change = person.desk()?.let_go(&id).await?;
    after(&server, &person, done(change).err()).await
}

async fn after(server: &Server, person: &Person, error: Option<ApiError>) -> Result<Response, ApiError> {
    match error {
        None => Ok(Redirect::to("/office/people").into_response()),
        Some(ApiError::LAST_OWNER) => {
            list(server, person, Some("This is the shop's last owner. Make somebody else an owner first.")).await
        }
        Some(error) => Err(error),
    }
}

fn role_of(text: &str) -> Result<Role, ApiError> {
    Role::parse(text).filter(|role| ROLES.contains(role)).ok_or(ApiError::REQUEST_UNREADABLE)
}

async fn list(server: &Server, person: &Person, words: Option<&str>) -> Result<Response, ApiError> {
    let staff = person.desk()?.staff(server.clock.now_ms()).await?;
    let body = html! {
        (alert(words))
        ul.office-list { @for row in &staff { (line(row, person)) } }
        form.office-card.office-fields method="post" action="/office/people" {
            h2 { "Let somebody in" }
            div.office-line {
                div.field {
                    label for="email" { "E-mail address" }
                    input.input id="email" name="email" type="email" autocomplete="off" required;
                }
                div.field {
                    label for="name" { "Name" }
                    input.input id="name" name="name" maxlength="120" autocomplete="off";
                }
                div.field { label for="role" { "May do" } (roles("role", Role::Cashier)) }
                button.button.primary type="submit" { "Make a link" }
            }
        }
    };
    Ok(inside(person, Tab::People, body))
}

/// A link, shown once. It is carried to the person by hand or by a messenger of the owner's choice.
fn shown(server: &Server, headers: &HeaderMap, person: &Person, email: &str, token: Option<&str>) -> Response {
    let until_ms = link_until_ms(server.clock.now_ms());
    let body = html! {
        section.office-code {
            div {
                @match token {
                    Some(token) => {
                        h2 { "A link for " (email) }
                        p { "Give it to this person and nobody else. Whoever opens it chooses the password." }
                        p.office-secret { (origin(server, headers)) "/office/welcome/" (token) }
                        p.note { "It works once, until " (time(until_ms, person.zone())) ". It is not shown again." }
                    }
                    None => {
                        h2 { (email) " is let in" }
                        p { "This person has an account from another shop, and signs in with it as before." }
                    }
                }
                p { a.button href="/office/people" { "Done" } }
            }
        }
    };
    inside(person, Tab::People, body)
}

fn line(row: &StaffRow, person: &Person) -> Markup {
    let role = Role::parse(&row.role).unwrap_or(Role::Cashier);
    let is_self = row.id == person.session.user_id;
    html! {
        li.office-row {
            div.office-what {
                h2 { (if row.name.is_empty() { &row.email } else { &row.name }) }
                p.note {
                    (row.email) " · " (words(role))
                    @match (row.can_sign_in, row.invited_until_ms) {
                        (true, _) => {}
                        (false, Some(until)) => { " · has a link until " (time(until, person.zone())) }
                        (false, None) => { " · cannot sign in: the link is over" }
                    }
                }
            }
            @if is_self { p.note { "You" } } @else {
                details.office-more {
                    summary.button { "Change" }
                    div.office-choices {
                        form method="post" action=(format!("/office/people/{}/role", row.id)) {
                            label for=(format!("role-{}", row.id)) { "May do" }
                            (roles(&format!("role-{}", row.id), role))
                            button.button type="submit" { "Keep" }
                        }
                        form method="post" action=(format!("/office/people/{}/invitation", row.id)) {
                            p.note { "For a lost password or phone. What let this person in before no longer does." }
                            button.button type="submit" { "Make a fresh link" }
                        }
                        form method="post" action=(format!("/office/people/{}/end", row.id)) {
                            p.note { "Ends every session of this person here, at once." }
                            button.button.danger type="submit" { "Let no longer in" }
                        }
                    }
                }
            }
        }
    }
}

fn roles(id: &str, chosen: Role) -> Markup {
    html! {
        select.input id=(id) name="role" {
            @for role in ROLES { option value=(role.as_str()) selected[role == chosen] { (words(role)) } }
        }
    }
}

fn words(role: Role) -> &'static str {
    match role {
        Role::Owner => "Everything (owner)",
        Role::Manager => "Tills and payments (manager)",
        Role::Cashier => "Looks at payments (cashier)",
        Role::Operator => "Runs the server (operator)",
    }
}
