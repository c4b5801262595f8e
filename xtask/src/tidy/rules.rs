//! Rules about single lines of code, each with the directories that it holds in.

use super::Violation;
use super::code::lines_with;
use super::tree::Tree;

const PURE: &[&str] = &[
    "crates/holdfast-core/src/",
    "crates/holdfast-wire/src/",
    "crates/holdfast-crypto/src/",
    "crates/holdfast-iso8583/src/",
];
const NO_PANIC: &[&str] = &[
    "crates/holdfast-core/src/",
    "crates/holdfast-crypto/src/",
    "crates/holdfast-wire/src/",
    "crates/holdfast-iso8583/src/",
    "crates/holdfast-web/src/",
];

/// Where the browser's libraries may be named. `src/browser` is the page's own small adapter.
const BROWSER: &[&str] =
    &["crates/holdfast-web/", "service-worker/", "tests/", "src/env.rs", "src/boot.rs", "src/browser"];
const SERVER: &[&str] = &["crates/holdfast-server/", "tests/"];

pub fn adapters(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for (name, code) in tree.production(&[""]) {
        let mut check = |words: &[&str], homes: &[&str], whose: &str| {
            if homes.iter().any(|home| name.starts_with(home)) || name.starts_with("xtask/") {
                return;
            }
            for word in words {
                found.extend(
                    lines_with(&code, word)
                        .iter()
                        .map(|line| format!("{name}:{line} names {word}, which is for {whose}")),
                );
            }
        };
        check(&["web_sys", "js_sys", "rexie"], BROWSER, "holdfast-web, the worker and the page's own adapter");
        check(&["axum", "sqlx", "tokio"], SERVER, "holdfast-server");
    }
    found
}

pub fn ambient(tree: &Tree) -> Vec<Violation> {
    let banned = [
        "Date::now",
        "SystemTime::now",
        "Instant::now",
        "Uuid::now_v7",
        "Uuid::new_v4",
        "Timestamp::now",
        "Utc::now",
        "thread_rng",
        "rand::rng",
        "getrandom::fill",
        "SysRng",
        "OsRng",
    ];
    banned_in(tree, PURE, &banned, "take the clock or the generator as an argument")
}

pub fn panics(tree: &Tree) -> Vec<Violation> {
    banned_in(tree, NO_PANIC, &[".unwrap()", ".expect(", "panic!"], "return an error that says what to do")
}

fn banned_in(tree: &Tree, dirs: &[&str], words: &[&str], instead: &str) -> Vec<Violation> {
    let mut found = Vec::new();
    for (name, code) in tree.production(dirs) {
        for word in words {
            found.extend(lines_with(&code, word).iter().map(|line| format!("{name}:{line} has {word}: {instead}")));
        }
    }
    found
}

pub fn unfinished(tree: &Tree) -> Vec<Violation> {
    // Put together here, so that this file does not accuse itself.
    let words = [concat!("todo", "!("), concat!("FIX", "ME"), concat!("TO", "DO")];
    let mut found = Vec::new();
    for (name, text) in tree.ending(&[".rs", ".js", ".mjs", ".css", ".html", ".toml"]) {
        for word in words {
            found.extend(
                lines_with(text, word).iter().map(|line| format!("{name}:{line} has {word}: do it or leave it out")),
            );
        }
    }
    found
}

pub fn module_docs(tree: &Tree) -> Vec<Violation> {
    let is_bare =
        |text: &str| text.strip_prefix("//!").is_none_or(|rest| rest.lines().next().unwrap_or("").trim().is_empty());
    let bare = tree.ending(&[".rs"]).filter(|(_, text)| is_bare(text));
    bare.map(|(name, _)| format!("{name} does not begin with a //! line that says what it is for")).collect()
}

const LINES_MAX: usize = 600;
const LINES_AIM: usize = 300;
const SOURCES: &[&str] = &[".rs", ".js", ".mjs", ".css"];

pub fn length(tree: &Tree) -> Vec<Violation> {
    let too_long = lengths(tree).filter(|(_, lines)| *lines > LINES_MAX);
    too_long.map(|(name, lines)| format!("{name} has {lines} lines: split it by what it does")).collect()
}

/// Files over the aim, which is no violation.
pub fn long(tree: &Tree) -> Vec<(String, usize)> {
    lengths(tree)
        .filter(|(_, lines)| (LINES_AIM + 1..=LINES_MAX).contains(lines))
        .map(|(name, lines)| (name.to_owned(), lines))
        .collect()
}

fn lengths(tree: &Tree) -> impl Iterator<Item = (&str, usize)> {
    tree.ending(SOURCES).map(|(name, text)| (name, text.lines().count()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rule: fn(&Tree) -> Vec<Violation>, name: &str, text: &str, expected: usize) {
        let found = rule(&Tree::of(&[(name, text)]));
        assert_eq!(found.len(), expected, "{name}: {text}: {found:?}");
    }

    #[test]
    fn a_library_of_an_adapter_named_elsewhere_is_found() {
        check(adapters, "crates/holdfast-core/src/a.rs", "use web_sys::Window;", 1);
        check(adapters, "src/pages/sell.rs", "js_sys::Date::now()", 1);
        check(adapters, "crates/holdfast-wire/src/a.rs", "use sqlx::Row;\nuse tokio::fs;", 2);
        check(adapters, "crates/holdfast-server/src/a.rs", "use web_sys::Window;", 1);
        check(adapters, "crates/holdfast-web/src/a.rs", "use web_sys::Window;", 0);
        check(adapters, "src/boot.rs", "use web_sys::Window;", 0);
        check(adapters, "crates/holdfast-server/src/a.rs", "use tokio::fs;", 0);
        check(adapters, "crates/holdfast-core/src/a.rs", "// web_sys would be wrong here", 0);
    }

    #[test]
    fn an_ambient_clock_is_found() {
        check(ambient, "crates/holdfast-core/src/a.rs", "let t = std::time::SystemTime::now();", 1);
        check(ambient, "crates/holdfast-web/src/a.rs", "let t = js_sys::Date::now();", 0);
        check(ambient, "crates/holdfast-crypto/src/a.rs", "#[cfg(test)]\nmod tests { fn t() { Instant::now(); } }", 0);
    }

    #[test]
    fn a_panic_in_production_code_is_found() {
        check(panics, "crates/holdfast-web/src/a.rs", "a.unwrap();\nb.expect(\"c\");\npanic!(\"d\");", 3);
        check(panics, "crates/holdfast-web/src/a.rs", "a.unwrap_or(1); b.expect_err(c); #[expect(lint)] fn d() {}", 0);
        check(panics, "crates/holdfast-core/tests/a.rs", "a.unwrap();", 0);
        check(panics, "crates/holdfast-server/src/a.rs", "a.unwrap();", 0);
    }

    #[test]
    fn what_is_unfinished_bare_or_too_long_is_found() {
        check(unfinished, "src/a.rs", concat!("//! a\nfn b() { to", "do!() }"), 1);
        check(unfinished, "tests/e2e/a.mjs", concat!("// FIX", "ME later"), 1);
        check(module_docs, "src/a.rs", "use b;\n//! late", 1);
        check(module_docs, "src/a.rs", "//!\nuse b;", 1);
        check(module_docs, "src/a.rs", "//! What it is for.\nuse b;", 0);
        check(length, "src/a.rs", &"x\n".repeat(601), 1);
        check(length, "src/a.rs", &"x\n".repeat(600), 0);
        assert_eq!(long(&Tree::of(&[("a.rs", &"x\n".repeat(301))])), [("a.rs".to_owned(), 301)]);
    }
}
