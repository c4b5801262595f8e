//! Books as they are after many payments. A thousand are really taken; the rest are copies of those, row by row in every table, with numbers
//! of their own and spread over a year. Copies of copies of the same sums add up, so the reports of grown books can be checked.

use crate::house::House;
use holdfast_server::process::Clock as _;
use holdfast_server::store::StoreError;
use sqlx::Row as _;

/// What stands in the books that are copied.
#[derive(Debug, Clone, Copy)]
struct Base {
    payments: i64,
    changes: i64,
    entries: i64,
}

/// Days that the copies are spread over.
const DAYS: i64 = 365;
/// Sequence numbers of a device that one copy takes; more than were really taken.
const SEQUENCE: i64 = 1_000_000;

/// The tables that are copied, and which of their rows are the base. Copies are made of these small tables, so that one takes no longer when there
/// are many.
const BASE: [&str; 6] = [
    "CREATE TABLE bench_payments AS SELECT * FROM payments",
    "CREATE TABLE bench_payment_events AS SELECT * FROM payment_events",
    "CREATE TABLE bench_attempts AS SELECT * FROM acquirer_attempts",
    "CREATE TABLE bench_journal AS SELECT * FROM journal",
    "CREATE TABLE bench_journal_lines AS SELECT * FROM journal_lines",
    "CREATE TABLE bench_sums AS SELECT * FROM book_sums",
];

/// `$1` what is added to changes, `$2` to entries, `$3` to sequence numbers, `$4` days back, `$5` how each id begins: with its time.
const COPIES: [&str; 6] = [
    "INSERT INTO payments (id, merchant_id, device_id, seq, prev, record_hash, record, card_key_kid, number, amount_minor, currency, tax_minor,
       lines, brand, last4, entry, offline, pan_hmac, taken_ms, received_ms, state, reason, approval_code, settled_ms, changed_ms, change)
     SELECT $5 || substr(id, 14), merchant_id, device_id, seq + $3, prev, record_hash, record, card_key_kid, number, amount_minor, currency,
       tax_minor, lines, brand, last4, entry, offline, pan_hmac, taken_ms - $4 * 86400000, received_ms - $4 * 86400000, state, reason,
       approval_code, settled_ms - $4 * 86400000, changed_ms - $4 * 86400000, change + $1 FROM bench_payments WHERE $2 = $2",
    "INSERT INTO payment_events (merchant_id, change, payment_id, state, reason, amount_minor, currency, at_ms)
     SELECT merchant_id, change + $1, $5 || substr(payment_id, 14), state, reason, amount_minor, currency, at_ms - $4 * 86400000
     FROM bench_payment_events WHERE $2 = $2 AND $3 = $3",
    "INSERT INTO acquirer_attempts (payment_id, kind, asked_ms, answered_ms, outcome)
     SELECT $5 || substr(payment_id, 14), kind, asked_ms - $4 * 86400000, answered_ms - $4 * 86400000, outcome
     FROM bench_attempts WHERE $1 = $1 AND $2 = $2 AND $3 = $3",
    "INSERT INTO journal (merchant_id, entry, source, key, reason, day, hour, at_ms, booked_ms, currency, device_id, staff, tender, offline,
       refunded_minor)
     SELECT merchant_id, entry + $2, $5 || substr(source, 14), key, reason, day - $4, hour, at_ms - $4 * 86400000, booked_ms, currency,
       device_id, staff, tender, offline, refunded_minor FROM bench_journal WHERE $1 = $1 AND $3 = $3",
    "INSERT INTO journal_lines (merchant_id, entry, line, account, tax_bp, amount_minor, item, category, quantity)
     SELECT merchant_id, entry + $2, line, account, tax_bp, amount_minor, item, category, quantity FROM bench_journal_lines
     WHERE $1 = $1 AND $3 = $3 AND $4 = $4 AND $5 = $5",
    "INSERT INTO book_sums (merchant_id, kind, day, key, currency, count, quantity, net_minor, tax_minor, tips_minor, refunds_minor,
       refunds_tax_minor, lost_minor, balance_minor)
     SELECT merchant_id, kind, day - $4, key, currency, count, quantity, net_minor, tax_minor, tips_minor, refunds_minor, refunds_tax_minor,
       lost_minor, balance_minor FROM bench_sums WHERE $1 = $1 AND $2 = $2 AND $3 = $3 AND $5 = $5
     ON CONFLICT (merchant_id, kind, day, key, currency) DO UPDATE SET
       count = book_sums.count + excluded.count, quantity = book_sums.quantity + excluded.quantity,
       net_minor = book_sums.net_minor + excluded.net_minor, tax_minor = book_sums.tax_minor + excluded.tax_minor,
       balance_minor = book_sums.balance_minor + excluded.balance_minor",
];

