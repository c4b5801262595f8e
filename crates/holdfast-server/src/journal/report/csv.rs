//! A report as CSV (RFC 4180), for a spreadsheet: amounts with their decimals.

use holdfast_core::money::{Amount, Currency};
use holdfast_wire::report::{Report, Row};

const HEAD: &str = "key,label,currency,count,quantity,net,tax,tips,gross,refunds,refunds_tax,lost,balance";

/// The rows, without the totals: a spreadsheet adds up by itself.
pub fn to_csv(report: &Report) -> String {
    let mut text = String::from(HEAD);
    text.push_str("\r\n");
    for row in &report.rows {
        text.push_str(&line(row));
        text.push_str("\r\n");
    }
    text
}

fn line(row: &Row) -> String {
    let currency: Option<Currency> = row.currency.parse().ok();
    let money = |minor: i64| currency.map_or_else(|| minor.to_string(), |c| Amount::new(minor, c).to_plain());
    let fields = [
        field(&row.key),
        field(&row.label),
        field(&row.currency),
        row.count.to_string(),
        row.quantity.to_string(),
        money(row.net_minor),
        money(row.tax_minor),
        money(row.tips_minor),
        money(row.gross_minor),
        money(row.refunds_minor),
        money(row.refunds_tax_minor),
        money(row.lost_minor),
        money(row.balance_minor),
    ];
    fields.join(",")
}

/// A text field. One that a spreadsheet would take for a formula gets an apostrophe: names of items come from outside.
fn field(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    if text.contains(['"', ',', '\n', '\r']) || !guard.is_empty() {
        format!("\"{guard}{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_and_formulas_are_not_run() {
        for (text, expected) in [
            ("Flat white", "Flat white"),
            ("Tea, \"green\"", "\"Tea, \"\"green\"\"\""),
            ("=HYPERLINK(1)", "\"'=HYPERLINK(1)\""),
            ("-1", "\"'-1\""),
            ("", ""),
        ] {
            assert_eq!(field(text), expected);
        }
        let row =
            Row { key: "19".into(), currency: "EUR".into(), net_minor: -5, gross_minor: 123_456, ..Row::default() };
        assert_eq!(line(&row), "19,,EUR,0,0,-0.05,0.00,0.00,1234.56,0.00,0.00,0.00,0.00");
        let yen = Row { currency: "JPY".into(), gross_minor: 123_456, ..Row::default() };
        assert!(line(&yen).contains(",123456,"));
    }
}
