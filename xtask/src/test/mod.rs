//! `cargo xtask test`: every part of the table in order, cheap ones first. The last line of all is `N passed, N failed`.

mod browsers;
mod built;
mod count;
mod parts;

use std::fs;
use std::process::ExitCode;
use std::time::{Duration, Instant};

pub use built::Built;

use crate::args::Args;
use crate::failure::{Doing, Failure, Outcome};
use crate::paths::Paths;
use crate::run::{self, Ended, Watch};
use crate::setup;
use crate::steps::{Steps, seconds};
use crate::stop;
use count::{Count, Tally};
use parts::{PARTS, Part, Run};

/// No part may keep a machine for ever; the slowest takes a few minutes.
const RUN_LIMIT: Duration = Duration::from_secs(30 * 60);

/// What a part may ask about the run that it is in.
pub struct Setting<'a> {
    pub paths: &'a Paths,
    /// More seeds, more repetitions.
    pub full: bool,
}

pub fn test(paths: &Paths, mut args: Args) -> Outcome<ExitCode> {
    let (full, verbose, list) = (args.flag("--full"), args.flag("--verbose"), args.flag("--list"));
    if list {
        for part in PARTS {
            println!("  {:<12} {}", part.name, part.about);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let chosen = choose(&args.parts()?)?;
    let steps = Steps::new();
    if let Err(failure) = setup_all(paths, &steps, &chosen) {
        // Not the end: a part that can do without what is missing still runs, and the others say it again for themselves.
        println!("{failure}");
    }
    let mut session = Session { paths, steps: &steps, full, verbose, built: None, took: Vec::new() };
    for part in chosen {
        session.run(part)?;
    }
    Ok(session.report())
}

/// `cargo xtask setup`: what the parts need, without running them.
pub fn set_up(paths: &Paths, args: Args) -> Outcome<ExitCode> {
    let chosen = choose(&args.parts()?)?;
    let steps = Steps::new();
    setup_all(paths, &steps, &chosen)?;
    println!("{}", steps.table());
    Ok(ExitCode::SUCCESS)
}

/// The parts in the order of the table, whatever the order they were named in; all when none is named.
fn choose(names: &[String]) -> Outcome<Vec<&'static Part>> {
    if let Some(unknown) = names.iter().find(|name| PARTS.iter().all(|part| part.name != **name)) {
        return Err(format!("there is no part `{unknown}`; `cargo xtask test --list` names them").into());
    }
    Ok(PARTS.iter().filter(|part| names.is_empty() || names.iter().any(|name| name == part.name)).collect())
}

fn setup_all(paths: &Paths, steps: &Steps, parts: &[&Part]) -> Outcome {
    let needs = parts.iter().filter(|part| part.is_there(paths)).flat_map(|part| part.all_needs()).collect::<Vec<_>>();
    setup::ensure(paths, steps, &needs)
}

struct Session<'a> {
    paths: &'a Paths,
    steps: &'a Steps,
    full: bool,
    verbose: bool,
    built: Option<Outcome<Built>>,
    took: Vec<(&'static str, Tally, Duration)>,
}

impl Session<'_> {
    /// Runs one part and prints its line. Only Ctrl-C is an error; everything else is a count.
    fn run(&mut self, part: &'static Part) -> Outcome {
        let start = Instant::now();
        println!("\n{}: {}", part.name, part.about);
        let tally = self.tally(part).unwrap_or_else(|failure| {
            println!("{failure}");
            Tally::one_failed()
        });
        if stop::asked() {
            return Err("stopped".into());
        }
        println!("{}: {tally} in {}", part.name, seconds(start.elapsed()));
        self.took.push((part.name, tally, start.elapsed()));
        Ok(())
    }

    fn tally(&mut self, part: &Part) -> Outcome<Tally> {
        if !part.is_there(self.paths) {
            return Err(format!("{} does not exist yet", part.file).into());
        }
        setup::ensure(self.paths, self.steps, &part.all_needs())?;
        if part.built {
            self.build()?;
        }
        let work = work_dir(self.paths, part.name);
        if !part.reads_others {
            let _ = fs::remove_dir_all(&work);
        }
        fs::create_dir_all(&work).doing(work.display())?;
        let setting = Setting { paths: self.paths, full: self.full };
        let mut tally = Tally::default();
        for run in (part.runs)(&setting)? {
            tally += self.count(part, run)?;
        }
        Ok(tally)
    }

    fn build(&mut self) -> Outcome {
        let built = self.built.get_or_insert_with(|| Built::make(self.paths, self.steps, false));
        built.as_ref().map(|_| ()).map_err(|failure| Failure::from(failure.to_string()))
    }

    fn count(&self, part: &Part, mut run: Run) -> Outcome<Tally> {
        let name = if run.name.is_empty() { part.name.to_owned() } else { format!("{} {}", part.name, run.name) };
        let work = work_dir(self.paths, part.name);
        let log = work.join(format!("{}.log", name.replace(' ', "-")));
        if let Some(Ok(built)) = &self.built {
            built.tell(self.paths, &mut run.command, part.name);
        }
        run.command.env("HOLDFAST_WORK", &work).env("HOLDFAST_WORK_ALL", work_root(self.paths));
        run.command
            .env("HOLDFAST_TOOLS", self.paths.tools_bin())
            .env("HOLDFAST_FULL", if self.full { "1" } else { "" });
        // The place of a panic is enough; a backtrace pushes everything else out of sight.
        run.command.env("RUST_BACKTRACE", "0");
        let _ = fs::remove_file(&log);
        let watch = Watch { name: name.clone(), log, verbose: self.verbose, limit: Some(RUN_LIMIT) };
        let mut ended = run::watched(&watch, &mut run.command)?;
        let mut text = run::read_from(&watch.log, 0);
        if run.count == Count::EngineResults && !run.count.is_told(&text) && !stop::asked() {
            // The browser is gone or hangs; what our tests found would have been told. Said, kept, and tried once more.
            let kept = work.join(format!("{}.cut-off.log", name.replace(' ', "-")));
            let _ = fs::copy(&watch.log, &kept);
            println!(
                "  {name}: the browser told no result ({}); once more. Its log: {}\n{}\n",
                run::said(&ended),
                self.paths.shown(&kept),
                run::digest(&watch.log)
            );
            let _ = fs::remove_file(&watch.log);
            ended = run::watched(&watch, &mut run.command)?;
            text = run::read_from(&watch.log, 0);
        }
        let succeeded = matches!(&ended, Ended::Exit(status) if status.success());
        let tally = run.count.tally(&text, succeeded);
        if tally.failed > 0 {
            println!(
                "{name} {}; {tally}; from {}:\n{}\n",
                run::said(&ended),
                self.paths.shown(&watch.log),
                run::digest(&watch.log)
            );
        } else if !run.name.is_empty() {
            println!("  {name}: {tally}");
        }
        Ok(tally)
    }

    fn report(self) -> ExitCode {
        println!("\nset-up and builds\n{}\n", self.steps.table());
        let mut sum = Tally::default();
        for (name, tally, took) in self.took {
            println!("  {name:<12} {tally:<24} {:>9}", seconds(took));
            sum += tally;
        }
        println!("{sum}");
        if sum.failed == 0 && sum.passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// Profiles, data directories and logs of a part; kept after the run, for people and for the canary.
fn work_dir(paths: &Paths, part: &str) -> std::path::PathBuf {
    work_root(paths).join(part)
}

fn work_root(paths: &Paths) -> std::path::PathBuf {
    paths.state.join("test/work")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_run_in_the_order_of_the_table() {
        let names = |given: &[&str]| {
            let given = given.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
            choose(&given).map(|parts| parts.iter().map(|part| part.name).collect::<Vec<_>>())
        };
        assert_eq!(names(&["canary", "tidy"]).unwrap(), ["tidy", "canary"]);
        assert_eq!(names(&[]).unwrap().len(), PARTS.len());
        assert!(names(&["tidyy"]).is_err());
    }
}
