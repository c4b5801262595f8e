//! Several servers on one PostgreSQL behind a balancer, tills that sell, and what must hold when it is over.

pub mod balancer;
pub mod house;
pub mod judge;
pub mod load;
pub mod offer;

use std::path::PathBuf;

/// Under `HOLDFAST_WORK` when it is set, where it is kept; else somewhere temporary.
pub fn work_dir(prefix: &str) -> (Option<tempfile::TempDir>, PathBuf) {
    match std::env::var_os("HOLDFAST_WORK") {
        Some(work) => {
            std::fs::create_dir_all(&work).expect("the work directory");
            let dir = tempfile::Builder::new().prefix(prefix).tempdir_in(work).expect("a directory");
            (None, dir.keep())
        }
        None => {
            let dir = tempfile::tempdir().expect("a directory");
            let path = dir.path().to_owned();
            (Some(dir), path)
        }
    }
}
