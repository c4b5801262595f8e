//! Who may use a route, in the document's words: security schemes, and the problems that a door answers with.

use super::ApiError;
use crate::http::door::Access;
use crate::people::Role;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};

const BEARER: &str = "session";
const COOKIE: &str = "session_cookie";
const DEVICE: &str = "device_signature";

/// The ways to say who one is.
pub fn schemes() -> [(&'static str, SecurityScheme); 3] {
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(
        "A session's token, from `POST /api/v1/sessions`. It ends 30 minutes after its last use and 12 hours after the sign-in, and acts for one merchant.",
    ));
    let cookie = ApiKeyValue::with_description(
        "holdfast",
        "The same token as the back office's cookie (`__Host-holdfast` over TLS). A request that changes something must then come from a page of this \
         server, by `Sec-Fetch-Site` or `Origin`; otherwise the answer is `foreign-page`.",
    );
    let device = ApiKeyValue::with_description(
        "Signature",
        "An HTTP message signature (RFC 9421) of an enrolled device's P-256 key: label `holdfast`, components `@method`, `@path`, `@query` and `content-digest` in \
         this order, `alg=\"ecdsa-p256-sha256\"`, `keyid` the device's id. `Content-Digest` and `Signature-Input` go along. Section 2 of docs/protocol.md has it in full.",
    );
    [
        (BEARER, SecurityScheme::Http(bearer.build())),
        (COOKIE, SecurityScheme::ApiKey(ApiKey::Cookie(cookie))),
        (DEVICE, SecurityScheme::ApiKey(ApiKey::Header(device))),
    ]
}

/// The schemes that open a route, any of them. An empty one means that nothing needs to come along.
pub fn requirements(access: Access, is_demo: bool) -> Vec<SecurityRequirement> {
    let person = || [BEARER, COOKIE].map(one);
    match access {
        Access::Public | Access::Demo => Vec::new(),
        Access::Code | Access::Device | Access::DeviceEvenRevoked => vec![one(DEVICE)],
        Access::DeviceOr(_) => person().into_iter().chain([one(DEVICE)]).collect(),
        Access::PeopleOrDemo(_) if is_demo => person().into_iter().chain([SecurityRequirement::default()]).collect(),
        Access::People(_) | Access::PeopleOrDemo(_) | Access::Office(_) | Access::Signed | Access::Half => {
            person().into()
        }
    }
}

fn one(name: &str) -> SecurityRequirement {
    SecurityRequirement::new::<&str, [&str; 0], &str>(name, [])
}

/// What the door and the check of a signature answer with.
pub fn problems(access: Access, is_write: bool) -> Vec<ApiError> {
    let signature = [ApiError::SIGNATURE_MISSING, ApiError::SIGNATURE_WRONG];
    let mut found = match access {
        Access::Public | Access::Demo => Vec::new(),
        Access::Code | Access::DeviceEvenRevoked => signature.into(),
        Access::Device => [&signature[..], &[ApiError::DEVICE_REVOKED]].concat(),
        Access::DeviceOr(_) => {
            [&signature[..], &[ApiError::DEVICE_REVOKED, ApiError::SIGN_IN_NEEDED, ApiError::NOT_ALLOWED]].concat()
        }
        Access::People(_) | Access::PeopleOrDemo(_) | Access::Office(_) => {
            vec![ApiError::SIGN_IN_NEEDED, ApiError::NOT_ALLOWED]
        }
        Access::Signed | Access::Half => vec![ApiError::SIGN_IN_NEEDED],
    };
    if is_write && found.contains(&ApiError::SIGN_IN_NEEDED) {
        found.push(ApiError::FOREIGN_PAGE);
    }
    found
}

/// Who may, in a sentence.
pub fn words(access: Access) -> String {
    let roles = |roles: &[Role]| {
        if roles.len() == Role::ALL.len() {
            return "anybody who is signed in".to_owned();
        }
        roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", ")
    };
    let who = match access {
        Access::Public => "anybody".to_owned(),
        Access::Code => "whoever has a one-time code, signed by the key to enrol with `keyid=\"enrol\"`".to_owned(),
        Access::Device => "an enrolled device".to_owned(),
        Access::DeviceEvenRevoked => "an enrolled device, also a revoked one".to_owned(),
        Access::DeviceOr(of) => format!("an enrolled device; or {}", roles(of)),
        Access::People(of) | Access::Office(of) => roles(of),
        Access::PeopleOrDemo(of) => format!("{}; in the demo anybody", roles(of)),
        Access::Signed => "anybody who is signed in, whichever shop is chosen".to_owned(),
        Access::Half => "a sign-in that waits for its second factor".to_owned(),
        Access::Demo => "anybody, in the demo only".to_owned(),
    };
    format!("Who may: {who}.")
}
