//! `cargo xtask tidy`: what a program can check of the architecture. Every check has a test with a planted violation, because
//! a rule that nobody enforces, and a check that cannot fail, are the same thing.

mod arrows;
mod code;
mod lock;
mod prose;
mod rules;
mod secrets;
mod site;
mod tree;

use std::process::ExitCode;

use crate::args::Args;
use crate::failure::Outcome;
use crate::paths::Paths;
use tree::Tree;

/// A place and what is wrong there, in words that say what to do.
pub type Violation = String;

/// A check of files alone.
type Check = (&'static str, fn(&Tree) -> Vec<Violation>);

const CHECKS: &[Check] = &[
    ("adapters: only the browser's and the server's own crates name their libraries", rules::adapters),
    ("ambient: core, wire and crypto take clock and randomness as arguments", rules::ambient),
    ("panics: no unwrap, expect or panic in production code of core, crypto, wire and web", rules::panics),
    ("unfinished: nothing is marked as to be done", rules::unfinished),
    ("module docs: every Rust file says what it is for", rules::module_docs),
    ("length: no file over 600 lines", rules::length),
    ("secrets: types that hold card data or keys cannot be printed or serialised", secrets::printable),
    ("worker: sw.js registers every listener in its first synchronous run", site::worker),
    ("page: no inline script and no address of another site", site::page),
    ("links: every link in the docs leads somewhere", prose::links),
    ("machine: no path or registry of somebody's own machine", prose::machine),
    ("lock: Cargo.lock is there and takes everything from the public registry", lock::lock),
];

pub fn tidy(paths: &Paths, args: Args) -> Outcome<ExitCode> {
    if let Some(word) = args.parts()?.first() {
        return Err(format!("tidy does not know what to do with `{word}`").into());
    }
    let tree = Tree::read(paths)?;
    let mut failed = 0;
    let mut report = |about: &str, violations: Vec<Violation>| {
        println!("{} {about}", if violations.is_empty() { "ok  " } else { "FAIL" });
        violations.iter().for_each(|violation| println!("       {violation}"));
        failed += usize::from(!violations.is_empty());
    };
    let arrows = arrows::arrows(paths).unwrap_or_else(|failure| vec![failure.to_string()]);
    report("arrows: crates depend only on what the architecture lets them", arrows);
    for (about, check) in CHECKS {
        report(about, check(&tree));
    }
    for (file, lines) in rules::long(&tree) {
        println!("note   {file} has {lines} lines; 300 is the aim");
    }
    println!("{} passed, {failed} failed", CHECKS.len() + 1 - failed);
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
