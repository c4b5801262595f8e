//! The way in: e-mail and password, then the code of the second factor, or its set-up.

use super::page::{alert, outside};
use crate::http::body::form;
use crate::http::door::{Known, Person, address};
use crate::http::problem::ApiError;
use crate::http::qr;
use crate::http::{FAILED_SIGN_INS, Server};
use crate::people::{Proof, SignInError, Stage, totp};
use crate::process::Clock as _;
use axum::Extension;
use axum::extract::{Request, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use holdfast_core::limits::SESSION_MS_MAX;
use maud::{Markup, PreEscaped, html};
use serde::Deserialize;
use std::sync::Arc;

#[derive(Deserialize)]
pub struct SignIn {
    email: String,
    password: String,
}

#[derive(Deserialize)]
pub struct Code {
    code: String,
}

#[derive(Deserialize)]
pub struct Out {
    everywhere: Option<String>,
}

pub async fn get() -> Response {
    form_page(StatusCode::OK, None)
}

pub async fn post(State(server): State<Arc<Server>>, request: Request) -> Result<Response, ApiError> {
    let address = address(request.extensions());
    let asked: SignIn = form(request).await?;
    let proof = Proof { email: asked.email, password: asked.password, code: None };
    match server.people.sign_in(server.clock.now_ms(), &address, proof).await {
        Ok((token, _)) => Ok(with_cookie(&server, &token, "/office/code")),
        Err(SignInError::Refused) => {
            Ok(form_page(StatusCode::UNAUTHORIZED, Some("E-mail address or password is not right.")))
        }
        Err(SignInError::Wait(wait_ms)) => {
            server.metrics.limited(FAILED_SIGN_INS);
            Ok(form_page(StatusCode::TOO_MANY_REQUESTS, Some(&wait_words(wait_ms))))
        }
        Err(error) => Err(error.into()),
    }
}

/// The second step, as far as this sign-in has come.
pub async fn code(State(server): State<Arc<Server>>, Extension(person): Known) -> Result<Response, ApiError> {
    code_page(&server, &person, StatusCode::OK, None).await
}

pub async fn prove(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    request: Request,
) -> Result<Response, ApiError> {
    let address = address(request.extensions());
    let asked: Code = form(request).await?;
    match server.people.prove(server.clock.now_ms(), &address, &person.session, &asked.code).await {
        Ok(token) => Ok(with_cookie(&server, &token, "/office")),
        Err(SignInError::Refused) => {
            let words = "This code is not right. Each works once; wait for the next one.";
            code_page(&server, &person, StatusCode::UNAUTHORIZED, Some(words)).await
        }
        Err(SignInError::Wait(wait_ms)) => {
            server.metrics.limited(FAILED_SIGN_INS);
            code_page(&server, &person, StatusCode::TOO_MANY_REQUESTS, Some(&wait_words(wait_ms))).await
        }
        Err(error) => Err(error.into()),
    }
}

pub async fn sign_out(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    request: Request,
) -> Result<Response, ApiError> {
    let out: Out = form(request).await?;
    if out.everywhere.is_some() {
        server.people.sign_out_everywhere(&person.session).await?;
    } else {
        server.people.sign_out(&person.session).await?;
    }
    Ok(with_cookie(&server, "", "/office/sign-in"))
}

/// Sends the browser on with a session; without a token, the cookie goes.
pub fn with_cookie(server: &Server, token: &str, to: &str) -> Response {
    let age_s = if token.is_empty() { 0 } else { SESSION_MS_MAX / 1000 };
    let secure = if server.doors.is_secure { "; Secure" } else { "" };
    let name = server.doors.cookie_name();
    let cookie = format!("{name}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={age_s}{secure}");
    let mut response = Redirect::to(to).into_response();
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

fn wait_words(wait_ms: i64) -> String {
    format!("Too many attempts. Try again in {} seconds.", wait_ms / 1000 + 1)
}

fn form_page(status: StatusCode, words: Option<&str>) -> Response {
    let body = html! {
        (alert(words))
        form.office-fields method="post" action="/office/sign-in" {
            div.field {
                label for="email" { "E-mail address" }
                input.input id="email" name="email" type="email" autocomplete="username" required;
            }
            div.field {
                label for="password" { "Password" }
                input.input id="password" name="password" type="password" autocomplete="current-password" required;
            }
            button.button.primary.tall type="submit" { "Sign in" }
        }
        p.note { "A password that was lost is replaced by whoever runs the server." }
    };
    outside(status, "Sign in", body)
}

async fn code_page(
    server: &Server,
    person: &Person,
    status: StatusCode,
    words: Option<&str>,
) -> Result<Response, ApiError> {
    if person.session.stage == Stage::Code {
        let body = html! {
            (alert(words))
            p { "Type the six digits that your authenticator app shows for Holdfast." }
            (code_form("Go on"))
        };
        return Ok(outside(status, "Second step", body));
    }
    let secret = server.people.offer(&person.session).await?;
    // Opened for its owner, who takes it into an app now and never sees it again.
    let (uri, typed) = (totp::uri(secret.expose(), &person.session.email), totp::base32(secret.expose()));
    let picture = qr::svg(&uri).unwrap_or_default();
    let groups = typed.as_bytes().chunks(4).map(|group| String::from_utf8_lossy(group)).collect::<Vec<_>>().join(" ");
    let body = html! {
        (alert(words))
        p { "Your account needs a second factor. Scan this with an authenticator app, then type the six digits that it shows." }
        div.office-qr role="img" aria-label="QR code for an authenticator app" { (PreEscaped(picture)) }
        p.note { "Cannot scan? Type this into the app:" }
        p.office-secret.num { (groups) }
        (code_form("Finish"))
    };
    Ok(outside(status, "Set up the second step", body))
}

fn code_form(button: &str) -> Markup {
    html! {
        form.office-fields method="post" action="/office/code" {
            div.field {
                label for="code" { "Six digits" }
                input.input.code id="code" name="code" inputmode="numeric" autocomplete="one-time-code" pattern="[0-9 ]{6,7}"
                    maxlength="7" required autofocus;
            }
            button.button.primary.tall type="submit" { (button) }
        }
    }
}
