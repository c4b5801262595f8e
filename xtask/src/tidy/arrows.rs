//! Which crate may depend on which. The graph is cargo's own, for the machine here and for the browser, without what only
//! tests use.

use std::collections::BTreeSet;

use super::Violation;
use crate::failure::{Failure, Outcome};
use crate::metadata::{self, Member};
use crate::paths::Paths;
use crate::run;

const WASM: &str = "wasm32-unknown-unknown";

/// Crates of ours and the crates of ours that they may name. A crate that is not here is a test and may name what it likes,
/// but nothing that ships may name it.
const ARROWS: &[(&str, &[&str])] = &[
    ("holdfast-core", &[]),
    ("holdfast-wire", &["holdfast-core"]),
    ("holdfast-crypto", &["holdfast-core"]),
    ("holdfast-iso8583", &[]),
    ("holdfast-web", &["holdfast-wire", "holdfast-core"]),
    ("holdfast-server", &["holdfast-crypto", "holdfast-wire", "holdfast-iso8583", "holdfast-core"]),
    ("holdfast-testkit", &["holdfast-wire", "holdfast-core"]),
    ("holdfast-service-worker", &["holdfast-web", "holdfast-wire", "holdfast-core"]),
    ("holdfast", &["holdfast-web", "holdfast-crypto", "holdfast-wire", "holdfast-core"]),
    (
        "holdfast-simulation",
        &["holdfast-server", "holdfast-testkit", "holdfast-crypto", "holdfast-wire", "holdfast-core"],
    ),
    ("xtask", &[]),
];

/// What a crate must not reach by any way, and why.
const UNREACHABLE: &[(&str, &[&str], &str)] = &[
    (
        "holdfast-core",
        &[
            "tokio",
            "async-std",
            "smol",
            "web-sys",
            "js-sys",
            "wasm-bindgen",
            "getrandom",
            "rand",
            "chrono",
            "jiff",
            "time",
            "reqwest",
            "hyper",
            "axum",
            "sqlx",
            "ureq",
        ],
        "core decides; it does no IO, asks no clock and throws no dice",
    ),
    ("holdfast-iso8583", &["tokio", "sqlx", "getrandom", "mio"], "the codec reads and writes bytes in memory only"),
    (
        "holdfast-service-worker",
        &["holdfast-crypto", "rsa", "aes-gcm"],
        "the worker moves ciphertext and must not be able to open it",
    ),
    ("holdfast-simulation", &["leptos", "holdfast-web", "holdfast"], "the simulation runs without a browser"),
    ("holdfast-server", &["leptos", "holdfast-web", "holdfast"], "the server knows no browser"),
];

/// What nothing of ours may ask for on wasm32. Trunk builds the till from the root manifest, where cargo gives it the features
/// that any default member asks for: crates that only run natively keep their dependencies under `cfg(not(wasm32))`.
const NATIVE_ONLY: &[&str] = &["aws-lc-rs", "aws-lc-sys", "sqlx", "axum", "mio", "ring"];

pub fn arrows(paths: &Paths) -> Outcome<Vec<Violation>> {
    let members = metadata::members(paths)?;
    let mut found = direct(&members);
    found.extend(leaked(&reachable(paths, None, WASM)?));
    for (name, _, _) in UNREACHABLE {
        if !members.iter().any(|member| member.name == *name) {
            found.push(format!("there is no crate {name}; the table of arrows must say what it is called now"));
            continue;
        }
        for target in [host(paths)?.as_str(), WASM] {
            found.extend(reached(name, &reachable(paths, Some(name), target)?, target));
        }
    }
    Ok(found)
}

fn direct(members: &[Member]) -> Vec<Violation> {
    let ours = members.iter().map(|member| member.name.as_str()).collect::<BTreeSet<_>>();
    let mut found = Vec::new();
    for (name, allowed) in ARROWS {
        let Some(member) = members.iter().find(|member| member.name == *name) else { continue };
        let wrong = member.dependencies.iter().filter(|dependency| ours.contains(dependency.as_str()));
        let wrong = wrong.filter(|dependency| !allowed.contains(&dependency.as_str()));
        found.extend(wrong.map(|dependency| format!("{name} must not depend on {dependency}")));
    }
    found
}

