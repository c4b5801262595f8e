//! What cargo knows of the workspace: the locked versions and the dependency graph.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

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

/// One crate of the workspace: where it stands, and every package that it reaches by normal and build dependencies.
pub struct Member {
    pub dir: PathBuf,
    pub direct: BTreeSet<String>,
    pub reached: BTreeSet<String>,
}

/// Members by name. `reached` is resolved for `target`, because a dependency of another target is not one here.
pub fn members(paths: &Paths, target: &str) -> Outcome<BTreeMap<String, Member>> {
    let mut command = run::command(paths, "cargo");
    command.args(["metadata", "--format-version=1", "--locked", "--filter-platform", target]);
    let output = command.output().doing("cargo metadata")?;
    if !output.status.success() {
        return Err(format!("cargo metadata --locked: {}", String::from_utf8_lossy(&output.stderr).trim()).into());
    }
    let value: Value = serde_json::from_slice(&output.stdout).doing("cargo metadata")?;
    Ok(members_in(&value))
}

fn members_in(value: &Value) -> BTreeMap<String, Member> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let names = list(&value["packages"]).iter().map(|p| (text(&p["id"]), text(&p["name"]))).collect::<BTreeMap<_, _>>();
    let dirs = list(&value["packages"])
        .iter()
        .map(|p| (text(&p["id"]), text(&p["manifest_path"])))
        .collect::<BTreeMap<_, _>>();
    let mut edges: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for node in list(&value["resolve"]["nodes"]) {
        let used = |dep: &&Value| list(&dep["dep_kinds"]).iter().any(|kind| kind["kind"].as_str() != Some("dev"));
        let deps = list(&node["deps"]);
        edges.insert(text(&node["id"]), deps.iter().filter(used).map(|dep| text(&dep["pkg"])).collect());
    }
    let name = |id: &String| names.get(id).cloned().unwrap_or_default();
    let mut members = BTreeMap::new();
    for id in list(&value["workspace_members"]).iter().map(text) {
        let manifest = PathBuf::from(dirs.get(&id).cloned().unwrap_or_default());
        let direct = edges.get(&id).into_iter().flatten().map(name).collect();
        let reached = reach(&edges, &id).iter().map(name).collect();
        members.insert(
            name(&id),
            Member { dir: manifest.parent().unwrap_or(Path::new("")).to_path_buf(), direct, reached },
        );
    }
    members
}

fn reach(edges: &BTreeMap<String, Vec<String>>, from: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = edges.get(from).cloned().unwrap_or_default();
    while let Some(id) = open.pop() {
        if found.insert(id.clone()) {
            open.extend(edges.get(&id).into_iter().flatten().cloned());
        }
    }
    found
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
        assert_eq!(
            version_in(&format!("{lock}\n[[package]]\nname = \"wasm-bindgen\"\nversion = \"0.1.0\"\n"), "wasm-bindgen"),
            None
        );
    }

    #[test]
    fn the_graph_follows_normal_dependencies_and_not_dev_ones() {
        let dep = |id: &str, kind: Value| json!({"pkg": id, "dep_kinds": [{"kind": kind}]});
        let value = json!({
            "packages": [
                {"id": "a", "name": "app", "manifest_path": "/w/app/Cargo.toml"},
                {"id": "b", "name": "mid", "manifest_path": "/w/mid/Cargo.toml"},
                {"id": "c", "name": "low", "manifest_path": "/r/low/Cargo.toml"},
                {"id": "d", "name": "testing", "manifest_path": "/r/testing/Cargo.toml"}],
            "workspace_members": ["a", "b"],
            "resolve": {"nodes": [
                {"id": "a", "deps": [dep("b", Value::Null), dep("d", json!("dev"))]},
                {"id": "b", "deps": [dep("c", json!("build"))]},
                {"id": "c", "deps": []}, {"id": "d", "deps": []}]}});
        let members = members_in(&value);
        let app = &members["app"];
        assert_eq!(app.dir, Path::new("/w/app"));
        assert_eq!(app.direct.iter().collect::<Vec<_>>(), ["mid"]);
        assert_eq!(app.reached.iter().collect::<Vec<_>>(), ["low", "mid"]);
        assert_eq!(members.len(), 2);
    }
}
