//! Pages of a list: a cursor and a limit, as every list takes them.

use super::problem::ApiError;
use holdfast_core::limits::HISTORY_PAGE_MAX;

/// Digits that always fit into 63 bits.
const CURSOR_CHARS_MAX: usize = 18;

/// The place that a cursor stands for; none for an empty one.
///
/// # Errors
/// When it is no cursor of ours.
pub fn cursor(text: &str) -> Result<Option<i64>, ApiError> {
    if text.is_empty() {
        return Ok(None);
    }
    let is_ours = text.len() <= CURSOR_CHARS_MAX && text.bytes().all(|byte| byte.is_ascii_digit());
    let place = if is_ours { text.parse().ok() } else { None };
    place.map(Some).ok_or(ApiError::REQUEST_UNREADABLE)
}

/// How many lines a page may have.
///
/// # Errors
/// When it is none at all, or more than any page has.
pub fn limit(asked: Option<usize>) -> Result<usize, ApiError> {
    let limit = asked.unwrap_or(HISTORY_PAGE_MAX);
    if (1..=HISTORY_PAGE_MAX).contains(&limit) { Ok(limit) } else { Err(ApiError::REQUEST_UNREADABLE) }
}
