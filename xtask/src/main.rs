//! `cargo xtask`: everything a person or CI runs. `cargo xtask help` lists the commands; docs/development.md explains them.

mod args;
mod bench;
mod build;
mod failure;
mod links;
mod metadata;
mod paths;
mod precache;
mod run;
mod serve;
mod setup;
mod sim;
mod steps;
mod stop;
mod test;
mod tidy;

use std::process::ExitCode;

use args::Args;
use failure::Outcome;
use paths::Paths;

const USAGE: &str = "\
cargo xtask <command>

  serve [--port N] [--data DIR] [--reset]   set up, build and run the demo shop; Ctrl-C stops it
  test [part...] [--full] [--verbose]       run the tests; `test --list` names the parts
  sim [--seeds N] [--seed S] [...]          run the simulation; the rest goes to the simulator as it is
  bench [part...] [--json FILE] [...]       measure against the peers; the rest goes to the bench as it is
  tidy                                      check what a program can check of the architecture
  setup [part...]                           install what the parts of `test` need, and nothing else
  precache                                  called by trunk: list the built files in sw.js";

fn main() -> ExitCode {
    stop::listen();
    match dispatch(Args::from_env()) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("\nxtask: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(mut args: Args) -> Outcome<ExitCode> {
    let paths = Paths::find()?;
    let command = args.command();
    match command.as_deref() {
        Some("serve") => serve::serve(&paths, args),
        Some("test") => test::test(&paths, args),
        Some("sim") => sim::sim(&paths, args),
        Some("bench") => bench::bench(&paths, args),
        Some("tidy") => tidy::tidy(&paths, args),
        Some("setup") => test::set_up(&paths, args),
        Some("precache") => precache::precache(&paths, args),
        None | Some("help" | "--help" | "-h") => {
            println!("{USAGE}");
            Ok(ExitCode::SUCCESS)
        }
        Some(other) => Err(format!("there is no command `{other}`\n\n{USAGE}").into()),
    }
}