fn reached(name: &str, packages: &BTreeSet<String>, target: &str) -> Vec<Violation> {
    let rules = UNREACHABLE.iter().filter(|(krate, _, _)| *krate == name);
    let hits = rules.flat_map(|(_, denied, why)| {
        denied.iter().filter(|denied| packages.contains(**denied)).map(move |denied| (denied, why))
    });
    hits.map(|(denied, why)| {
        format!("{name} reaches {denied} on {target}: {why} (cargo tree -p {name} -i {denied} --target {target})")
    })
    .collect()
}

fn leaked(packages: &BTreeSet<String>) -> Vec<Violation> {
    let leaks = NATIVE_ONLY.iter().filter(|name| packages.contains(**name));
    leaks.map(|name| format!("{name} is asked for on {WASM} (cargo tree -i {name} --target {WASM})")).collect()
}

/// Every package that a crate, or all default members together, are built with. Not from `cargo metadata`, which gives every crate the features that any
/// other crate of the workspace asks for.
fn reachable(paths: &Paths, member: Option<&str>, target: &str) -> Outcome<BTreeSet<String>> {
    let mut tree = run::command(paths, "cargo");
    tree.args([
        "tree",
        "--locked",
        "--edges",
        "normal,build",
        "--prefix",
        "none",
        "--format",
        "{p}",
        "--target",
        target,
    ]);
    tree.args(member.iter().flat_map(|name| ["-p", name]));
    let listed = run::output(&mut tree)
        .ok_or_else(|| Failure::from(format!("cargo tree --locked -p {} fails", member.unwrap_or("(all)"))))?;
    let packages = listed.lines().filter_map(|line| line.split_whitespace().next());
    Ok(packages.filter(|package| Some(*package) != member).map(str::to_owned).collect())
}

fn host(paths: &Paths) -> Outcome<String> {
    let said = run::output(run::command(paths, "rustc").arg("-vV")).unwrap_or_default();
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| Failure::from("rustc -vV does not name its host"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, dependencies: &[&str]) -> Member {
        Member { name: name.to_owned(), dependencies: dependencies.iter().map(|name| (*name).to_owned()).collect() }
    }

    #[test]
    fn an_arrow_that_is_not_in_the_table_is_found() {
        let core = member("holdfast-core", &["thiserror"]);
        let web = |dependencies: &[&str]| {
            vec![member("holdfast-web", dependencies), member("holdfast-crypto", &[]), member("holdfast-core", &[])]
        };
        assert!(direct(&[core]).is_empty());
        assert!(direct(&web(&["holdfast-core", "web-sys"])).is_empty());
        assert_eq!(
            direct(&web(&["holdfast-core", "holdfast-crypto"])),
            ["holdfast-web must not depend on holdfast-crypto"]
        );
        let tests = [
            member("holdfast-core", &["holdfast-contract-tests"]),
            member("holdfast-contract-tests", &["holdfast-core"]),
        ];
        assert_eq!(direct(&tests).len(), 1);
        assert_eq!(direct(&[member("xtask", &["holdfast-core"]), member("holdfast-core", &[])]).len(), 1);
    }

    #[test]
    fn what_is_reached_by_a_detour_is_found() {
        let packages = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        assert!(reached("holdfast-core", &packages(&["thiserror", "uuid"]), WASM).is_empty());
        assert_eq!(reached("holdfast-core", &packages(&["uuid", "getrandom"]), WASM).len(), 1);
        assert_eq!(reached("holdfast-service-worker", &packages(&["holdfast-web", "rsa"]), WASM).len(), 1);
        assert_eq!(leaked(&packages(&["leptos", "tokio", "axum"])).len(), 1);
        assert!(reached("holdfast-crypto", &packages(&["rsa", "getrandom"]), WASM).is_empty());
    }
}
