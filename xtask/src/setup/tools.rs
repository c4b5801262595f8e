//! Build tools from Rust's registry, compiled once into our own cache. They are most of what a newcomer waits for, so they
//! are built to be finished soon rather than to run fast, and a version that is on the PATH already is taken as it is.

use std::fs;

use crate::failure::Outcome;
use crate::metadata;
use crate::paths::Paths;
use crate::run::{self, Watch};
use crate::steps::Steps;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tool {
    Trunk,
    /// Must equal the locked wasm-bindgen.
    WasmBindgen,
    /// Of the same package and version; only tests run it.
    WasmTestRunner,
    WasmPack,
    Geckodriver,
}

/// How a tool is built.
struct Recipe {
    package: &'static str,
    programs: &'static [&'static str],
    version: Option<String>,
    arguments: &'static [&'static str],
    why: &'static str,
}

fn recipe(paths: &Paths, tool: Tool) -> Outcome<Recipe> {
    Ok(match tool {
        Tool::Trunk => Recipe {
            package: "trunk",
            programs: &["trunk"],
            // 0.22 asks for a newer compiler than the one that this workspace is built with.
            version: Some("0.21.14".into()),
            arguments: &["--locked", "--no-default-features"],
            why: "builds the till from index.html",
        },
        Tool::WasmBindgen => wasm_bindgen(
            paths,
            &["wasm-bindgen"],
            &["--no-default-features", "--bin", "wasm-bindgen"],
            "joins WebAssembly and JavaScript, in exactly the version of Cargo.lock",
        )?,
        Tool::WasmTestRunner => wasm_bindgen(
            paths,
            &["wasm-bindgen-test-runner"],
            &["--no-default-features", "--bin", "wasm-bindgen-test-runner"],
            "runs WebAssembly tests in a browser",
        )?,
        Tool::WasmPack => Recipe {
            package: "wasm-pack",
            programs: &["wasm-pack"],
            version: None,
            arguments: &[],
            why: "runs the tests that need a browser",
        },
        Tool::Geckodriver => Recipe {
            package: "geckodriver",
            programs: &["geckodriver"],
            version: None,
            arguments: &[],
            why: "drives Firefox",
        },
    })
}

/// Not `--locked`: the lock file it was published with names a crate version that cannot be had. Without default features it
/// cannot speak TLS, which it needs for nothing here and which is half of what there is to compile.
fn wasm_bindgen(
    paths: &Paths,
    programs: &'static [&'static str],
    arguments: &'static [&'static str],
    why: &'static str,
) -> Outcome<Recipe> {
    let version = metadata::locked_version(&paths.repo, "wasm-bindgen")?;
    Ok(Recipe { package: "wasm-bindgen-cli", programs, version: Some(version), arguments, why })
}

pub fn ensure(paths: &Paths, steps: &Steps, tool: Tool) -> Outcome {
    let recipe = recipe(paths, tool)?;
    if is_installed(paths, &recipe) {
        return Ok(());
    }
    steps.run(recipe.programs[0], recipe.why, || install(paths, &recipe))
}

fn is_installed(paths: &Paths, recipe: &Recipe) -> bool {
    let ours = fs::read_to_string(paths.tools().join(".crates.toml")).unwrap_or_default();
    let is_ours = recipe.programs.iter().all(|program| paths.tools_bin().join(program).is_file());
    if is_ours && lists(&ours, recipe.package, recipe.version.as_deref()) {
        return true;
    }
    recipe.programs.iter().all(|program| {
        paths.program(program).is_some_and(|file| {
            let said = run::output(run::command(paths, file).arg("--version")).unwrap_or_default();
            recipe
                .version
                .as_deref()
                .map_or(!said.is_empty(), |version| said.split_whitespace().any(|word| word == version))
        })
    })
}

/// Whether cargo's own list of what it installed names the package, in that version if one is asked for.
fn lists(crates_toml: &str, package: &str, version: Option<&str>) -> bool {
    let start = version.map_or_else(|| format!("\"{package} "), |version| format!("\"{package} {version} "));
    crates_toml.lines().any(|line| line.starts_with(&start))
}

fn install(paths: &Paths, recipe: &Recipe) -> Outcome {
    let mut command = run::command(paths, "cargo");
    command.arg("install").arg("--root").arg(paths.tools()).arg(recipe.package);
    if let Some(version) = &recipe.version {
        command.args(["--version", version]);
    }
    command.args(recipe.arguments);
    command.env("CARGO_TARGET_DIR", paths.tools().join("target")).current_dir("/");
    // Unoptimised, wasm-bindgen takes 0.2 s instead of 0.1 s for the till, and half the time to compile.
    for (name, value) in [("OPT_LEVEL", "0"), ("LTO", "off"), ("CODEGEN_UNITS", "16"), ("DEBUG", "0")] {
        command.env(format!("CARGO_PROFILE_RELEASE_{name}"), value);
    }
    run::succeed(&Watch::new(paths, recipe.programs[0]), &mut command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_counts_as_installed_only_in_its_version() {
        let list = "[v1]\n\"trunk 0.21.14 (registry+https://example.invalid)\" = [\"trunk\"]\n\"wasm-pack 0.15.1 (registry)\" = [\"wasm-pack\"]\n";
        assert!(lists(list, "trunk", Some("0.21.14")));
        assert!(!lists(list, "trunk", Some("0.21.1")));
        assert!(!lists(list, "trunk", Some("0.22.0")));
        assert!(lists(list, "wasm-pack", None));
        assert!(!lists(list, "wasm", None));
    }
}
