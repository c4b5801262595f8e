//! The real server with its card keys in a PKCS#11 token (SoftHSM 2): a batch to captured, and a token that is pulled out in between.
//!
//! Ignored unless asked for: `cargo xtask test hsm` installs SoftHSM and sets SOFTHSM2_CONF to a file in an empty directory.

use holdfast_contract_tests::{APPROVED, Server, Till, binary};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

const TOKEN: &str = "holdfast-till";
const PIN: &str = "9182-test";
const WAIT_MAX: Duration = Duration::from_secs(120);

fn home() -> PathBuf {
    let conf = std::env::var_os("SOFTHSM2_CONF").expect("SOFTHSM2_CONF is set: run `cargo xtask test hsm`");
    Path::new(&conf).parent().expect("a directory").to_owned()
}

fn make_token() {
    let tokens = home().join("tokens");
    std::fs::create_dir_all(&tokens).expect("makes");
    let conf = format!("directories.tokendir = {}\nlog.level = ERROR\n", tokens.display());
    std::fs::write(home().join("softhsm2.conf"), conf).expect("writes");
    let made = Command::new("softhsm2-util")
        .args(["--init-token", "--free", "--label", TOKEN, "--so-pin", "0815-test", "--pin", PIN])
        .output()
        .expect("softhsm2-util runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

fn pin_file(name: &str, pin: &str) -> String {
    let path = home().join(name);
    std::fs::write(&path, format!("{pin}\n")).expect("writes");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("changes");
    path.display().to_string()
}

fn flags(pin_file: &str) -> Vec<String> {
    let places = ["/usr/lib/softhsm", "/usr/lib64/softhsm", "/usr/local/lib/softhsm"];
    let found = places.iter().map(|place| Path::new(place).join("libsofthsm2.so")).find(|path| path.exists());
    let module = found.expect("SoftHSM 2 is installed").display().to_string();
    let words = [
        "--keystore",
        "pkcs11",
        "--pkcs11-module",
        &module,
        "--pkcs11-token",
        TOKEN,
        "--pkcs11-mechanism",
        "raw",
        "--pkcs11-pin-file",
        pin_file,
    ];
    words.map(str::to_owned).to_vec()
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + WAIT_MAX;
    while !holds() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
#[ignore = "needs SoftHSM: cargo xtask test hsm"]
fn a_batch_is_captured_with_keys_in_a_token_and_waits_while_it_is_out() {
    make_token();
    let server = Arc::new(Server::start_with(&flags(&pin_file("pin", PIN))));
    let mut till = Till::enrol(&server);
    let payments: Vec<_> = (1..=5).map(|at| till.payment(APPROVED, at * 100)).collect();
    let records: Vec<&str> = payments.iter().map(|payment| payment.record.as_str()).collect();
    assert!(till.upload(&records).iter().all(|ack| ack.status == "stored"));
    for payment in &payments {
        assert_eq!(till.settled(&payment.id).state, "captured");
    }
    // Until the days ahead are made, the token is at work for the sweep.
    until("the self-test ran", || server.log().contains("every live card key opened its probe"));

    let (tokens, away) = (home().join("tokens"), home().join("tokens-away"));
    std::fs::rename(&tokens, &away).expect("pulls it out");
    let waiting = till.payment(APPROVED, 700);
    assert_eq!(till.upload_one(&waiting), "stored", "taken and acknowledged without the token");
    until("the job met the missing token", || server.log().contains("its payments wait"));
    let answer = till.request("GET", &format!("/api/v1/payments/{}", waiting.id), b"");
    assert_eq!(answer.json()["state"], "received", "{}", answer.text());
    // Also a server that starts without it serves and takes.
    server.crash_and_restart();
    let second = till.payment(APPROVED, 800);
    assert_eq!(till.upload_one(&second), "stored");
    std::fs::rename(&away, &tokens).expect("puts it back");
    for payment in [&waiting, &second] {
        assert_eq!(till.settled(&payment.id).state, "captured");
    }
    let log = server.log();
    assert!(!log.contains(PIN) && !log.contains(APPROVED), "neither a PIN nor a card in the log");

    // Wrong words on the command line and a wrong PIN end the start, with what to do.
    for (pin_file, said) in [(pin_file("wrong-pin", "0000-wrong"), "refuses the PIN"), ("nowhere".into(), "nowhere")] {
        let other = tempfile_dir();
        let ended = Command::new(binary())
            .args(["serve", "--demo", "--port", "0", "--data"])
            .arg(other.join("data"))
            .arg("--app")
            .arg(&other)
            .arg("--root-keys")
            .arg(server.keys())
            .args(flags(&pin_file))
            .output()
            .expect("runs");
        let text = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(!ended.status.success() && text.contains(said) && !text.contains("0000-wrong"), "{text}");
    }
}

fn tempfile_dir() -> PathBuf {
    let dir = home().join("other");
    std::fs::create_dir_all(&dir).expect("makes");
    dir
}
