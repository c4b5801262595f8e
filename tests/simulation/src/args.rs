//! The command line.

use holdfast_simulation::Plant;

pub const USAGE: &str = "\
Runs tablets, network, server and acquirer from seeds, with faults, and checks that no payment is lost or taken twice.

  --seeds N      how many seeds (500)
  --seed N       the first one (1)
  --trace        print every line of what happens
  --plant NAME   run with a planted bug: delete-before-ack, new-id-on-retry, ack-by-index, call-before-intent,
                 schema-drops-store, ack-before-commit, no-read-back, doubt-forgotten, taken-back,
                 saved-again, epoch-kept, restored-not-asked, refund-renumbered, try-renumbered,
                 clicked-twice, refund-unchecked, void-unsaid
  --all-plants   run every planted bug until it is caught; one that is not is a failure";

#[derive(Debug, PartialEq, Eq)]
pub struct Args {
    pub seeds: u64,
    pub seed: u64,
    pub trace: bool,
    pub plant: Option<Plant>,
    pub all_plants: bool,
}

impl Args {
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut args = Self { seeds: 500, seed: 1, trace: false, plant: None, all_plants: false };
        while let Some(word) = words.next() {
            match word.as_str() {
                "--trace" => args.trace = true,
                "--all-plants" => args.all_plants = true,
                "--seeds" => args.seeds = number(&word, words.next())?,
                "--seed" => args.seed = number(&word, words.next())?,
                "--plant" => {
                    let name = words.next().ok_or("--plant needs a name")?;
                    args.plant = Some(name.parse().map_err(|_| format!("{name} is no planted bug"))?);
                }
                _ => return Err(format!("{word} is not known here")),
            }
        }
        Ok(args)
    }
}

fn number(word: &str, value: Option<String>) -> Result<u64, String> {
    value.and_then(|v| v.parse().ok()).ok_or_else(|| format!("{word} needs a number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Args, String> {
        Args::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn the_line_is_read() {
        assert!(parse("").is_ok_and(|a| (a.seeds, a.seed, a.plant) == (500, 1, None)));
        assert!(parse("--seeds 3 --seed 9 --trace --plant ack-by-index").is_ok_and(|a| a.trace && a.plant.is_some()));
        for bad in ["--seeds", "--seeds x", "--plant", "--plant nothing", "now"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        for plant in Plant::ALL {
            assert!(USAGE.contains(plant.name()));
        }
    }
}
