//! The one-time link: its owner chooses a password, and goes on to the second factor.

use super::page::{alert, outside};
use super::sign_in::with_cookie;
use crate::http::Server;
use crate::http::body::form;
use crate::http::door::address;
use crate::http::problem::ApiError;
use crate::people::{Account, Proof, password};
use crate::process::Clock as _;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use maud::html;
use serde::Deserialize;
use std::sync::Arc;

#[derive(Deserialize)]
pub struct Chosen {
    password: String,
    again: String,
}

pub async fn get(State(server): State<Arc<Server>>, Path(token): Path<String>) -> Result<Response, ApiError> {
    match server.people.invited(server.clock.now_ms(), &token).await? {
        Some(account) => Ok(form_page(&account, &token, StatusCode::OK, None)),
        None => Ok(over()),
    }
}

pub async fn post(
    State(server): State<Arc<Server>>,
    Path(token): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let address = address(request.extensions());
    let chosen: Chosen = form(request).await?;
    let now_ms = server.clock.now_ms();
    let Some(account) = server.people.invited(now_ms, &token).await? else { return Ok(over()) };
    let say = |words| Ok(form_page(&account, &token, StatusCode::UNPROCESSABLE_ENTITY, Some(words)));
    if chosen.password != chosen.again {
        return say("The two are not the same. Type them again.");
    }
    if !password::is_long_enough(&chosen.password) {
        return say("Take at least twelve characters. A few words are good; nothing else is asked of it.");
    }
    server.people.set_password(&account.id, chosen.password.clone()).await?;
    let proof = Proof { email: account.email.clone(), password: chosen.password, code: None };
    let (token, _) = server.people.sign_in(now_ms, &address, proof).await.map_err(|error| server.not_let_in(error))?;
    Ok(with_cookie(&server, &token, "/office/code"))
}

fn form_page(account: &Account, token: &str, status: StatusCode, words: Option<&str>) -> Response {
    let body = html! {
        (alert(words))
        p { "Choose a password for " strong { (account.email) } ". Twelve characters or more; a few words are good." }
        form.office-fields method="post" action=(format!("/office/welcome/{token}")) {
            input type="hidden" name="email" value=(account.email) autocomplete="username";
            div.field {
                label for="password" { "Password" }
                input.input id="password" name="password" type="password" autocomplete="new-password" minlength="12" required;
            }
            div.field {
                label for="again" { "The same once more" }
                input.input id="again" name="again" type="password" autocomplete="new-password" minlength="12" required;
            }
            button.button.primary.tall type="submit" { "Keep it and go on" }
        }
    };
    outside(status, "Welcome", body)
}

fn over() -> Response {
    let body = html! {
        p { "This link was used, or is older than a day. Ask for a fresh one." }
        p { a.button href="/office/sign-in" { "Sign in" } }
    };
    outside(StatusCode::NOT_FOUND, "This link is over", body)
}
