//! The one stylesheet, made of the till's tokens and ground rules, and the one script.

use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use std::sync::LazyLock;

const TOKENS: &str = include_str!("../../../../../www/styles/tokens.css");
const BASE: &str = include_str!("../../../../../www/styles/base.css");
/// In the order of what may overrule what.
const SHEETS: [&str; 9] = [
    include_str!("styles/frame.css"),
    include_str!("styles/parts.css"),
    include_str!("styles/forms.css"),
    include_str!("styles/figures.css"),
    include_str!("styles/today.css"),
    include_str!("styles/policy.css"),
    include_str!("styles/door.css"),
    include_str!("styles/docs.css"),
    include_str!("styles/print.css"),
];
const SCRIPT: &str = include_str!("office.js");
const DARK: &str = ":root[data-theme=\"dark\"] {";

static STYLE: LazyLock<String> = LazyLock::new(|| format!("{}\n{BASE}\n{}", by_preference(TOKENS), SHEETS.join("\n")));

/// Nobody sets the theme here: the dark tokens go by what the system prefers. Paper is light.
fn by_preference(tokens: &str) -> String {
    let Some((before, rest)) = tokens.split_once(DARK) else { return tokens.to_owned() };
    let Some((dark, after)) = rest.split_once('}') else { return tokens.to_owned() };
    format!("{before}@media screen and (prefers-color-scheme: dark) {{ :root {{{dark}}} }}{after}")
}

/// `GET /office/style.css`.
pub async fn style() -> Response {
    file("text/css; charset=utf-8", STYLE.as_str())
}

/// `GET /office/office.js`.
pub async fn script() -> Response {
    file("text/javascript; charset=utf-8", SCRIPT)
}

fn file(kind: &'static str, text: &'static str) -> Response {
    let headers =
        [(CONTENT_TYPE, HeaderValue::from_static(kind)), (CACHE_CONTROL, HeaderValue::from_static("no-cache"))];
    (headers, text).into_response()
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
