//! The three engines that the wasm tests run in, and how wasm-pack is told about each.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use super::Setting;
use super::count::Count;
use super::parts::Run;
use crate::failure::{Doing, Failure, Outcome};
use crate::run;

const CRATE: &str = "tests/browser";

pub fn runs(setting: &Setting<'_>) -> Outcome<Vec<Run>> {
    let pack = |engine: &str, capabilities: Value, wrapper: &[&str], driver: &str, kind: [&str; 2]| -> Outcome<Run> {
        let file = super::work_dir(setting.paths, "wasm").join(format!("{engine}.webdriver.json"));
        fs::write(&file, capabilities.to_string()).doing(file.display())?;
        let driver = program(setting, driver)?;
        let mut words = wrapper.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        words.extend(["wasm-pack", "test", "--headless", kind[0], kind[1]].map(str::to_owned));
        words.push(driver.display().to_string());
        words.extend(["--mode", "no-install", CRATE].map(str::to_owned));
        let mut command: Command = run::command(setting.paths, &words[0]);
        command
            .args(&words[1..])
            .env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", &file)
            .env("WASM_BINDGEN_TEST_TIMEOUT", "200");
        Ok(Run { name: engine.to_owned(), command, count: Count::EngineResults })
    };
    let firefox = program(setting, "firefox-esr").or_else(|_| program(setting, "firefox"))?;
    Ok(vec![
        pack("chromium", json!({}), &[], "chromedriver", ["--chrome", "--chromedriver"])?,
        pack(
            "firefox",
            json!({"moz:firefoxOptions": {"binary": firefox}}),
            &[],
            "geckodriver",
            ["--firefox", "--geckodriver"],
        )?,
        pack(
            "webkit",
            json!({}),
            &["xvfb-run", "--auto-servernum"],
            "WebKitWebDriver",
            ["--safari", "--safaridriver"],
        )?,
    ])
}

fn program(setting: &Setting<'_>, name: &str) -> Outcome<PathBuf> {
    setting.paths.program(name).ok_or_else(|| Failure::from(format!("{name} is not installed")))
}
