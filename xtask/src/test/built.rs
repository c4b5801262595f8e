//! The server and the till that the parts share: built once, with a root key that is kept between checkouts.

use std::path::PathBuf;
use std::process::Command;

use crate::build;
use crate::failure::Outcome;
use crate::paths::Paths;
use crate::setup;
use crate::steps::Steps;

pub struct Built {
    server: PathBuf,
    keys: PathBuf,
    dist: PathBuf,
}

impl Built {
    /// `quiet_setup`: the caller has seen to the tools already.
    pub fn make(paths: &Paths, steps: &Steps, quiet_setup: bool) -> Outcome<Self> {
        if !quiet_setup {
            setup::ensure(paths, steps, build::SERVER_NEEDS)?;
            setup::ensure(paths, steps, build::APP_NEEDS)?;
        }
        let home = paths.state.join("test");
        let server = build::server(paths, steps, &home.join("bin"))?;
        let keys = paths.cache.join("test-root");
        let public = build::root_key(paths, steps, &server, &keys)?;
        let dist = home.join("dist");
        build::app(paths, steps, &public, &dist)?;
        Ok(Self { server, keys, dist })
    }

    /// Puts into the environment what a script must know to start the server with the till.
    pub fn tell(&self, paths: &Paths, command: &mut Command, part: &str) {
        command
            .env("HOLDFAST_SERVER_BIN", &self.server)
            .env("HOLDFAST_DIST", &self.dist)
            .env("HOLDFAST_ROOT_DIR", &self.keys);
        command.env("HOLDFAST_TOOLS", paths.tools_bin()).env("HOLDFAST_WORK", paths.state.join("test/work").join(part));
    }
}
