//! `cargo xtask bench`: builds what is measured and hands over to tests/bench, which knows the peers.

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

pub fn bench(paths: &Paths, mut args: Args) -> Outcome<ExitCode> {
    let json = args.value::<PathBuf>("--json")?;
    // Parts, and flags of its own such as --smoke; `--help` lists them.
    let rest = args.rest();
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
