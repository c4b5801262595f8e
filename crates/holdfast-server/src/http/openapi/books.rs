//! Reports from the journal.

use super::ApiError;
use super::describe::{Description, describe, needed, part, query, text, word};
use holdfast_wire::report::Report;
use serde_json::json;
use utoipa::openapi::Schema;

const KINDS: [&str; 11] =
    ["day", "hour", "item", "category", "tender", "staff", "device", "tax", "path", "losses", "accounts"];

pub fn all() -> Vec<Description> {
    let figures = json!({"key": "1900", "label": "19 %", "currency": "EUR", "count": 2, "quantity": 3, "net_minor": 2051, "tax_minor": 389, "tips_minor": 0,
        "gross_minor": 2440, "refunds_minor": 0, "refunds_tax_minor": 0, "lost_minor": 0, "balance_minor": 0});
    vec![
        describe("books", "GET", "/api/v1/reports/{kind}", "getReport", "Gives a report over business days")
            .about("What the columns mean is in docs/books.md. The CSV has decimals instead of minor units, and no totals.")
            .parameter(part("kind", "What the rows are about.", word(&KINDS)))
            .parameter(needed("from", "The first business day.", day()))
            .parameter(needed("to", "The last business day, at most ten years after the first.", day()))
            .parameter(query("format", "JSON unless said otherwise.", word(&["json", "csv"])))
            .gives::<Report>(
                200,
                "The report.",
                json!({"v": 1, "kind": "tax", "from": "2026-11-23", "to": "2026-11-24", "time_zone": "Europe/Dublin", "day_start_hour": 4,
                    "rows": [figures.clone()], "totals": [figures]}),
            )
            .or_text("text/csv")
            .tagged()
            .problems(&[ApiError::REPORT_UNREADABLE, ApiError::NOT_FOUND]),
    ]
}

/// A day of the calendar that everybody uses.
fn day() -> Schema {
    text(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "2026-11-23")
}
