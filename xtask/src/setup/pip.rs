//! Packages from PyPI, only for tests: programs that are run as they are, each set in an environment of its own in our cache.

use std::fs;
use std::path::PathBuf;

use crate::failure::{Doing, Failure, Outcome};
use crate::paths::Paths;
use crate::run::{self, Watch};
use crate::steps::Steps;

/// A program of the packages of `dir`.
pub fn program(paths: &Paths, dir: &str, name: &str) -> PathBuf {
    environment(paths, dir).join("bin").join(name)
}

fn environment(paths: &Paths, dir: &str) -> PathBuf {
    paths.tools().join("python").join(dir.replace('/', "-"))
}

pub fn ensure(paths: &Paths, steps: &Steps, dir: &str) -> Outcome {
    let list = paths.repo.join(dir).join("requirements.txt");
    let wanted =
        fs::read_to_string(&list).map_err(|_| Failure::from(format!("{dir}/requirements.txt does not exist")))?;
    let at = environment(paths, dir);
    let stamp = at.join("holdfast-stamp");
    if fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    steps.run(&format!("pip {dir}"), "programs that only tests run", || {
        let watch = Watch::new(paths, &format!("pip {}", dir.replace('/', "-")));
        let _ = fs::remove_dir_all(&at);
        run::succeed(&watch, run::command(paths, "python3").args(["-m", "venv"]).arg(&at))?;
        let mut install = run::command(paths, at.join("bin/python"));
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "-r"]).arg(&list);
        run::succeed(&watch, &mut install)?;
        fs::write(&stamp, &wanted).doing(stamp.display())
    })
}
