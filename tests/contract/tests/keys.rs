//! `holdfast keys` beside a running server, as an operator types it: an emergency rotation that tills see at once, the ceremony of an offline root,
//! and an audit that finds what was changed.

use holdfast_contract_tests::{APPROVED, Server, Till, binary, fetch_keyset, now_ms};
use holdfast_wire::keylog::{KeyLogPage, first_break};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Whether it ended well, and what it said.
fn keys(words: &[&str], paths: &[(&str, &Path)]) -> (bool, String) {
    let mut command = Command::new(binary());
    command.arg("keys").args(words);
    for (flag, path) in paths {
        command.arg(flag).arg(path);
    }
    let ended = command.output().expect("runs");
    let said = [ended.stdout, ended.stderr].concat();
    (ended.status.success(), String::from_utf8_lossy(&said).into_owned())
}

fn done(words: &[&str], paths: &[(&str, &Path)]) -> String {
    let (is_done, said) = keys(words, paths);
    assert!(is_done, "{words:?}: {said}");
    said
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(120);
    while !holds() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn an_operator_rotates_certifies_and_audits_beside_a_running_server() {
    let server = Arc::new(Server::start());
    let (data, roots) = (server.data(), server.keys().to_owned());
    let house: [(&str, &Path); 2] = [("--data", &data), ("--root-keys", &roots)];
    let mut before = Till::enrol(&server);
    let old = before.keyset.card_key_at(now_ms()).expect("a key").kid.clone();
    until("the first sweep is over", || server.log().contains("opened its probe"));

    let said = done(&["rotate", "--reason", "a drill"], &house);
    assert!(said.contains("is published"), "{said}");
    // The day may have changed since; then the name has no second part, but it is another one.
    until("the running server serves it", || {
        fetch_keyset(&server).card_key_at(now_ms()).is_some_and(|key| key.kid != old)
    });
    assert!(done(&["list"], &house).lines().any(|line| line.starts_with(&old) && line.contains("withdrawn")));
    // A till that was offline meanwhile seals with the old key, and is paid.
    let payment = before.payment(APPROVED, 450);
    assert_eq!(before.upload_one(&payment), "stored");
    assert_eq!(before.settled(&payment.id).state, "captured");
    let log = before.request("GET", "/api/v1/keylog", b"");
    let log = KeyLogPage::from_json(&log.body).expect("a page of the log").entries;
    assert_eq!(first_break(None, &log), None);
    assert!(log.iter().any(|line| line.kid == old && line.event == "withdrawn" && line.reason == "a drill"));

    // The ceremony, with another directory for the other machine.
    let safe = roots.join("safe");
    std::fs::create_dir(&safe).expect("makes");
    for file in ["root.private.json", "root.public.json"] {
        std::fs::copy(roots.join(file), safe.join(file)).expect("carries");
    }
    std::fs::remove_file(roots.join("root.private.json")).expect("the root leaves the server");
    let (request, cert) = (safe.join("signer.request"), safe.join("signer.cert"));
    let asked = done(&["ceremony", "request"], &[("--data", &data), ("--out", &request)]);
    let name = asked.split(' ').next().expect("a name").to_owned();
    let given = done(&["ceremony", "certify"], &[("--dir", &safe), ("--request", &request), ("--out", &cert)]);
    assert!(given.contains(&name), "{given}");
    let taken = done(&["ceremony", "install"], &[house[0], house[1], ("--cert", &cert)]);
    assert!(taken.starts_with(&name), "{taken}");
    done(&["rotate", "--all", "--reason", "after the ceremony"], &house);
    until("a set by the new signer", || {
        let answer = server.send("GET", "/api/v1/keyset", &[], b"").json();
        let cert = answer["cert"].as_str().expect("a certificate");
        holdfast_wire::keyset::Certificate::parse(cert).is_ok_and(|cert| cert.claimed().kid == name)
    });
    assert!(fetch_keyset(&server).card_key_at(now_ms()).is_some());
    let said = done(&["audit"], &house);
    assert!(said.contains(" 0 wrong"), "{said}");
    let (is_done, said) = keys(&["list"], &[("--data", &safe), ("--root-keys", &roots)]);
    assert!(!is_done && said.contains("there is no server's data"), "{said}");
}
