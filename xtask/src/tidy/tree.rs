//! The files that belong to the project: tracked ones, and new ones that git does not ignore.

use std::collections::BTreeMap;
use std::fs;

use super::code;
use crate::failure::Outcome;
use crate::paths::Paths;
use crate::run;

/// Text files by their path from the root of the checkout, with `/` between the parts.
#[derive(Default)]
pub struct Tree {
    pub files: BTreeMap<String, String>,
    /// Every file, also those that are not text.
    pub names: Vec<String>,
}

impl Tree {
    pub fn read(paths: &Paths) -> Outcome<Self> {
        let mut git = run::command(paths, "git");
        git.args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"]);
        let listed = run::output(&mut git).ok_or("`git ls-files` fails here; tidy needs a git checkout")?;
        let mut tree = Self::default();
        for name in listed.split('\0').filter(|name| !name.is_empty()) {
            let file = paths.repo.join(name);
            if !file.is_file() {
                continue;
            }
            tree.names.push(name.to_owned());
            if let Ok(text) = fs::read_to_string(&file) {
                tree.files.insert(name.to_owned(), text);
            }
        }
        Ok(tree)
    }

    /// Files with one of these endings.
    pub fn ending<'a>(&'a self, endings: &'a [&str]) -> impl Iterator<Item = (&'a str, &'a str)> {
        let has = |name: &str| endings.iter().any(|ending| name.ends_with(ending));
        self.files.iter().map(|(name, text)| (name.as_str(), text.as_str())).filter(move |(name, _)| has(name))
    }

    /// Rust files under one of the directories, without comments, string contents and tests; line numbers are kept.
    pub fn production<'a>(&'a self, dirs: &'a [&str]) -> impl Iterator<Item = (&'a str, String)> {
        let is_in = |name: &str| dirs.iter().any(|dir| name.starts_with(dir));
        self.ending(&[".rs"])
            .filter(move |(name, _)| is_in(name) && !is_test_file(name))
            .map(|(name, text)| (name, code::production(text)))
    }

    #[cfg(test)]
    pub fn of(files: &[(&str, &str)]) -> Self {
        let files =
            files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect::<BTreeMap<_, _>>();
        Self { names: files.keys().cloned().collect(), files }
    }
}

/// `#[cfg(test)] mod tests;` puts tests into a file of their own; it is known by its name.
fn is_test_file(name: &str) -> bool {
    let mut parts = name.split('/').rev();
    let stem = parts.next().unwrap_or_default().trim_end_matches(".rs");
    stem == "tests" || stem.ends_with("_tests") || parts.any(|part| matches!(part, "tests" | "benches" | "examples"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_in_files_of_their_own_are_not_production() {
        assert!(is_test_file("crates/holdfast-core/src/outbox/tests.rs"));
        assert!(is_test_file("crates/holdfast-core/src/outbox/tests/retry.rs"));
        assert!(is_test_file("crates/holdfast-crypto/tests/vectors.rs"));
        assert!(!is_test_file("crates/holdfast-core/src/contest.rs"));
    }
}
