//! The acquirer's accounts against the books, and the cash drawer.

use super::ApiError;
use super::describe::{Description, describe, part, query, text};
use super::shop::PAYMENT;
use super::tills::{cursor, limit};
use crate::desk::CashMove;
use crate::http::api::cash::{CashRequest, DrawerAnswer};
use crate::http::api::reconciliations::{ReconciledDay, ReconciledDays};
use serde_json::{Value, json};
use utoipa::openapi::Schema;

pub fn all() -> Vec<Description> {
    [reconciliations(), cash()].into_iter().flatten().collect()
}

fn summary() -> Value {
    json!({"day": "2026-11-23", "compared_ms": 1_795_496_460_000_i64, "is_complete": true,
        "matched": [{"currency": "EUR", "count": 41, "amount_minor": 65_600}], "open": 1, "resolved": 0, "unreadable": 0})
}

fn reconciliations() -> Vec<Description> {
    let mut day_seen = summary();
    day_seen["v"] = json!(1);
    day_seen["differences"] = json!([{"kind": "amount-differs", "item": "capture", "reference": PAYMENT, "number": 1, "ours_minor": 1_060,
        "theirs_minor": 1_061, "currency": "EUR", "state": "captured", "line": 7,
        "words": "The acquirer tells a capture of 10.61 EUR. In our books it is 10.60 EUR.", "first_seen_ms": 1_795_496_460_000_i64, "resolved_ms": null}]);
    day_seen["payouts"] = json!([{"id": "po-2026-11-23-eur", "gross_minor": 65_600, "fees_minor": 1_328, "net_minor": 64_272, "currency": "EUR",
        "at_ms": 1_795_492_800_000_i64}]);
    day_seen["chargebacks"] = json!([]);
    day_seen["faults"] = json!([]);
    vec![
        describe(
            "books",
            "GET",
            "/api/v1/reconciliations",
            "listReconciliations",
            "Gives the days on which the acquirer's account was compared",
        )
        .about("Newest first. What a difference means is in docs/books.md.")
        .parameter(query("before", "The cursor of an earlier page; missing for the newest.", cursor()))
        .parameter(limit())
        .gives::<ReconciledDays>(200, "A page of days.", json!({"v": 1, "days": [summary()], "cursor": null}))
        .tagged()
        .problems(&[ApiError::REQUEST_UNREADABLE]),
        describe(
            "books",
            "GET",
            "/api/v1/reconciliations/{day}",
            "getReconciliation",
            "Gives what differs on a day, and what was paid out",
        )
        .parameter(part("day", "The business day.", day()))
        .gives::<ReconciledDay>(200, "Everything about the day.", day_seen)
        .tagged()
        .problems(&[ApiError::NOT_FOUND]),
    ]
}

fn cash() -> Vec<Description> {
    let count = json!({"id": "5e0a4c0e-0c60-4d92-9c43-4a3f4c6f7c01", "kind": "count", "amount_minor": 14_950, "expected_minor": 15_000, "currency": "EUR",
        "note": "Evening", "by": "Ada", "at_ms": 1_795_456_800_000_i64});
    vec![
        describe("books", "POST", "/api/v1/cash-moves", "moveCash", "Records what was done with the cash drawer")
            .about("A float and what is paid in go into the drawer, what is paid out leaves it, and a count books the difference to what was expected. The same id with the same move changes nothing.")
            .takes::<CashRequest>(json!({"v": 1, "id": "5e0a4c0e-0c60-4d92-9c43-4a3f4c6f7c01", "kind": "count", "amount_minor": 14_950, "note": "Evening"}))
            .gives::<CashMove>(201, "It is booked.", count.clone())
            .gives::<CashMove>(200, "It was booked before.", count.clone())
            .problems(&[ApiError::CASH_ID_REUSED]),
        describe("books", "GET", "/api/v1/cash-drawer", "getCashDrawer", "Gives the drawer of a business day: expected against counted")
            .parameter(query("day", "The business day; today's without it.", day()))
            .gives::<DrawerAnswer>(
                200,
                "The drawer.",
                json!({"v": 1, "day": "2026-11-23", "currency": "EUR", "expected_minor": 14_950, "counted_minor": 14_950, "counted_expected_minor": 15_000,
                    "difference_minor": -50, "differences_minor": -50, "moves": [count]}),
            )
            .tagged()
            .problems(&[ApiError::REQUEST_UNREADABLE]),
    ]
}

/// A day of the calendar that everybody uses.
fn day() -> Schema {
    text(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "2026-11-23")
}
