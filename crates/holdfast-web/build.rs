//! Compiles the roots' public halves in: `HOLDFAST_ROOT_KEYS` names a JSON file (docs/protocol.md section 1).

use std::path::Path;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-env-changed=HOLDFAST_ROOT_KEYS");
    let roots = match env::var("HOLDFAST_ROOT_KEYS") {
        Ok(path) => {
            println!("cargo::rerun-if-changed={path}");
            match fs::read_to_string(&path) {
                Ok(roots) => roots,
                Err(error) => return println!("cargo::error=HOLDFAST_ROOT_KEYS names {path}: {error}"),
            }
        }
        // For tests and a first look: such an app trusts no server.
        Err(_) => r#"{"roots":[]}"#.to_owned(),
    };
    let to = Path::new(&env::var("OUT_DIR").unwrap_or_default()).join("roots.json");
    if let Err(error) = fs::write(&to, roots) {
        println!("cargo::error={}: {error}", to.display());
    }
}
