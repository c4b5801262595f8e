//! stub
use crate::args::Args;
use crate::failure::Outcome;
use crate::paths::Paths;
use std::process::ExitCode;
pub fn tidy(_paths: &Paths, _args: Args) -> Outcome<ExitCode> {
    Err("soon".into())
}
