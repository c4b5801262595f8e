//! Which of their shops somebody acts for.

use super::page::outside;
use crate::http::Server;
use crate::http::body::form;
use crate::http::door::Known;
use crate::http::problem::ApiError;
use axum::Extension;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::html;
use serde::Deserialize;
use std::sync::Arc;

#[derive(Deserialize)]
pub struct Choice {
    merchant_id: String,
}

pub async fn get(State(server): State<Arc<Server>>, Extension(person): Known) -> Result<Response, ApiError> {
    let shops = server.people.memberships(&person.session.user_id).await?;
    let body = html! {
        @if shops.is_empty() {
            p { "This account belongs to no shop. Ask an owner, or whoever runs the server." }
        } @else {
            p { "Where do you want to look?" }
            form.office-fields method="post" action="/office/shops" {
                @for shop in &shops {
                    button.button.tall type="submit" name="merchant_id" value=(shop.merchant_id.to_string()) {
                        (shop.merchant_name) " (" (shop.role.as_str()) ")"
                    }
                }
            }
        }
        form.office-fields method="post" action="/office/sign-out" { button.button.quiet type="submit" { "Sign out" } }
    };
    Ok(outside(StatusCode::OK, "Your shops", body))
}

pub async fn post(
    State(server): State<Arc<Server>>,
    Extension(person): Known,
    request: Request,
) -> Result<Response, ApiError> {
    let choice: Choice = form(request).await?;
    let id = choice.merchant_id.parse().map_err(|_| ApiError::NOT_ALLOWED)?;
    if !server.people.choose(&person.session, id).await? {
        return Err(ApiError::NOT_ALLOWED);
    }
    Ok(Redirect::to("/office").into_response())
}
