//! `cargo xtask bench`: builds what is measured and hands over: to tests/bench, which knows the peers of the till, or to tests/bench/server.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::args::Args;
use crate::build;
use crate::failure::{Doing, Outcome};
use crate::paths::Paths;
use crate::run;
use crate::setup::{self, Need, Tool};
use crate::steps::Steps;
use crate::test::Built;

const DIR: &str = "tests/bench";
/// Parts that measure the server by itself, without a browser.
const OF_SERVER: [&str; 2] = ["server", "reports"];
const SERVER_PACKAGE: &str = "holdfast-bench-server";

pub fn bench(paths: &Paths, mut args: Args) -> Outcome<ExitCode> {
    let json = args.value::<PathBuf>("--json")?;
    // Parts, and flags of its own such as --smoke; `--help` lists them.
    let rest = args.rest();
    let (of_server, of_till): (Vec<&String>, Vec<&String>) =
        rest.iter().filter(|word| !word.starts_with('-')).partition(|word| OF_SERVER.contains(&word.as_str()));
    match (of_server.is_empty(), of_till.is_empty()) {
        (true, _) => {}
        (false, true) => return server(paths, &rest, json),
        (false, false) => {
            return Err("measure the parts of the server and those of the till one after the other".into());
        }
    }
    if !paths.repo.join(DIR).join("run.mjs").is_file() {
        return Err(format!("{DIR}/run.mjs does not exist yet").into());
    }
    let steps = Steps::new();
    let mut needs = build::APP_NEEDS.to_vec();
    needs.extend([Need::Node, Need::Npm(DIR), Need::Program { program: "chromium", package: "chromium" }]);
    if rest.iter().any(|word| word.ends_with("firefox")) {
        needs.push(Need::Tool(Tool::Geckodriver));
        needs.push(Need::Program { program: "firefox-esr", package: "firefox-esr" });
    }
    setup::ensure(paths, &steps, &needs)?;
    let built = Built::make(paths, &steps, true)?;
    println!("{}\n", steps.table());
    let mut command = run::command(paths, "node");
    command.arg(format!("{DIR}/run.mjs")).args(rest);
    built.tell(paths, &mut command, "bench");
    if let Some(json) = json {
        command.arg("--json").arg(std::path::absolute(&json).doing(json.display())?);
    }
    let status = command.status().doing("node")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The server's own parts: one program in release mode, and PostgreSQL.
fn server(paths: &Paths, words: &[String], json: Option<PathBuf>) -> Outcome<ExitCode> {
    let steps = Steps::new();
    let postgres = Need::Program { program: "pg_lsclusters", package: "postgresql" };
    setup::ensure(paths, &steps, &[Need::CCompiler, postgres])?;
    steps.run("bench", "the server's own parts with a clock beside them", || {
        let mut cargo = run::command(paths, "cargo");
        cargo.args(["build", "--release", "--locked", "-p", SERVER_PACKAGE]);
        run::succeed(&run::Watch::new(paths, "bench"), &mut cargo)
    })?;
    println!("{}\n", steps.table());
    let mut command = run::command(paths, paths.target.join("release").join(SERVER_PACKAGE));
    command.args(words);
    if let Some(json) = json {
        command.arg("--json").arg(std::path::absolute(&json).doing(json.display())?);
    }
    let status = command.status().doing(SERVER_PACKAGE)?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
