//! What must be on the machine before anything can be built or tested. Every function here can be called again at no cost:
//! it looks first and installs only what is missing.

mod debian;
mod npm;
mod pip;
mod target;
mod tools;

use crate::failure::Outcome;
use crate::paths::Paths;
use crate::steps::Steps;

pub use pip::program as python_program;
pub use tools::Tool;

/// One thing that a command or a part of the tests needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Need {
    /// A C compiler, for the server's SQLite and aws-lc.
    CCompiler,
    /// The wasm32 target of the Rust compiler.
    WasmTarget,
    /// A tool from Rust's registry, kept in our own cache.
    Tool(Tool),
    /// A program, and the Debian package that brings it.
    Program { program: &'static str, package: &'static str },
    /// Node and npm.
    Node,
    /// The packages of a directory with a package.json.
    Npm(&'static str),
    /// The packages of a directory with a requirements.txt, in an environment of their own.
    Pip(&'static str),
}

/// Packages come first, in one go: tools and npm are built with them.
pub fn ensure(paths: &Paths, steps: &Steps, needs: &[Need]) -> Outcome {
    debian::ensure(paths, steps, needs)?;
    for (at, need) in needs.iter().enumerate() {
        if needs[..at].contains(need) {
            continue;
        }
        match *need {
            Need::WasmTarget => target::ensure(paths, steps)?,
            Need::Tool(tool) => tools::ensure(paths, steps, tool)?,
            Need::Npm(dir) => npm::ensure(paths, steps, dir)?,
            Need::Pip(dir) => pip::ensure(paths, steps, dir)?,
            Need::CCompiler | Need::Program { .. } | Need::Node => {}
        }
    }
    Ok(())
}
