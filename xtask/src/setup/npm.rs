//! Packages from npm, only for tests and measurements: nothing of npm is shipped.

use std::fs;
use std::path::Path;

use crate::failure::{Doing, Failure, Outcome};
use crate::paths::Paths;
use crate::run::{self, Watch};
use crate::steps::Steps;

pub fn ensure(paths: &Paths, steps: &Steps, dir: &str) -> Outcome {
    let at = paths.repo.join(dir);
    if !at.join("package.json").is_file() {
        return Err(Failure::from(format!("{dir}/package.json does not exist")));
    }
    let stamp = at.join("node_modules/.holdfast-stamp");
    let wanted = wanted(&at);
    if fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    let verb = if at.join("package-lock.json").is_file() { "ci" } else { "install" };
    steps.run(&format!("npm {dir}"), "packages that only tests use", || {
        let watch = Watch::new(paths, &format!("npm {}", dir.replace('/', "-")));
        let mut command = run::command(paths, "npm");
        // Browsers that a package would download for itself are not used: the distribution's are.
        command.env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1").env("PUPPETEER_SKIP_DOWNLOAD", "1");
        run::succeed(&watch, command.args([verb, "--no-audit", "--no-fund"]).current_dir(&at))?;
        fs::create_dir_all(at.join("node_modules")).doing(dir)?;
        fs::write(&stamp, self::wanted(&at)).doing(stamp.display())
    })
}

fn wanted(dir: &Path) -> String {
    let read = |name: &str| fs::read_to_string(dir.join(name)).unwrap_or_default();
    format!("{}\n{}", read("package.json"), read("package-lock.json"))
}
