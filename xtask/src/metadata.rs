//! What cargo knows of the workspace: the locked versions, and who depends on whom.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::failure::{Doing, Failure, Outcome};
use crate::paths::Paths;
use crate::run;

/// The version of a package in Cargo.lock; asks for exactly one.
pub fn locked_version(repo: &Path, package: &str) -> Outcome<String> {
    let lock = fs::read_to_string(repo.join("Cargo.lock")).doing("Cargo.lock")?;
    version_in(&lock, package)
        .ok_or_else(|| Failure::from(format!("Cargo.lock does not name exactly one version of {package}")))
}

fn version_in(lock: &str, package: &str) -> Option<String> {
    let name = format!("name = \"{package}\"");
    let mut found = lock.split("[[package]]").filter(|entry| entry.lines().any(|line| line == name));
    let (entry, more) = (found.next()?, found.next());
    let version = entry.lines().find_map(|line| line.strip_prefix("version = \""))?.trim_end_matches('"');
    more.is_none().then(|| version.to_owned())
}

/// One crate of the workspace and the packages that its Cargo.toml names for any target, except those that only its tests use.
pub struct Member {
    pub name: String,
    pub dependencies: BTreeSet<String>,
}

pub fn members(paths: &Paths) -> Outcome<Vec<Member>> {
    let mut command = run::command(paths, "cargo");
    command.args(["metadata", "--format-version=1", "--no-deps", "--locked"]);
    let text = run::output(&mut command).ok_or("`cargo metadata --no-deps --locked` fails; try it by hand")?;
    Ok(members_in(&serde_json::from_str(&text).doing("cargo metadata")?))
}

fn members_in(value: &Value) -> Vec<Member> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let packages = list(&value["packages"]);
    let member = |package: &Value| {
        let dependencies = list(&package["dependencies"]).into_iter().filter(|one| one["kind"].as_str() != Some("dev"));
        Member { name: text(&package["name"]), dependencies: dependencies.map(|one| text(&one["name"])).collect() }
    };
    packages.iter().map(member).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_locked_version_is_read_and_an_ambiguous_one_is_not() {
        let lock = "version = 4\n\n[[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\n\n[[package]]\nname = \"wasm-bindgen-macro\"\nversion = \"0.2.1\"\n";
        assert_eq!(version_in(lock, "wasm-bindgen").as_deref(), Some("0.2.130"));
        assert_eq!(version_in(lock, "bindgen"), None);
        let twice = format!("{lock}\n[[package]]\nname = \"wasm-bindgen\"\nversion = \"0.1.0\"\n");
        assert_eq!(version_in(&twice, "wasm-bindgen"), None);
    }

    #[test]
    fn dependencies_of_tests_are_left_out() {
        let value = json!({"packages": [{"name": "app", "dependencies": [
            {"name": "mid", "kind": null}, {"name": "made", "kind": "build"}, {"name": "tested", "kind": "dev"}]}]});
        let members = members_in(&value);
        assert_eq!(members[0].name, "app");
        assert_eq!(members[0].dependencies.iter().collect::<Vec<_>>(), ["made", "mid"]);
    }
}
