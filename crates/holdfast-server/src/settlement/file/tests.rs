//! Files as they come: whole, in another acquirer's dialect, with lines that are no lines, and torn.

use super::*;
use holdfast_core::settlement::{Item, ItemKind, Key, Statement};

const A: &str = "019ac5f8-0000-7000-8000-000000000001";
const DAY: i64 = 20_780;

fn statement() -> Statement {
    let item = |line, kind, reference: &str, amount_minor, fee_minor, reason: Option<&str>| Item {
        line,
        key: Key { kind, reference: reference.into(), number: 1 },
        amount_minor,
        fee_minor,
        currency: "EUR".into(),
        at_ms: 1_795_446_000_000,
        reason: reason.map(str::to_owned),
    };
    let items = vec![
        item(3, ItemKind::Capture, A, 1_060, 25, None),
        item(4, ItemKind::Chargeback, A, -1_060, 1_500, Some("4837")),
        item(5, ItemKind::Payout, "po-1", 0, 1_525, None),
    ];
    Statement { day: DAY, items, faults: Vec::new(), is_complete: true }
}

fn words(statement: &Statement) -> Vec<(u32, &str)> {
    statement.faults.iter().map(|fault| (fault.line, fault.words.as_str())).collect()
}

#[test]
fn what_is_written_is_read_back() {
    let text = write(&statement());
    assert!(
        text.contains("capture,019ac5f8-0000-7000-8000-000000000001,1,2026-11-23T15:00:00.000Z,EUR,1060,25,1035,\n")
    );
    assert!(text.ends_with(",3,,,,,,\n"));
    assert_eq!(read(&Spec::default(), text.as_bytes(), None), Ok(statement()));
    assert_eq!(read(&Spec::default(), text.as_bytes(), Some(DAY + 1)), Err(ReadError::OtherDay));
}

#[test]
fn a_bad_line_is_put_aside_and_the_others_go_on() {
    let good = write(&statement());
    let line = good.lines().nth(2).expect("a line").to_owned();
    for (bad, expected) in [
        (line.replace("1060", "10.60"), "the amount cannot be read"),
        (line.replace("1060", "-1060"), "the amount has the wrong sign for its type"),
        (line.replace("1035", "1036"), "net is not the amount less the fee"),
        (line.replace("EUR", "EURO"), "the currency is not known"),
        (line.replace("2026-11-23T", "23.11.2026 "), "the time cannot be read"),
        (line.replace("capture", "payment"), "the type is not known"),
        (line.replace(A, "<b>"), "the reference is none"),
        (line.replace(",EUR", ""), "the line has 8 fields and not 9"),
        (line.replace(A, &format!("\"{A}")), "the line has 2 fields and not 9"),
        (line.replace("1060", "99999999999999999999"), "the amount cannot be read"),
    ] {
        let read = read(&Spec::default(), good.replace(&line, &bad).as_bytes(), None).expect("a file");
        assert_eq!(words(&read), [(3, expected)], "{bad}");
        assert_eq!((read.items.len(), read.is_complete), (2, true), "{bad}");
    }
}

#[test]
fn a_torn_file_says_so_wherever_it_is_torn() {
    let text = write(&statement());
    let begin = text.find("capture").expect("a line");
    for at in begin..text.len() {
        let read = read(&Spec::default(), &text.as_bytes()[..at], None).expect("a file");
        assert!(!read.is_complete, "torn at {at}");
        let whole_lines = text[..at].matches('\n').count();
        assert_eq!(read.items.len(), whole_lines.saturating_sub(2).min(3), "torn at {at}");
        assert!(read.faults.iter().any(|fault| fault.words.contains("torn")), "torn at {at}");
    }
    // A line was taken out of the middle.
    let short: Vec<&str> = text.lines().enumerate().filter(|(at, _)| *at != 3).map(|(_, line)| line).collect();
    let read = read(&Spec::default(), (short.join("\n") + "\n").as_bytes(), None).expect("a file");
    assert!(!read.is_complete);
}

#[test]
fn another_acquirers_file_is_a_table() {
    let spec = Spec::parse(
        r#"
        delimiter = ";"
        [columns]
        type = "Art"
        reference = "Händlerreferenz"
        number = ""
        time = "Datum"
        currency = ""
        amount = "Betrag"
        fee = "Gebühr"
        net = ""
        reason = ""
        [types]
        capture = ["Umsatz"]
        refund = ["Gutschrift"]
        begin = []
        end = []
        skip = ["Information"]
        [amounts]
        unit = "major"
        decimal = ","
        thousands = "."
        sign = "by-type"
        currency = "EUR"
        [time]
        format = "%d.%m.%Y %H:%M"
        zone = "Europe/Berlin"
        "#,
    )
    .expect("a description");
    let text = format!(
        "Art;Datum;Händlerreferenz;Betrag;Gebühr;Terminal\r\n\
         Umsatz;23.11.2026 16:00;{A};1.010,60;0,25;\"T;1\"\r\n\
         Information;23.11.2026 16:00;;;;\r\n\
         Gutschrift;23.11.2026 16:00;{A};5,5;;T1\r\n"
    );
    let read = read(&spec, text.as_bytes(), Some(DAY)).expect("a file");
    assert_eq!(words(&read), []);
    let figures: Vec<_> =
        read.items.iter().map(|i| (i.line, i.key.kind, i.amount_minor, i.fee_minor, i.at_ms)).collect();
    let at_ms = 1_795_446_000_000;
    assert_eq!(figures, [(2, ItemKind::Capture, 101_060, 25, at_ms), (4, ItemKind::Refund, -550, 0, at_ms)]);
    assert!(read.is_complete);
    assert_eq!(super::read(&spec, text.as_bytes(), None), Err(ReadError::Day));
    assert_eq!(super::read(&Spec::default(), text.as_bytes(), None), Err(ReadError::Column("type".into())));
}

#[test]
fn a_description_that_cannot_work_is_refused() {
    for text in [
        "delimiter = \"ab\"",
        "[columns]\namount = \"\"",
        "[columns]\ncurrency = \"\"",
        "[time]\nzone = \"Atlantis\"",
        "colour = 1",
    ] {
        assert!(Spec::parse(text).is_err(), "{text}");
    }
}
