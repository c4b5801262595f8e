//! stub
use crate::args::Args;
use crate::failure::Outcome;
use crate::paths::Paths;
use std::process::ExitCode;
pub fn precache(_paths: &Paths, _args: Args) -> Outcome<ExitCode> {
    Err("soon".into())
}
