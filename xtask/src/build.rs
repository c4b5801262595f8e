//! What is built: the server, the demo shop's root key, the till. Cargo skips what did not change by itself; trunk does not,
//! so it is only called when something that it reads is not what it was.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use crate::failure::{Doing, Outcome};
use crate::links;
use crate::paths::Paths;
use crate::run::{self, Watch};
use crate::setup::{Need, Tool};
use crate::steps::Steps;

/// What the server is compiled with.
pub const SERVER_NEEDS: &[Need] = &[Need::CCompiler];
/// What the till is compiled with.
pub const APP_NEEDS: &[Need] =
    &[Need::CCompiler, Need::WasmTarget, Need::Tool(Tool::Trunk), Need::Tool(Tool::WasmBindgen)];

/// Everything that can change what trunk makes. Crates that only the server uses are not in it.
const APP_INPUTS: &[&str] = &[
    "Cargo.toml",
    "Cargo.lock",
    "Trunk.toml",
    "index.html",
    "src",
    "www",
    "service-worker",
    "crates/holdfast-core",
    "crates/holdfast-wire",
    "crates/holdfast-crypto",
    "crates/holdfast-web",
    "xtask/src/precache.rs",
];

/// Builds the server and copies it to `bin_dir`, so that a build for another checkout cannot swap it while it runs.
pub fn server(paths: &Paths, steps: &Steps, bin_dir: &Path) -> Outcome<PathBuf> {
    steps.run("server", "authorises, captures and keeps the sales; also hands out the till", || {
        let mut cargo = run::command(paths, "cargo");
        cargo.args(["build", "--release", "--locked", "-p", "holdfast-server", "--bin", "holdfast"]);
        run::succeed(&Watch::new(paths, "server"), &mut cargo)
    })?;
    let to = bin_dir.join("holdfast");
    let new = bin_dir.join(".holdfast.new");
    fs::create_dir_all(bin_dir).doing(bin_dir.display())?;
    fs::copy(paths.target.join("release/holdfast"), &new).doing(new.display())?;
    fs::rename(&new, &to).doing(to.display())?;
    Ok(to)
}

/// The demo shop's root key pair. It is made once and outlives `--reset`, because its public half is compiled into the till.
pub fn root_key(paths: &Paths, steps: &Steps, server: &Path, dir: &Path) -> Outcome<PathBuf> {
    let public = dir.join("root.public.json");
    if !public.is_file() || !dir.join("root.private.json").is_file() {
        steps.run("root key", "a demo trust anchor, compiled into the till", || {
            fs::create_dir_all(dir).doing(dir.display())?;
            run::succeed(
                &Watch::new(paths, "root key"),
                run::command(paths, server).args(["root", "make", "--dir"]).arg(dir),
            )
        })?;
    }
    Ok(public)
}

/// Compiles what trunk will want, while trunk itself is still being installed. Says nothing when the till is up to date.
pub fn compile_app(paths: &Paths, steps: &Steps, root_public: &Path, dist: &Path) -> Outcome {
    if is_built(paths, root_public, dist) {
        return Ok(());
    }
    let html = fs::read_to_string(paths.repo.join("index.html")).doing("index.html")?;
    steps.run("wasm", "the app and its service worker, compiled to WebAssembly", || {
        for link in links::rust_links(&html) {
            let mut cargo = run::command(paths, "cargo");
            cargo.args(link.cargo_arguments()).env("HOLDFAST_ROOT_KEYS", root_public);
            run::succeed(&Watch::new(paths, "wasm"), &mut cargo)?;
        }
        Ok(())
    })
}

/// Builds the till into `dist`, unless what is there was built from the same files and the same root key.
pub fn app(paths: &Paths, steps: &Steps, root_public: &Path, dist: &Path) -> Outcome {
    if is_built(paths, root_public, dist) {
        steps.skip("till", "unchanged");
        return Ok(());
    }
    let stamp = stamp_of(paths, dist);
    let wanted = fingerprint(&paths.repo, root_public);
    steps.run("till", "put together by trunk", || {
        let _ = fs::remove_file(&stamp);
        let mut trunk = run::command(paths, "trunk");
        trunk.args(["build", "--release", "--locked", "--color", "never", "--dist"]).arg(dist);
        trunk.env("HOLDFAST_ROOT_KEYS", root_public).env("TRUNK_SKIP_VERSION_CHECK", "true");
        trunk.env("HOLDFAST_XTASK", env::current_exe().doing("where xtask itself is")?);
        // A target directory that checkouts share may hold an xtask that was compiled in another one, gone by now.
        trunk.env("CARGO_MANIFEST_DIR", paths.repo.join("xtask"));
        // trunk takes NO_COLOR for a true or false and stops at the `1` that everybody else means.
        trunk.env_remove("NO_COLOR");
        run::succeed(&Watch::new(paths, "till"), &mut trunk)?;
        fs::write(&stamp, &wanted).doing(stamp.display())
    })
}

fn is_built(paths: &Paths, root_public: &Path, dist: &Path) -> bool {
    let found = fs::read_to_string(stamp_of(paths, dist));
    dist.join("index.html").is_file() && found.is_ok_and(|found| found == fingerprint(&paths.repo, root_public))
}

/// Not in `dist`, where it would be handed out with the till.
fn stamp_of(paths: &Paths, dist: &Path) -> PathBuf {
    paths.state.join(format!("{}.stamp", paths.shown(dist).replace(['/', '.'], "-")))
}

/// Paths, sizes and times of every input, and the root key's content; a removed file changes it as well.
fn fingerprint(repo: &Path, root_public: &Path) -> String {
    let mut files = BTreeMap::new();
    for input in APP_INPUTS {
        collect(&repo.join(input), &mut files);
    }
    let mut hasher = DefaultHasher::new();
    files.hash(&mut hasher);
    fs::read(root_public).unwrap_or_default().hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

fn collect(path: &Path, files: &mut BTreeMap<PathBuf, (u64, u128)>) {
    if let Ok(entries) = fs::read_dir(path) {
        for entry in entries.flatten() {
            collect(&entry.path(), files);
        }
    } else if let Ok(found) = path.metadata() {
        let modified = found.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        files.insert(path.to_path_buf(), (found.len(), modified.map_or(0, |time| time.as_nanos())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_till_is_built_again_when_a_file_or_the_key_changes() {
        let repo = env::temp_dir().join(format!("holdfast-xtask-fingerprint-{}", std::process::id()));
        let key = repo.join("root.public.json");
        fs::create_dir_all(repo.join("src/pages")).unwrap();
        fs::write(repo.join("src/pages/sell.rs"), "one").unwrap();
        fs::write(&key, "a").unwrap();
        let mut seen = vec![fingerprint(&repo, &key)];
        assert_eq!(seen[0], fingerprint(&repo, &key));
        fs::write(repo.join("src/pages/sell.rs"), "other").unwrap();
        seen.push(fingerprint(&repo, &key));
        fs::write(&key, "b").unwrap();
        seen.push(fingerprint(&repo, &key));
        fs::remove_file(repo.join("src/pages/sell.rs")).unwrap();
        seen.push(fingerprint(&repo, &key));
        fs::remove_dir_all(&repo).unwrap();
        let distinct = seen.iter().collect::<std::collections::BTreeSet<_>>();
        assert_eq!(distinct.len(), seen.len(), "{seen:?}");
    }
}