const GONE: [&str; 6] = [
    "DROP TABLE bench_payments",
    "DROP TABLE bench_payment_events",
    "DROP TABLE bench_attempts",
    "DROP TABLE bench_journal",
    "DROP TABLE bench_journal_lines",
    "DROP TABLE bench_sums",
];

/// Where the books go on: nothing of the copies is left to be booked.
const GO_ON: [&str; 3] = [
    "UPDATE feeds SET last_change = last_change + $1",
    "UPDATE book_cursors SET last_change = last_change + $1",
    "UPDATE book_cursors SET last_entry = last_entry + $1",
];

/// Grows the books to about so many payments, and says to how many. Everything that was taken must be captured and booked.
pub async fn grow(house: &House, payments: i64) -> i64 {
    let base = Base {
        payments: house.number("SELECT count(*) FROM payments").await,
        changes: house.number("SELECT max(change) FROM payments").await,
        entries: house.number("SELECT max(entry) FROM journal").await,
    };
    let copies = (payments / base.payments - 1).max(0);
    for text in BASE {
        write(house, text, Vec::new()).await;
    }
    for at in 1..=copies {
        let begin = time_of_id(house.clock.now_ms() - at % DAYS * 86_400_000 + at);
        let copied = house.books.db().write(move |c| {
            Box::pin(async move {
                for text in COPIES {
                    sqlx::query(text)
                        .bind(base.changes * at)
                        .bind(base.entries * at)
                        .bind(SEQUENCE * at)
                        .bind(at % DAYS)
                        .bind(begin.clone())
                        .execute(&mut *c)
                        .await?;
                }
                Ok::<_, StoreError>(())
            })
        });
        copied.await.expect("copies");
    }
    write(house, GO_ON[0], vec![base.changes * copies]).await;
    write(house, GO_ON[1], vec![base.changes * copies]).await;
    write(house, GO_ON[2], vec![base.entries * copies]).await;
    for text in GONE {
        write(house, text, Vec::new()).await;
    }
    house.number("SELECT count(*) FROM payments").await
}

/// How the id of a payment that is made at this time begins (RFC 9562, version 7): a copy's ids are beside each other, as a day's are.
fn time_of_id(at_ms: i64) -> String {
    format!("{:08x}-{:04x}", at_ms >> 16, at_ms & 0xffff)
}

async fn write(house: &House, text: &'static str, values: Vec<i64>) {
    let written = house.books.db().write(move |c| {
        Box::pin(async move {
            let query = values.into_iter().fold(sqlx::query(text), |query, value| query.bind(value));
            query.execute(c).await?;
            Ok(())
        })
    });
    written.await.expect("writes");
}

/// The sum of every account, read from the journal's own lines: the slow way to the report of the accounts.
pub async fn accounts(house: &House) -> Vec<(String, i64)> {
    let rows = sqlx::query(
        "SELECT account, tax_bp, CAST(sum(amount_minor) AS BIGINT) AS balance FROM journal_lines GROUP BY account, tax_bp",
    )
    .fetch_all(house.books.db().reader())
    .await
    .expect("reads");
    let key = |row: &sqlx::any::AnyRow| -> Result<(String, i64), sqlx::Error> {
        let (account, tax_bp): (String, Option<i64>) = (row.try_get("account")?, row.try_get("tax_bp")?);
        let key = tax_bp.map_or_else(|| account.clone(), |tax_bp| format!("{account}:{tax_bp}"));
        Ok((key, row.try_get("balance")?))
    };
    let mut found: Vec<_> = rows.iter().map(|row| key(row).expect("an account")).collect();
    found.retain(|(_, balance)| *balance != 0);
    found.sort();
    found
}

/// Sales without tax by business day, from the journal's own lines.
pub async fn days(house: &House) -> Vec<(i64, i64)> {
    let rows = sqlx::query(
        "SELECT j.day AS day, CAST(-sum(l.amount_minor) AS BIGINT) AS net FROM journal j
         JOIN journal_lines l ON l.merchant_id = j.merchant_id AND l.entry = j.entry
         WHERE l.account = 'sales' AND j.reason = 'sale' GROUP BY j.day ORDER BY j.day",
    )
    .fetch_all(house.books.db().reader())
    .await
    .expect("reads");
    rows.iter().map(|row| (row.get("day"), row.get("net"))).collect()
}
