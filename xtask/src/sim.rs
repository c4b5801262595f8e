//! `cargo xtask sim`: the deterministic simulation. A seed that failed is run again with `--seeds 1 --seed <it>`.

use std::process::ExitCode;

use crate::args::Args;
use crate::failure::{Doing, Outcome};
use crate::paths::Paths;
use crate::run;

const SEEDS: u64 = 500;

pub fn sim(paths: &Paths, mut args: Args) -> Outcome<ExitCode> {
    let seeds = args.value("--seeds")?.unwrap_or(SEEDS);
    let seed = args.value("--seed")?.unwrap_or(1);
    let mut command = run::command(paths, "cargo");
    command.args(command_line(seeds, seed)).args(args.rest());
    let status = command.status().doing("cargo run")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The arguments of cargo that run the simulation.
pub fn command_line(seeds: u64, seed: u64) -> Vec<String> {
    let words = format!("run --quiet --locked -p holdfast-simulation -- --seeds {seeds} --seed {seed}");
    words.split(' ').map(str::to_owned).collect()
}
