//! How today is: what was sold until now, hour by hour, beside the same weekday a week before.

use super::chart::{Column, columns};
use super::format::{count, money, weekday};
use crate::http::Server;
use crate::http::problem::ApiError;
use crate::journal::report::Ask;
use crate::journal::{Calendar, Journal};
use holdfast_core::books::{Kind, When};
use holdfast_core::id::MerchantId;
use holdfast_core::time::{UnixMs, iso_date};
use holdfast_wire::report::{Report, Row};
use maud::{Markup, html};

/// Hours that the picture has at least, so that a young day has room to grow.
const HOURS_MIN: usize = 10;
/// The hour at which it begins where nothing was sold yet.
const OPENS: usize = 8;

/// The card of the day, for somebody who may open the reports or not.
pub async fn card(
    server: &Server,
    merchant_id: MerchantId,
    currency: &str,
    now_ms: UnixMs,
    may_open: bool,
) -> Result<Markup, ApiError> {
    let journal = Journal::new(&server.ledger);
    let calendar = journal.calendar(merchant_id).await?;
    let now = calendar.when(now_ms);
    let is = hours(&journal, merchant_id, now.day).await?;
    let was = hours(&journal, merchant_id, now.day - 7).await?;
    Ok(drawn(&is, &was, &Clock { calendar, now, currency }, may_open))
}

async fn hours(journal: &Journal, merchant_id: MerchantId, day: i64) -> Result<Report, ApiError> {
    let ask = Ask::of(Kind::Hour, day, day).map_err(|_| ApiError::REPORT_UNREADABLE)?;
    Ok(journal.report(merchant_id, ask).await?)
}

/// The shop's clock as it stands, and its currency.
struct Clock<'a> {
    calendar: Calendar,
    now: When,
    currency: &'a str,
}

impl Clock<'_> {
    fn start(&self) -> usize {
        usize::try_from(self.calendar.day_start_hour()).unwrap_or(0)
    }

    /// Where an hour stands in the business day.
    fn order(&self, hour: usize) -> usize {
        (hour + 24 - self.start()) % 24
    }

    /// What a report says of an hour.
    fn of(&self, report: &Report, hour: usize) -> i64 {
        let rows = report.rows.iter().filter(|row| row.currency == self.currency && hour_of(row) == Some(hour));
        rows.map(|row| row.gross_minor).fold(0_i64, i64::saturating_add)
    }
}

fn drawn(is: &Report, was: &Report, clock: &Clock<'_>, may_open: bool) -> Markup {
    let (now, currency) = (clock.now, clock.currency);
    let sums = is.totals.iter().find(|row| row.currency == currency).cloned().unwrap_or_default();
    let until_now = (0..24).filter(|hour| clock.order(*hour) <= clock.order(usize::from(now.hour)));
    let before_minor = until_now.map(|hour| clock.of(was, hour)).fold(0_i64, i64::saturating_add);
    let day = iso_date(now.day);
    let chart = html! {
        (columns(&slots(is, was, clock), &format!("Sales by hour today: {} in all", money(sums.gross_minor, currency))))
        p.office-key { span { "Today" } span.was { "Last " (weekday(now.day)) } }
    };
    html! {
        section.office-card.wide {
            h2 { (weekday(now.day)) ", so far" }
            div.office-sums {
                p.office-amount.num { (money(sums.gross_minor, currency)) }
                a.office-link href=(format!("/office/payments?from={day}&to={day}")) { (count(sums.count, "sale", "sales")) }
                p.note { (beside(sums.gross_minor, before_minor, now, currency)) }
            }
            @if may_open {
                a.office-chart href=(format!("/office/reports/hour?from={day}&to={day}")) { (chart) }
            } @else {
                div.office-chart { (chart) }
            }
            (rest(&sums, is.totals.iter().filter(|row| row.currency != currency)))
        }
    }
}

/// More or less than a week before at this hour, if there was anything then.
fn beside(is_minor: i64, was_minor: i64, now: When, currency: &str) -> Markup {
    let (difference, day) = (is_minor.saturating_sub(was_minor), weekday(now.day));
    html! {
        @if was_minor > 0 {
            span.num { (money(difference.saturating_abs(), currency)) }
            @if difference < 0 { " less" } @else { " more" }
            " than last " (day) " by this hour"
        }
    }
}

/// What went back and what was lost, as far as there is anything.
fn rest<'a>(sums: &Row, others: impl Iterator<Item = &'a Row>) -> Markup {
    let parts = [("Paid back", sums.refunds_minor, "paid-back"), ("Lost", sums.lost_minor, "lost")];
    html! {
        p.office-key.office-rest {
            @for (words, minor, state) in parts.into_iter().filter(|(_, minor, _)| *minor != 0) {
                a.office-link href=(format!("/office/payments?state={state}")) {
                    (words) " " b.num { (money(minor, &sums.currency)) }
                }
            }
            // A shop has one currency; a change of it must not add up apples and pears.
            @for row in others { span { "And " b.num { (money(row.gross_minor, &row.currency)) } } }
        }
    }
}

/// The hours in the day's own order, from the first that sold something to the last.
fn slots(is: &Report, was: &Report, clock: &Clock<'_>) -> Vec<Column> {
    let hours = (0..24).map(|at| (at + clock.start()) % 24);
    let all = hours.map(|hour| (hour, clock.of(is, hour), clock.of(was, hour))).collect::<Vec<_>>();
    let sold = |&(_, is, was): &(usize, i64, i64)| is != 0 || was != 0;
    let first = all.iter().position(sold).unwrap_or(clock.order(OPENS)).min(24 - HOURS_MIN);
    let last = all.iter().rposition(sold).unwrap_or(0).max(first + HOURS_MIN - 1);
    let words = |minor| money(minor, clock.currency);
    let column = |(hour, is, was): &(usize, i64, i64)| Column {
        name: format!("{hour:02}"),
        words: format!("{hour:02}:00: {}, a week before {}", words(*is), words(*was)),
        is: *is,
        was: *was,
    };
    all.iter().skip(first).take(last - first + 1).map(column).collect()
}

fn hour_of(row: &Row) -> Option<usize> {
    row.key.parse().ok()
}
