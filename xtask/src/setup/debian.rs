//! Programs that a distribution brings: browsers, a C compiler, what the outage is made with.

use std::path::Path;

use super::Need;
use crate::failure::{Failure, Outcome};
use crate::paths::Paths;
use crate::run::{self, Watch};
use crate::steps::Steps;

const INSTALL: &str = "apt-get install --yes --no-install-recommends";

/// A program that is there counts, whoever brought it; packages are only asked for what is missing.
pub fn ensure(paths: &Paths, steps: &Steps, needs: &[Need]) -> Outcome {
    let needs_pip = needs.iter().any(|need| matches!(need, Need::Pip(_)));
    let has_pip = !needs_pip || run::output(run::command(paths, "python3").args(["-c", "import ensurepip"])).is_some();
    let missing = missing(needs, has_pip, &|program| paths.program(program).is_some());
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    if paths.program("apt-get").is_none() {
        return Err(Failure::from(format!(
            "these Debian packages, or what your system calls them, must be installed first: {list}"
        )));
    }
    if !is_root(paths) {
        return Err(Failure::from(format!(
            "packages are missing and only root may install them; run\n\n  sudo apt-get update && sudo {INSTALL} {list}\n"
        )));
    }
    let apt = |name: &str, arguments: &[&str]| {
        let mut command = run::command(paths, "apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").args(arguments);
        run::succeed(&Watch::new(paths, name), &mut command)
    };
    steps.run("packages", &format!("from Debian: {list}"), || {
        apt("apt update", &["update"])?;
        let mut arguments = INSTALL.split(' ').skip(1).collect::<Vec<_>>();
        arguments.extend(&missing);
        apt("apt install", &arguments)
    })
}

/// The packages to install, each once.
fn missing(needs: &[Need], has_pip: bool, is_there: &dyn Fn(&str) -> bool) -> Vec<&'static str> {
    let mut packages: Vec<&'static str> = Vec::new();
    let mut want = |program: &str, names: &[&'static str]| {
        for name in names {
            if !is_there(program) && !packages.contains(name) {
                packages.push(name);
            }
        }
    };
    for need in needs {
        match need {
            Need::CCompiler => want("cc", &["gcc", "libc6-dev"]),
            Need::Node => {
                want("node", &["nodejs"]);
                want("npm", &["npm"]);
            }
            Need::Program { program, package } => want(program, &[package]),
            // Debian's Python makes an environment only with the package of its installer.
            Need::Pip(_) => {
                want("python3", &["python3"]);
                if !has_pip {
                    want("", &["python3-venv"]);
                }
            }
            Need::WasmTarget | Need::Tool(_) | Need::Npm(_) => {}
        }
    }
    packages
}

fn is_root(paths: &Paths) -> bool {
    run::output(run::command(paths, "id").arg("-u")).is_some_and(|id| id.trim() == "0")
        && Path::new("/var/lib/dpkg").is_dir()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_missing_is_asked_for_and_only_once() {
        let chromium = Need::Program { program: "chromium", package: "chromium" };
        let ip = Need::Program { program: "ip", package: "iproute2" };
        let needs = [Need::CCompiler, chromium, ip, ip, Need::WasmTarget];
        assert_eq!(missing(&needs, true, &|program| program == "chromium"), ["gcc", "libc6-dev", "iproute2"]);
        assert!(missing(&needs, true, &|_| true).is_empty());
        let python = [Need::Pip("tests/acquirer")];
        assert_eq!(missing(&python, false, &|program| program == "python3"), ["python3-venv"]);
        assert!(missing(&python, true, &|program| program == "python3").is_empty());
    }
}
