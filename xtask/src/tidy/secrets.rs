//! Types that hold card data or keys. A value that cannot be printed or serialised does not end up in a log by accident.

use super::Violation;
use super::code::lines_with;
use super::tree::Tree;

/// Hold the secret itself: a derived Debug would tell it.
const SECRET_TYPES: &[&str] = &[
    "CardNumber",
    "Track1",
    "Track2",
    "Source",
    "Card",
    "Wedge",
    "Capture",
    "Secret",
    "ContentKey",
    "KeyEncryptionKey",
    "SigningKey",
    "CardPrivateKey",
];

/// Hold secret types: their derived Debug says no more than those do, but nobody may serialise or display them.
const CARRIERS: &[&str] = &["CardPlaintext", "Opened", "WrappedContentKey", "CardKeyPair", "Heard"];

const DIRS: &[&str] = &["crates/", "src/", "service-worker/"];

pub fn printable(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for (name, code) in tree.production(DIRS) {
        for kind in SECRET_TYPES {
            found.extend(check(name, &code, kind, &["Debug", "Serialize", "Display"]));
        }
        for kind in CARRIERS {
            found.extend(check(name, &code, kind, &["Serialize", "Display"]));
        }
    }
    found
}

fn check(name: &str, code: &str, kind: &str, banned: &[&str]) -> Vec<Violation> {
    let mut found = Vec::new();
    for keyword in ["struct", "enum"] {
        for line in lines_with(code, &format!("{keyword} {kind}")) {
            let attributes = attributes_above(code, line);
            let derived = banned.iter().filter(|banned| !lines_with(&attributes, banned).is_empty());
            found.extend(
                derived.map(|banned| format!("{name}:{line} derives {banned} for {kind}, which holds a secret")),
            );
        }
    }
    // A hand-written Debug is the way to a harmless one; there is no harmless Display or Serialize.
    for banned in banned.iter().filter(|banned| **banned != "Debug") {
        let line = |line: &usize| {
            let text = code.lines().nth(line - 1).unwrap_or_default();
            text.trim_start().starts_with("impl") && !lines_with(text, &format!("{banned} for")).is_empty()
        };
        let lines = lines_with(code, &format!("for {kind}")).into_iter().filter(line);
        found.extend(lines.map(|line| format!("{name}:{line} has {banned} for {kind}, which holds a secret")));
    }
    found
}

/// The attribute lines directly above an item, joined.
fn attributes_above(code: &str, line: usize) -> String {
    let lines = code.lines().collect::<Vec<_>>();
    let mut above = Vec::new();
    for text in lines[..line - 1].iter().rev() {
        let text = text.trim();
        // Blank: a doc comment was here. Anything that ends an item is the end of the one before.
        if text.ends_with(['}', ';', '{']) {
            break;
        }
        above.push(text);
    }
    above.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(text: &str) -> usize {
        printable(&Tree::of(&[("crates/holdfast-core/src/card.rs", text)])).len()
    }

    #[test]
    fn a_secret_that_can_be_printed_is_found() {
        assert_eq!(count("#[derive(Clone, Debug)]\n/// A number.\npub struct CardNumber(String);"), 1);
        assert_eq!(count("#[derive(Clone)]\n#[cfg_attr(feature = \"x\", derive(Serialize))]\npub struct Track2 {"), 1);
        assert_eq!(count("impl fmt::Display for CardNumber {"), 1);
        assert_eq!(count("impl<T: Zeroize> Serialize for Secret<T> {"), 1);
        assert_eq!(count("#[derive(Debug, Serialize)]\npub struct CardPlaintext {"), 1);
    }

    #[test]
    fn what_tells_nothing_is_not() {
        assert_eq!(count("#[derive(Clone, Debug)]\npub struct Summary {}\n\npub struct CardNumber(String);"), 0);
        assert_eq!(count("impl fmt::Debug for CardNumber {"), 0);
        assert_eq!(count("#[derive(Debug)]\npub struct CardNumberError;"), 0);
        assert_eq!(count("#[derive(Debug)]\npub struct CardPlaintext {"), 0);
    }
}
