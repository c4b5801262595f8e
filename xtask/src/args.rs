//! Command lines, parsed by hand: an argument parser would take longer to compile than the rest of xtask.

use std::collections::VecDeque;
use std::str::FromStr;

use crate::failure::{Failure, Outcome};

pub struct Args {
    words: VecDeque<String>,
}

impl Args {
    pub fn from_env() -> Self {
        Self::new(std::env::args().skip(1))
    }

    pub fn new(words: impl IntoIterator<Item = String>) -> Self {
        Self { words: words.into_iter().collect() }
    }

    pub fn command(&mut self) -> Option<String> {
        self.words.pop_front()
    }

    /// Takes `--name` out and says whether it was there.
    pub fn flag(&mut self, name: &str) -> bool {
        let before = self.words.len();
        self.words.retain(|word| word != name);
        self.words.len() != before
    }

    /// Takes `--name VALUE` or `--name=VALUE` out.
    pub fn value<T: FromStr>(&mut self, name: &str) -> Outcome<Option<T>> {
        let with_equals = format!("{name}=");
        let Some(at) = self.words.iter().position(|word| word == name || word.starts_with(&with_equals)) else {
            return Ok(None);
        };
        let word = self.words.remove(at).unwrap_or_default();
        let text = match word.strip_prefix(&with_equals) {
            Some(text) => text.to_owned(),
            None => self.words.remove(at).ok_or_else(|| Failure::from(format!("{name} needs a value")))?,
        };
        text.parse().map(Some).map_err(|_| format!("`{text}` is not a value for {name}").into())
    }

    /// What is left; anything that looks like an option was not understood.
    pub fn parts(self) -> Outcome<Vec<String>> {
        match self.words.iter().find(|word| word.starts_with('-')) {
            Some(word) => Err(format!("there is no option `{word}` here; see `cargo xtask help`").into()),
            None => Ok(self.words.into()),
        }
    }

    /// What is left, to be handed on as it is.
    pub fn rest(self) -> Vec<String> {
        self.words.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(line: &str) -> Args {
        Args::new(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_are_taken_out_wherever_they_stand() {
        let mut given = args("test sim --seeds 500 outage --full --seed=7");
        assert_eq!(given.command().as_deref(), Some("test"));
        assert_eq!(given.value::<u64>("--seeds").unwrap(), Some(500));
        assert_eq!(given.value::<u64>("--seed").unwrap(), Some(7));
        assert!(given.flag("--full"));
        assert!(!given.flag("--full"));
        assert_eq!(given.parts().unwrap(), ["sim", "outage"]);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        assert!(args("--port").value::<u16>("--port").is_err());
        assert!(args("--port many").value::<u16>("--port").is_err());
        assert!(args("sim --fulll").parts().is_err());
    }
}
