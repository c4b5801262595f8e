//! Many rows in one statement, as one text for both databases.
//!
//! A statement is made of constants and of the number of its rows; every value is bound. There are few numbers of rows, so that a database
//! prepares few statements. Places are `$1`, `$2`, … in PostgreSQL and `?` in SQLite, where sqlx looks each name up in a list of all of them: half
//! of the time of a statement with a thousand.

use super::Conn;
use crate::store::StoreError;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AssertSqlSafe, Database as _, Postgres};
use std::fmt::Write as _;

/// A value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Whole(i64),
    MaybeWhole(Option<i64>),
    Text(String),
    MaybeText(Option<String>),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Whole(value)
    }
}

impl From<Option<i64>> for Value {
    fn from(value: Option<i64>) -> Self {
        Self::MaybeWhole(value)
    }
}

impl From<bool> for Value {
    /// Yes is 1 and no is 0.
    fn from(value: bool) -> Self {
        Self::Whole(i64::from(value))
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<Option<String>> for Value {
    fn from(value: Option<String>) -> Self {
        Self::MaybeText(value)
    }
}

/// Rows of one statement, and keys of one list.
const SIZES: [usize; 7] = [64, 32, 16, 8, 4, 2, 1];

/// Writes `rows` by statements `{head}($1, $2), ($3, $4), …{tail}`: an `INSERT … VALUES`, or an `UPDATE … FROM (VALUES …) AS v`, whose columns
/// both databases call `column1`, `column2`, ….
///
/// # Errors
/// When the database refuses.
pub async fn write<const N: usize>(
    c: &mut Conn,
    head: &str,
    tail: &str,
    rows: Vec<[Value; N]>,
) -> Result<(), StoreError> {
    let mut left = rows.into_iter();
    while left.len() > 0 {
        let size = SIZES.into_iter().find(|size| *size <= left.len()).unwrap_or(1);
        let text = format!("{head}{}{tail}", places(Style::of(c), size, N));
        let values = left.by_ref().take(size).flatten();
        values.fold(sqlx::query(AssertSqlSafe(text)), bind).execute(&mut *c).await?;
    }
    Ok(())
}

/// Reads by statements `{head}($2, $3, …){tail}`, a list of keys. `first` is the `$1` of `head`, for a statement that needs one; without it the
/// list begins there. Keys in order give rows in order, if `tail` orders them.
///
/// # Errors
/// When the database refuses.
pub async fn read<K: Into<Value>>(
    c: &mut Conn,
    head: &str,
    tail: &str,
    first: Option<Value>,
    keys: impl IntoIterator<Item = K>,
) -> Result<Vec<AnyRow>, StoreError> {
    let keys: Vec<Value> = keys.into_iter().map(Into::into).collect();
    let mut found = Vec::with_capacity(keys.len());
    for some in keys.chunks(SIZES[0]) {
        found.extend(listed(Style::of(c), head, tail, first.clone(), some).fetch_all(&mut *c).await?);
    }
    Ok(found)
}

/// The same for a statement that gives nothing back.
///
/// # Errors
/// When the database refuses.
pub async fn change<K: Into<Value>>(
    c: &mut Conn,
    head: &str,
    tail: &str,
    first: Option<Value>,
    keys: impl IntoIterator<Item = K>,
) -> Result<(), StoreError> {
    let keys: Vec<Value> = keys.into_iter().map(Into::into).collect();
    for some in keys.chunks(SIZES[0]) {
        listed(Style::of(c), head, tail, first.clone(), some).execute(&mut *c).await?;
    }
    Ok(())
}

/// How a place for a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Numbered,
    Bare,
}

impl Style {
    fn of(c: &Conn) -> Self {
        if c.backend_name() == Postgres::NAME { Self::Numbered } else { Self::Bare }
    }

    /// Adds the place of this number to a text.
    fn place(self, text: &mut String, number: usize) {
        match self {
            // Writing to a string cannot fail.
            Self::Numbered => drop(write!(text, "${number}")),
            Self::Bare => text.push('?'),
        }
    }
}

/// The last key fills the list up to one of the sizes: naming it twice finds it once.
fn listed(
    style: Style,
    head: &str,
    tail: &str,
    first: Option<Value>,
    keys: &[Value],
) -> Query<'static, Any, AnyArguments> {
    let size = SIZES.into_iter().rev().find(|size| *size >= keys.len()).unwrap_or(keys.len());
    let mut text = String::with_capacity(head.len() + tail.len() + 6 * size);
    // Both kinds of places do not go together.
    text.push_str(&if style == Style::Bare { head.replacen("$1", "?", 1) } else { head.to_owned() });
    for place in 0..size {
        text.push_str(if place == 0 { "(" } else { ", " });
        style.place(&mut text, place + 1 + usize::from(first.is_some()));
    }
    text.push(')');
    text.push_str(tail);
    let filled = keys.iter().chain(std::iter::repeat(keys.last()).flatten()).take(size);
    first.into_iter().chain(filled.cloned()).fold(sqlx::query(AssertSqlSafe(text)), bind)
}

fn bind<'q>(query: Query<'q, Any, AnyArguments>, value: Value) -> Query<'q, Any, AnyArguments> {
    match value {
        Value::Whole(value) => query.bind(value),
        Value::MaybeWhole(value) => query.bind(value),
        Value::Text(value) => query.bind(value),
        Value::MaybeText(value) => query.bind(value),
    }
}

/// `($1, $2), ($3, $4)` for two rows of two columns.
fn places(style: Style, rows: usize, columns: usize) -> String {
    let mut text = String::with_capacity(rows * columns * 7);
    for row in 0..rows {
        text.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..columns {
            text.push_str(if column == 0 { "" } else { ", " });
            style.place(&mut text, row * columns + column + 1);
        }
        text.push(')');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::Execute as _;

    #[test]
    fn texts_have_a_place_for_every_value() {
        assert_eq!(places(Style::Numbered, 2, 2), "($1, $2), ($3, $4)");
        assert_eq!(places(Style::Bare, 2, 2), "(?, ?), (?, ?)");
        let keys = |count: i64| (0..count).map(Value::from).collect::<Vec<_>>();
        let text = |style, head, first, count| {
            listed(style, head, " ORDER BY 1", first, &keys(count)).sql().as_str().to_owned()
        };
        assert_eq!(text(Style::Numbered, "a IN ", None, 1), "a IN ($1) ORDER BY 1");
        assert_eq!(text(Style::Numbered, "a IN ", None, 3), "a IN ($1, $2, $3, $4) ORDER BY 1");
        let (head, first) = ("a = $1 AND b IN ", || Some(Value::from(7)));
        assert_eq!(text(Style::Numbered, head, first(), 2), "a = $1 AND b IN ($2, $3) ORDER BY 1");
        assert_eq!(text(Style::Bare, head, first(), 2), "a = ? AND b IN (?, ?) ORDER BY 1");
    }
}
