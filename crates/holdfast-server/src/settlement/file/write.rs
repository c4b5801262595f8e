//! Writes an account in our own format.

use holdfast_core::settlement::{Item, Statement};
use holdfast_core::time::{UnixMs, iso_date};
use jiff::Timestamp;

const HEAD: &str = "type,reference,number,time,currency,amount,fee,net,reason\n";

/// The account as CSV, in whole minor units. One that is not complete has no last line.
pub fn write(statement: &Statement) -> String {
    let day = iso_date(statement.day);
    let mut text = String::from(HEAD);
    text.push_str(&format!("begin,{day},,,,,,,\n"));
    for item in &statement.items {
        text.push_str(&line(item));
    }
    if statement.is_complete {
        text.push_str(&format!("end,{day},{},,,,,,\n", statement.items.len()));
    }
    text
}

fn line(item: &Item) -> String {
    let Item { key, amount_minor, fee_minor, currency, at_ms, reason, .. } = item;
    let (kind, time, net_minor) = (key.kind.name(), time(*at_ms), item.net_minor());
    let reason = reason.as_deref().unwrap_or_default();
    let (reference, number) = (&key.reference, key.number);
    format!("{kind},{reference},{number},{time},{currency},{amount_minor},{fee_minor},{net_minor},{reason}\n")
}

fn time(at_ms: UnixMs) -> String {
    Timestamp::from_millisecond(at_ms).map(|instant| format!("{instant:.3}")).unwrap_or_default()
}
