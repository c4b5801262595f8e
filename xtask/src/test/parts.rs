//! The table of parts. To add one, add one entry: its name, what it needs, what it runs and how that is counted.

use std::process::Command;

use super::count::Count;
use super::{Setting, browsers};
use crate::build::{APP_NEEDS, SERVER_NEEDS};
use crate::failure::{Doing, Outcome};
use crate::paths::Paths;
use crate::run;
use crate::setup::{self, Need, Tool};
use crate::sim;

pub struct Part {
    pub name: &'static str,
    pub about: &'static str,
    /// A part whose file does not exist fails; it is never passed over.
    pub file: &'static str,
    pub needs: &'static [Need],
    /// Needs the server and the till, built in release mode.
    pub built: bool,
    /// Looks at what the parts before it left behind.
    pub reads_others: bool,
    pub runs: fn(&Setting<'_>) -> Outcome<Vec<Run>>,
}

/// One command of a part. `name` is empty when it is the only one.
pub struct Run {
    pub name: String,
    pub command: Command,
    pub count: Count,
}

impl Part {
    pub fn is_there(&self, paths: &Paths) -> bool {
        paths.repo.join(self.file).exists()
    }

    pub fn all_needs(&self) -> Vec<Need> {
        let built = if self.built { [SERVER_NEEDS, APP_NEEDS].concat() } else { Vec::new() };
        [self.needs, &built].concat()
    }
}

const fn debian(program: &'static str, package: &'static str) -> Need {
    Need::Program { program, package }
}

const CHROMIUM: Need = debian("chromium", "chromium");
/// Its server's programs are not on the PATH; this one comes with them.
const POSTGRES: Need = debian("pg_lsclusters", "postgresql");
const E2E_NEEDS: &[Need] = &[
    Need::Node,
    Need::Npm("tests/e2e"),
    CHROMIUM,
    debian("ip", "iproute2"),
    debian("strace", "strace"),
    debian("eatmydata", "eatmydata"),
];

/// Where the acquirer's tests are, and the list of what they run.
const ACQUIRER: &str = "tests/acquirer";
/// Where the mail server of the tests is, and the list of what it runs on.
const MAIL: &str = "tests/mail";
/// Where the test of the interface against its own document is, and the list of what it runs on.
const API: &str = "tests/api";
/// What reads the server's metrics, and the list of what it runs on.
const OPS: &str = "tests/ops";
/// Where the webhooks' receiver is, and the list of what it runs on.
const HOOKS: &str = "tests/hooks";

/// Crates that are tested natively; the till's own are tested in browsers as well.
const NATIVE: &[&str] = &[
    "holdfast-core",
    "holdfast-wire",
    "holdfast-crypto",
    "holdfast-iso8583",
    "holdfast-server",
    "holdfast-testkit",
    "holdfast",
    "xtask",
];
/// Crates that only mean something in a browser.
const WASM: &[&str] = &["holdfast", "holdfast-service-worker", "holdfast-web", "holdfast-browser-tests"];

/// Cheap parts first. `canary` is last: it searches what all the others left behind.
pub const PARTS: &[Part] = &[
    Part {
        name: "tidy",
        about: "the architecture, as far as a program can check it",
        file: "xtask",
        needs: &[],
        built: false,
        reads_others: false,
        runs: |setting| Ok(vec![xtask(setting, "tidy")?]),
    },
    Part {
        name: "fmt",
        about: "every Rust file is formatted",
        file: "Cargo.toml",
        needs: &[],
        built: false,
        reads_others: false,
        runs: |setting| Ok(vec![cargo(setting, "", &["fmt", "--all", "--check"], Count::Exit)]),
    },
    Part {
        name: "clippy",
        about: "no warning, natively and for the browser",
        file: "Cargo.toml",
        needs: &[Need::CCompiler, Need::WasmTarget],
        built: false,
        reads_others: false,
        runs: |setting| {
            let mut wasm = vec!["clippy", "--locked", "--keep-going", "--target", "wasm32-unknown-unknown"];
            wasm.extend(WASM.iter().flat_map(|name| ["-p", name]));
            wasm.extend(["--all-targets", "--", "-D", "warnings"]);
            let native = ["clippy", "--locked", "--keep-going", "--workspace", "--all-targets", "--", "-D", "warnings"];
            Ok(vec![cargo(setting, "native", &native, Count::Exit), cargo(setting, "wasm32", &wasm, Count::Exit)])
        },
    },
    Part {
        name: "native",
        about: "unit and integration tests of every crate that runs outside a browser",
        file: "Cargo.toml",
        needs: &[Need::CCompiler],
        built: false,
        reads_others: false,
        runs: |setting| Ok(vec![cargo_test(setting, "", NATIVE)]),
    },
    Part {
        name: "server",
        about: "the server's books on PostgreSQL: the same cases as on SQLite, and several replicas at once",
        file: "tests/postgres/Cargo.toml",
        needs: &[Need::CCompiler, POSTGRES],
        built: false,
        reads_others: false,
        runs: |setting| {
            let lib = ["test", "--locked", "--no-fail-fast", "-p", "holdfast-server", "--lib", "--"];
            let cases = |name: &str, more: &[&str]| cargo(setting, name, &[&lib, more].concat(), Count::TestResults);
            let mut interface = cases("interface", &["http::"]);
            interface.command.env("HOLDFAST_TEST_POSTGRES", "1");
            Ok(vec![cases("books", &["--ignored"]), interface])
        },
    },
    Part {
        name: "envelope",
        about: "another JOSE library opens what we sealed; published attack vectors; flipped bits",
        file: "tests/envelope/package.json",
        needs: &[
            Need::CCompiler,
            Need::WasmTarget,
            Need::Tool(Tool::WasmBindgen),
            Need::Node,
            Need::Npm("tests/envelope"),
        ],
        built: false,
        reads_others: false,
        runs: |setting| Ok(vec![node(setting, "", "tests/envelope/run.mjs")]),
    },
    Part {
        name: "sim",
        about: "several tills, a bad network, crashes, and planted bugs that must be caught",
        file: "tests/simulation/src/main.rs",
        needs: &[Need::CCompiler],
        built: false,
        reads_others: false,
        runs: |setting| {
            let seeds = if setting.full { 10_000 } else { 500 };
            let simulation = |name: &str, seeds: u64, more: &[&str]| {
                let mut command = run::command(setting.paths, "cargo");
                command.args(sim::command_line(seeds, 1)).args(more);
                Run { name: name.to_owned(), command, count: Count::LastLine }
            };
            Ok(vec![
                cargo_test(setting, "unit", &["holdfast-simulation"]),
                simulation("planted", seeds, &["--all-plants"]),
                simulation("seeds", seeds, &[]),
            ])
        },
    },
    Part {
        name: "contract",
        about: "what the till sends and what the server takes are the same",
        file: "tests/contract/Cargo.toml",
        needs: &[Need::CCompiler],
        built: false,
        reads_others: false,
        runs: |setting| Ok(vec![cargo_test(setting, "", &["holdfast-contract-tests"])]),
    },
    Part {
        name: "acquirer",
        about: "an independent ISO 8583 host: declines, lost and late answers, closed lines, kill -9, two servers; nothing captured twice",
        file: "tests/acquirer/Cargo.toml",
        needs: &[Need::CCompiler, POSTGRES, Need::Pip(ACQUIRER)],
        built: false,
        reads_others: false,
        runs: |setting| {
            let mut run = cargo_test(setting, "", &["holdfast-acquirer-tests"]);
            run.command.args(["--", "--include-ignored", "--test-threads", "2"]);
            run.command.env("HOLDFAST_ISO8583SIM", setup::python_program(setting.paths, ACQUIRER, "iso8583sim"));
            Ok(vec![run])
        },
    },
    Part {
        name: "hsm",
        about: "card keys made, used and destroyed in a PKCS#11 token; a token that is pulled out",
        file: "tests/contract/tests/hsm.rs",
        needs: &[Need::CCompiler, debian("softhsm2-util", "softhsm2")],
        built: false,
        reads_others: false,
        runs: |setting| {
            let on_a_token = |name: &str, package: &str| -> Outcome<Run> {
                let arguments =
                    ["test", "--locked", "-p", package, "--test", "hsm", "--", "--ignored", "--test-threads", "1"];
                let mut run = cargo(setting, name, &arguments, Count::TestResults);
                let home = super::work_dir(setting.paths, "hsm").join(name);
                std::fs::create_dir_all(&home).doing(home.display())?;
                run.command.env("SOFTHSM2_CONF", home.join("softhsm2.conf"));
                Ok(run)
            };
            Ok(vec![on_a_token("keys", "holdfast-server")?, on_a_token("server", "holdfast-contract-tests")?])
        },
    },
    Part {
        name: "mail",
        about: "receipts by e-mail to a real mail server: TLS, refusals, retries, kill -9; read by another program",
        file: "tests/mail/sink.py",
        needs: &[Need::CCompiler, Need::Pip(MAIL)],
        built: false,
        reads_others: false,
        runs: |setting| {
            let arguments = ["test", "--locked", "--no-fail-fast", "-p", "holdfast-contract-tests", "--test", "mail"];
            let mut run = cargo(setting, "", &arguments, Count::TestResults);
            run.command.args(["--", "--include-ignored", "--test-threads", "2"]);
            run.command.env("HOLDFAST_MAIL_PYTHON", setup::python_program(setting.paths, MAIL, "python"));
            Ok(vec![run])
        },
    },
    Part {
        name: "api",
        about: "the OpenAPI document is valid, and schemathesis finds nothing in the server that contradicts it",
        file: "tests/api/run.py",
        needs: &[Need::CCompiler, Need::Pip(API)],
        built: false,
        reads_others: false,
        runs: |setting| {
            let mut command = run::command(setting.paths, setup::python_program(setting.paths, API, "python"));
            command.arg("tests/api/run.py").env("PYTHONDONTWRITEBYTECODE", "1");
            Ok(vec![Run { name: String::new(), command, count: Count::LastLine }])
        },
    },
    Part {
        name: "ops",
        about: "metrics read by Prometheus' own library; traces at a collector; a stop that drains; TLS before OpenSSL and curl",
        file: "tests/ops/metrics.py",
        needs: &[Need::CCompiler, Need::Pip(OPS), debian("openssl", "openssl"), debian("curl", "curl")],
        built: false,
        reads_others: false,
        runs: |setting| {
            let arguments = [
                "test",
                "--locked",
                "--no-fail-fast",
                "-p",
                "holdfast-contract-tests",
                "--test",
                "ops",
                "--test",
                "traces",
            ];
            let mut run = cargo(setting, "", &arguments, Count::TestResults);
            run.command.args(["--", "--include-ignored", "--test-threads", "2"]);
            run.command.env("HOLDFAST_OPS_PYTHON", setup::python_program(setting.paths, OPS, "python"));
            Ok(vec![run])
        },
    },
    Part {
        name: "hooks",
        about: "webhooks to a real receiver: signatures judged by another library, failures, down times, kill -9, closed networks",
        file: "tests/hooks/receiver.py",
        needs: &[Need::CCompiler, Need::Pip(HOOKS)],
        built: false,
        reads_others: false,
        runs: |setting| {
            let arguments = ["test", "--locked", "--no-fail-fast", "-p", "holdfast-contract-tests", "--test", "hooks"];
            let mut run = cargo(setting, "", &arguments, Count::TestResults);
            run.command.args(["--", "--include-ignored", "--test-threads", "2"]);
            run.command.env("HOLDFAST_HOOKS_PYTHON", setup::python_program(setting.paths, HOOKS, "python"));
            Ok(vec![run])
        },
    },
    Part {
        name: "scale",
        about: "three servers on one PostgreSQL, killed one after the other under load; PostgreSQL stopped as by a crash",
        file: "tests/scale/Cargo.toml",
        needs: &[Need::CCompiler, POSTGRES],
        built: false,
        reads_others: false,
        runs: |setting| {
            let run = ["run", "--locked", "--quiet", "-p", "holdfast-scale-tests"];
            Ok(vec![cargo(setting, "", &run, Count::LastLine)])
        },
    },
    Part {
        name: "standby",
        about: "PostgreSQL's standby promoted under load, synchronous and, as the control, fallen behind",
        file: "tests/scale/src/bin/standby/main.rs",
        needs: &[Need::CCompiler, POSTGRES, debian("python3", "python3")],
        built: false,
        reads_others: false,
        runs: |setting| {
            let run = ["run", "--locked", "--quiet", "-p", "holdfast-scale-tests", "--bin", "standby"];
            Ok(vec![cargo(setting, "", &run, Count::LastLine)])
        },
    },
    Part {
        name: "crash",
        about: "the server is killed, cut off from power and refused by its disk at every write and sync of a batch",
        file: "tests/crash/Cargo.toml",
        needs: &[Need::CCompiler, POSTGRES, debian("strace", "strace")],
        built: false,
        reads_others: false,
        runs: |setting| {
            let run = ["run", "--locked", "--quiet", "-p", "holdfast-crash-tests"];
            Ok(vec![cargo(setting, "", &run, Count::LastLine)])
        },
    },
    Part {
        name: "wasm",
        about: "stores, sealing and journal in Chromium, Firefox and WebKitGTK",
        file: "tests/browser/Cargo.toml",
        needs: &[
            Need::WasmTarget,
            Need::Tool(Tool::WasmTestRunner),
            Need::Tool(Tool::WasmPack),
            Need::Tool(Tool::Geckodriver),
            CHROMIUM,
            debian("chromedriver", "chromium-driver"),
            debian("firefox-esr", "firefox-esr"),
            debian("WebKitWebDriver", "webkit2gtk-driver"),
            debian("xvfb-run", "xvfb"),
            debian("xauth", "xauth"),
        ],
        built: false,
        reads_others: false,
        runs: browsers::runs,
    },
    Part {
        name: "badinput",
        about: "garbage, forged, replayed and oversized requests and answers",
        file: "tests/e2e/badinput.mjs",
        needs: E2E_NEEDS,
        built: true,
        reads_others: false,
        runs: |setting| Ok(vec![node(setting, "", "tests/e2e/badinput.mjs")]),
    },
    Part {
        name: "look",
        about: "screens in every size, theme and state; roles, names and contrast",
        file: "tests/look/package.json",
        needs: &[Need::Node, Need::Npm("tests/look"), CHROMIUM],
        built: true,
        reads_others: false,
        runs: |setting| Ok(vec![node(setting, "", "tests/look/run.mjs")]),
    },
    Part {
        name: "office",
        about: "every page of the back office in every size and theme, as an owner walks through it",
        file: "tests/look/office.mjs",
        needs: &[Need::Node, Need::Npm("tests/look"), Need::Pip(API), CHROMIUM],
        built: true,
        reads_others: false,
        runs: |setting| {
            let mut run = node(setting, "", "tests/look/office.mjs");
            run.command.env("HOLDFAST_API_PYTHON", setup::python_program(setting.paths, API, "python"));
            Ok(vec![run])
        },
    },
    Part {
        name: "receipt",
        about: "a customer pays a declined payment again on the live receipt, once, and no card number crosses the line",
        file: "tests/e2e/receipt.mjs",
        needs: E2E_NEEDS,
        built: true,
        reads_others: false,
        runs: |setting| Ok(vec![node(setting, "", "tests/e2e/receipt.mjs")]),
    },
    Part {
        name: "device",
        about: "what a till takes while nobody answers: caps, clocks and lamps",
        file: "tests/device/run.mjs",
        needs: &[Need::Node, Need::Npm("tests/look"), CHROMIUM],
        built: true,
        reads_others: false,
        runs: |setting| Ok(vec![node(setting, "", "tests/device/run.mjs")]),
    },
    Part {
        name: "durability",
        about: "a stored payment is on the disk, not only in a cache",
        file: "tests/e2e/durability.mjs",
        needs: E2E_NEEDS,
        built: true,
        reads_others: false,
        runs: |setting| Ok(vec![node(setting, "", "tests/e2e/durability.mjs")]),
    },
    Part {
        name: "storage",
        about: "a full tablet says so; a wiped one gets every payment back from its journal",
        file: "tests/e2e/storage.mjs",
        needs: E2E_NEEDS,
        built: true,
        reads_others: false,
        runs: |setting| Ok(vec![node(setting, "", "tests/e2e/storage.mjs")]),
    },
    Part {
        name: "install",
        about: "what a browser demands before the till may be installed, icons and offline start included",
        file: "tests/e2e/install.mjs",
        needs: E2E_NEEDS,
        built: true,
        reads_others: false,
        runs: |setting| Ok(vec![node(setting, "", "tests/e2e/install.mjs")]),
    },
    Part {
        name: "outage",
        about: "the link really goes down: page open, page closed, browser closed, browser killed",
        file: "tests/e2e/outage.mjs",
        needs: E2E_NEEDS,
        built: true,
        reads_others: false,
        runs: |setting| Ok(vec![node(setting, "", "tests/e2e/outage.mjs")]),
    },
    Part {
        name: "canary",
        about: "no card number anywhere on disk or in a log, after all of the above",
        file: "tests/e2e/canary.mjs",
        needs: E2E_NEEDS,
        built: true,
        reads_others: true,
        runs: |setting| Ok(vec![node(setting, "", "tests/e2e/canary.mjs")]),
    },
];

fn cargo(setting: &Setting<'_>, name: &str, arguments: &[&str], count: Count) -> Run {
    let mut command = run::command(setting.paths, "cargo");
    command.args(arguments);
    Run { name: name.to_owned(), command, count }
}

fn cargo_test(setting: &Setting<'_>, name: &str, packages: &[&str]) -> Run {
    let mut arguments = vec!["test", "--locked", "--no-fail-fast"];
    arguments.extend(packages.iter().flat_map(|package| ["-p", package]));
    cargo(setting, name, &arguments, Count::TestResults)
}

fn node(setting: &Setting<'_>, name: &str, script: &str) -> Run {
    let mut command = run::command(setting.paths, "node");
    command.arg(script);
    Run { name: name.to_owned(), command, count: Count::LastLine }
}

fn xtask(setting: &Setting<'_>, command_name: &str) -> Outcome<Run> {
    let exe = std::env::current_exe().map_err(|error| format!("where xtask itself is: {error}"))?;
    let mut command = run::command(setting.paths, exe);
    command.arg(command_name);
    Ok(Run { name: String::new(), command, count: Count::LastLine })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_the_canary_is_last() {
        let names = PARTS.iter().map(|part| part.name).collect::<std::collections::BTreeSet<_>>();
        assert_eq!(names.len(), PARTS.len());
        assert_eq!(PARTS.iter().rposition(|part| part.reads_others), Some(PARTS.len() - 1));
        assert_eq!(PARTS.last().map(|part| part.name), Some("canary"));
    }
}
