//! The acquirer's account of a day by hand: `holdfast settle import` and `holdfast reconcile`, beside a running server.

use holdfast_contract_tests::{Server, Till};
use std::path::Path;
use std::sync::Arc;

const GOOD: &str = "4242424242424242";

/// Exit code and output of a command.
fn run(server: &Server, words: &[&str]) -> (Option<i32>, String) {
    let output = server.command(words).output().expect("runs");
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}

/// The business day on which the shop sold something, as soon as it is booked.
fn day_of_sales(server: &Server) -> String {
    for _ in 0..600 {
        let report = server.send("GET", "/api/v1/reports/day?from=2020-01-01&to=2029-12-31", &[], b"").json();
        if let Some(day) = report["rows"][0]["key"].as_str() {
            return day.to_owned();
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("nothing was booked");
}

#[test]
fn an_account_is_taken_in_compared_and_what_differs_is_said() {
    let server = Arc::new(Server::start());
    let mut till = Till::enrol(&server);
    let sold = till.payment(GOOD, 1_060);
    assert_eq!(till.upload_one(&sold), "stored");
    assert_eq!(till.settled(&sold.id).state, "captured");
    let day = day_of_sales(&server);

    let nothing = run(&server, &["reconcile", "--day", &day]);
    assert_eq!(nothing.0, Some(1), "{}", nothing.1);
    assert!(nothing.1.contains("`holdfast settle import FILE` takes it in"), "{}", nothing.1);

    let account = server.send("GET", &format!("/demo/acquirer/settlement?day={day}"), &[], b"");
    assert_eq!(account.status, 200, "{}", account.text());
    let file = server.data().join("account.csv");
    let import = |bytes: &[u8]| {
        std::fs::write(&file, bytes).expect("writes");
        run(&server, &["settle", "import", &Path::display(&file).to_string(), "--day", &day])
    };
    let (code, said) = import(&account.body);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("taken") && said.contains("1 agree, 1060 minor units of EUR"), "{said}");
    let (code, said) = import(&account.body);
    assert!(code == Some(0) && said.contains("is here already"), "{said}");
    let (code, said) = run(&server, &["reconcile", "--day", &day]);
    assert_eq!((code, said.contains("0 differences")), (Some(0), true), "{said}");

    // A corrected account that tells another amount.
    let text = String::from_utf8(account.body).expect("text");
    let (code, said) = import(text.replace("1060", "1061").replace("1035", "1036").as_bytes());
    assert!(code == Some(0) && said.contains("amount-differs"), "{said}");
    let (code, said) = run(&server, &["reconcile", "--day", &day]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(&format!("amount-differs {}", sold.id)), "{said}");
    // The demo's own account, asked for and taken in at once, is another file that counts from then on.
    let (code, said) = run(&server, &["reconcile", "--day", &day, "--demo"]);
    assert!(code.is_some() && said.contains("differences"), "{said}");

    for (words, wanted) in [
        (&["reconcile", "--day", "yesterday"][..], "day"),
        (&["settle", "import", "/nowhere/account.csv"], "cannot be read"),
    ] {
        let (code, said) = run(&server, words);
        assert!(code == Some(1) && said.contains(wanted), "{words:?}: {said}");
    }
}
