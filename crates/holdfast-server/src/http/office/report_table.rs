//! A report's figures: columns of a picture where they follow each other in time, bars elsewhere, and the table.

use super::chart::{Column, columns, share};
use super::format::{day as day_words, money};
use crate::journal::report::day as day_of;
use holdfast_core::books::{Kind, Reason, Tender};
use holdfast_core::time::iso_date;
use holdfast_wire::report::{Report, Row};
use maud::{Markup, html};

/// Days that a picture has each a place for.
const DAYS_DRAWN_MAX: i64 = 92;

/// A report as a picture and a table.
pub fn drawn(kind: Kind, name: &str, report: &Report) -> Markup {
    let rows = ordered(kind, report);
    let most = rows.iter().map(|row| main_figure(kind, row).saturating_abs()).max().unwrap_or(0);
    let is_in_time = matches!(kind, Kind::Day | Kind::Hour);
    html! {
        @if report.rows.is_empty() {
            p.office-empty { "Nothing in these days." }
        } @else {
            @if is_in_time && rows.len() > 1 { (picture(kind, report, &rows)) }
            div.office-scroll tabindex="0" role="region" aria-label=(name) {
                table.office-table {
                    thead { tr {
                        th scope="col" { (name) }
                        @if !is_in_time { th.picture scope="col" { span.visually-hidden { "Share" } } }
                        @for (words, _) in shown(kind) { th scope="col" { (words) } }
                    } }
                    tbody {
                        @for row in &rows {
                            tr {
                                th scope="row" { (opens(kind, report, row)) }
                                @if !is_in_time { td.picture { (share(main_figure(kind, row).saturating_abs(), most)) } }
                                (figures(kind, row))
                            }
                        }
                    }
                    tfoot {
                        @for row in report.totals.iter().filter(|_| report.rows.len() > 1 && kind != Kind::Accounts) {
                            tr {
                                th scope="row" { "Total" }
                                @if !is_in_time { td {} }
                                (figures(kind, row))
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What a report is about; the longest bar is the largest of them.
fn main_figure(kind: Kind, row: &Row) -> i64 {
    match kind {
        Kind::Losses => row.lost_minor,
        Kind::Accounts => row.balance_minor,
        _ => row.gross_minor,
    }
}

/// In the order of time where there is one, hours as the business day has them; otherwise the largest first.
fn ordered(kind: Kind, report: &Report) -> Vec<&Row> {
    let mut rows = report.rows.iter().collect::<Vec<_>>();
    match kind {
        Kind::Day | Kind::Accounts => {}
        Kind::Hour => {
            rows.sort_by_key(|row| row.key.parse::<i64>().map_or(0, |hour| (hour + 24 - report.day_start_hour) % 24));
        }
        _ => rows.sort_by_key(|row| std::cmp::Reverse(main_figure(kind, row))),
    }
    rows
}

fn picture(kind: Kind, report: &Report, rows: &[&Row]) -> Markup {
    let column = |key: &str, name: String| {
        let of_it = rows.iter().filter(|row| row.key == key).collect::<Vec<_>>();
        let words = of_it.iter().map(|row| format!("{}: {}", label(kind, row), money(row.gross_minor, &row.currency)));
        let is = of_it.iter().map(|row| row.gross_minor).fold(0_i64, i64::saturating_add);
        Column { name, words: words.collect::<Vec<_>>().join(", "), is, was: 0 }
    };
    let (first, last) = (day_of(&report.from).unwrap_or(0), day_of(&report.to).unwrap_or(0));
    let drawn = if kind == Kind::Day && last - first < DAYS_DRAWN_MAX {
        // A day on which nothing was sold has its place as well.
        let days = (first..=last).map(iso_date);
        days.map(|day| column(&day, day.get(8..).unwrap_or_default().to_owned())).collect::<Vec<_>>()
    } else {
        let name = |row: &Row| if kind == Kind::Day { String::new() } else { row.key.clone() };
        rows.iter().map(|row| column(&row.key, name(row))).collect()
    };
    html! {
        section.office-card { div.office-chart { (columns(&drawn, "Sales, as in the table below")) } }
    }
}

/// A column of a table: its name, and what it says of a row.
type Named = (&'static str, fn(&Row) -> Figure);

/// The columns that mean something in a report.
fn shown(kind: Kind) -> &'static [Named] {
    use Figure::{Count, Money};
    match kind {
        Kind::Losses => &[("Payments", |row| Count(row.count)), ("Lost", |row| Money(row.lost_minor))],
        Kind::Accounts => &[("Balance", |row| Money(row.balance_minor))],
        Kind::Item | Kind::Category => &[
            ("Pieces", |row| Count(row.quantity)),
            ("Gross", |row| Money(row.gross_minor)),
            ("Net", |row| Money(row.net_minor)),
            ("Tax", |row| Money(row.tax_minor)),
        ],
        Kind::Tax => &[
            ("Gross", |row| Money(row.gross_minor)),
            ("Net", |row| Money(row.net_minor)),
            ("Tax", |row| Money(row.tax_minor)),
            ("Paid back", |row| Money(row.refunds_minor)),
            ("Tax in it", |row| Money(row.refunds_tax_minor)),
        ],
        _ => &[
            ("Sales", |row| Count(row.count)),
            ("Gross", |row| Money(row.gross_minor)),
            ("Net", |row| Money(row.net_minor)),
            ("Tax", |row| Money(row.tax_minor)),
            ("Tips", |row| Money(row.tips_minor)),
            ("Paid back", |row| Money(row.refunds_minor)),
            ("Lost", |row| Money(row.lost_minor)),
        ],
    }
}

enum Figure {
    Count(i64),
    Money(i64),
}

/// A figure of nothing is soft: the eye goes to those that are there.
fn figures(kind: Kind, row: &Row) -> Markup {
    html! {
        @for (_, of) in shown(kind) {
            @match of(row) {
                Figure::Count(count) => { td { (count) } }
                Figure::Money(0) => { td.soft { (money(0, &row.currency)) } }
                Figure::Money(minor) => { td { (money(minor, &row.currency)) } }
            }
        }
    }
}

/// What a row is about, as a link to what it is made of where there is such a page.
fn opens(kind: Kind, report: &Report, row: &Row) -> Markup {
    let days = format!("from={}&to={}", report.from, report.to);
    let href = match kind {
        Kind::Day => Some(format!("/office/reports/hour?from={0}&to={0}", row.key)),
        Kind::Hour if report.from == report.to => Some(format!(
            "/office/payments?from={}&hour={}",
            report.from,
            row.key.trim_start_matches('0').parse::<u8>().unwrap_or(0)
        )),
        Kind::Device if !row.key.is_empty() => Some(format!("/office/payments?device={}&{days}", row.key)),
        Kind::Path => Some(format!("/office/payments?path={}&{days}", row.key)),
        Kind::Tender if row.key == Tender::Card.name() => Some(format!("/office/payments?{days}")),
        Kind::Tender => Some("/office/cash".to_owned()),
        Kind::Item if !row.key.is_empty() => {
            let name = url::form_urlencoded::byte_serialize(row.key.as_bytes()).collect::<String>();
            Some(format!("/office/payments?item={name}&{days}"))
        }
        Kind::Tax => Some(format!("/office/payments?tax={}&{days}", row.key)),
        Kind::Category => Some(format!("/office/reports/item?{days}")),
        Kind::Losses if row.key == Reason::Chargeback.name() => Some("/office/reconciliation".to_owned()),
        Kind::Losses => Some("/office/payments?state=lost".to_owned()),
        _ => None,
    };
    html! {
        @match href {
            Some(href) => { a.office-link href=(href) { (label(kind, row)) } }
            None => { (label(kind, row)) }
        }
    }
}

fn label(kind: Kind, row: &Row) -> String {
    match (kind, row.key.as_str()) {
        (Kind::Day, key) => day_of(key).map_or_else(|_| key.to_owned(), day_words),
        (Kind::Path, "offline") => "Taken offline".to_owned(),
        (Kind::Path, _) => "Taken online".to_owned(),
        (Kind::Tender, "card") => "Card".to_owned(),
        (Kind::Tender, "cash") => "Cash".to_owned(),
        (Kind::Losses, "declined-after-the-fact") => "Declined after the sale".to_owned(),
        (Kind::Losses, "expired") => "Too late for its window".to_owned(),
        (Kind::Losses, "chargeback") => "Taken back by the card’s bank".to_owned(),
        (Kind::Losses, "recovered") => "Recovered".to_owned(),
        _ => row.label.clone(),
    }
}
