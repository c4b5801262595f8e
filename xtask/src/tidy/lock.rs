//! Lock files: they are there, and they name the public registries only, so that anybody can build from them.

use super::Violation;
use super::tree::Tree;

const CRATES: &str = "registry+https://github.com/rust-lang/crates.io-index";
const NPM: &str = "https://registry.npmjs.org/";

pub fn lock(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    match tree.files.get("Cargo.lock") {
        None => found.push("Cargo.lock does not exist".to_owned()),
        Some(text) => found.extend(strangers("Cargo.lock", text, "source = \"", CRATES)),
    }
    for (name, text) in tree.ending(&["package-lock.json"]) {
        found.extend(strangers(name, text, "\"resolved\": \"", NPM));
    }
    for (name, _) in tree.ending(&["package.json"]) {
        if !tree.files.contains_key(&name.replace("package.json", "package-lock.json")) {
            found.push(format!("{name} has no package-lock.json beside it"));
        }
    }
    found
}

fn strangers(name: &str, text: &str, key: &str, public: &str) -> Vec<Violation> {
    let sources = text.lines().enumerate().filter_map(|(at, line)| Some((at + 1, line.trim().strip_prefix(key)?)));
    let strange = sources.filter(|(_, source)| !source.starts_with(public));
    strange.map(|(line, _)| format!("{name}:{line} takes a package from elsewhere than the public registry")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_lock_and_a_private_registry_are_found() {
        let ours = format!("[[package]]\nname = \"a\"\nsource = \"{CRATES}\"\n");
        assert!(lock(&Tree::of(&[("Cargo.lock", &ours)])).is_empty());
        assert_eq!(lock(&Tree::default()).len(), 1);
        let other = ours.replace("github.com", "mirror.invalid");
        assert_eq!(lock(&Tree::of(&[("Cargo.lock", &other)])).len(), 1);
        let npm = "  \"resolved\": \"https://mirror.invalid/a.tgz\",\n";
        let both =
            [("Cargo.lock", ours.as_str()), ("tests/e2e/package.json", "{}"), ("tests/e2e/package-lock.json", npm)];
        assert_eq!(lock(&Tree::of(&both)).len(), 1);
        assert_eq!(lock(&Tree::of(&both[..2])).len(), 1);
    }
}
