//! Where things live: the checkout, what is kept between checkouts, and what belongs to this one.

use std::env;
use std::path::{Path, PathBuf};

use crate::failure::Outcome;

pub struct Paths {
    /// The checkout.
    pub repo: PathBuf,
    /// Tools and compiled dependencies, shared by every checkout: `$HOLDFAST_CACHE`, or `holdfast` in the user's cache.
    pub cache: PathBuf,
    /// Where child cargo calls compile. Outside the checkout, so that a fresh clone is warm.
    pub target: PathBuf,
    /// What belongs to this checkout and is not tracked: demo root key, demo data, logs, work directories of tests.
    pub state: PathBuf,
}

impl Paths {
    pub fn find() -> Outcome<Self> {
        let manifest_dir =
            env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let repo = manifest_dir.parent().filter(|repo| repo.join("xtask").is_dir());
        let repo =
            repo.ok_or("xtask does not stand in a checkout of Holdfast; start it with `cargo xtask`")?.to_path_buf();
        let cache = cache_dir(&|name| env::var_os(name).map(PathBuf::from))?;
        let target = match env::var_os("CARGO_TARGET_DIR") {
            Some(dir) => repo.join(dir),
            None => cache.join("target"),
        };
        Ok(Self { state: repo.join(".holdfast"), repo, cache, target })
    }

    pub fn tools(&self) -> PathBuf {
        self.cache.join("tools")
    }

    pub fn tools_bin(&self) -> PathBuf {
        self.tools().join("bin")
    }

    pub fn logs(&self) -> PathBuf {
        self.state.join("log")
    }

    /// `PATH` for children: our own tools in the right version before anything else of the same name.
    pub fn search_path(&self) -> std::ffi::OsString {
        let found = env::var_os("PATH").unwrap_or_default();
        let all = std::iter::once(self.tools_bin()).chain(env::split_paths(&found));
        env::join_paths(all).unwrap_or(found)
    }

    /// The first program of that name, as a child would find it.
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        env::split_paths(&self.search_path()).map(|dir| dir.join(name)).find(|file| is_program(file))
    }

    /// A path as a person in the checkout would type it.
    pub fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.repo).unwrap_or(path).display().to_string()
    }
}

fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

fn cache_dir(var: &dyn Fn(&str) -> Option<PathBuf>) -> Outcome<PathBuf> {
    if let Some(dir) = var("HOLDFAST_CACHE") {
        return Ok(dir);
    }
    if let Some(dir) = var("XDG_CACHE_HOME").filter(|dir| dir.is_absolute()) {
        return Ok(dir.join("holdfast"));
    }
    let home = var("HOME").ok_or("neither HOLDFAST_CACHE nor HOME says where tools may be kept; set one of them")?;
    Ok(home.join(".cache/holdfast"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_is_where_the_person_wants_it() {
        let check = |set: &[(&str, &str)], expected: &str| {
            let var = |name: &str| set.iter().find(|(key, _)| *key == name).map(|(_, value)| PathBuf::from(value));
            assert_eq!(cache_dir(&var).unwrap(), PathBuf::from(expected));
        };
        check(&[("HOME", "/h")], "/h/.cache/holdfast");
        check(&[("HOME", "/h"), ("XDG_CACHE_HOME", "/x")], "/x/holdfast");
        check(&[("HOME", "/h"), ("XDG_CACHE_HOME", "relative")], "/h/.cache/holdfast");
        check(&[("HOME", "/h"), ("XDG_CACHE_HOME", "/x"), ("HOLDFAST_CACHE", "/c")], "/c");
        assert!(cache_dir(&|_| None).is_err());
    }
}
