//! The wasm32 target of the compiler that builds everything else.

use std::path::Path;

use crate::failure::{Failure, Outcome};
use crate::paths::Paths;
use crate::run::{self, Watch};
use crate::steps::Steps;

pub const WASM: &str = "wasm32-unknown-unknown";

pub fn ensure(paths: &Paths, steps: &Steps) -> Outcome {
    let sysroot = run::output(run::command(paths, "rustc").args(["--print", "sysroot"]))
        .ok_or("rustc does not run; see rustup.rs")?;
    if Path::new(sysroot.trim()).join("lib/rustlib").join(WASM).join("lib").is_dir() {
        return Ok(());
    }
    if paths.program("rustup").is_none() {
        return Err(Failure::from(format!(
            "the Rust compiler has no {WASM} target and there is no rustup to add it; install that target"
        )));
    }
    steps.run("wasm target", "the till is compiled to WebAssembly", || {
        run::succeed(&Watch::new(paths, "wasm target"), run::command(paths, "rustup").args(["target", "add", WASM]))
    })
}
