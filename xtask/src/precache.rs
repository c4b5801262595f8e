//! `cargo xtask precache`, trunk's post_build hook. Only after the build are the hashed names known, so here sw.js learns what
//! it must keep for a cold start without a network, and the module that trunk writes into the page becomes a file of its own.
//! A classic inline script (www/load.js) stays; the server's policy names it by its hash.

use std::env;
use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::json;

use crate::args::Args;
use crate::failure::{Doing, Failure, Outcome};
use crate::paths::Paths;

/// What stands in sw.js for the manifest `{"version":"…","files":["/", …]}`.
const TOKEN: &str = "__HOLDFAST_PRECACHE__";
const WORKER: &str = "sw.js";
const PAGE: &str = "index.html";
/// Not kept: of no use to a till without a network.
const LEFT_OUT: &[&str] = &["map", "br", "gz", "d.ts"];

pub fn precache(_paths: &Paths, args: Args) -> Outcome<ExitCode> {
    let given = args.parts()?.first().map(PathBuf::from);
    let staging = given.or_else(|| env::var_os("TRUNK_STAGING_DIR").map(PathBuf::from));
    let staging = staging.ok_or("precache is trunk's post_build hook: TRUNK_STAGING_DIR is not set")?;
    let count = prepare(&staging)?;
    println!("precache: {count} files for a cold start");
    Ok(ExitCode::SUCCESS)
}

/// Returns how many files the manifest names.
fn prepare(staging: &Path) -> Outcome<usize> {
    let page = staging.join(PAGE);
    let html = fs::read_to_string(&page).doing(page.display())?;
    let (html, scripts) = move_scripts_out(&html)?;
    for (name, body) in &scripts {
        fs::write(staging.join(name), body).doing(name)?;
    }
    fs::write(&page, html).doing(page.display())?;

    let worker = staging.join(WORKER);
    let source = fs::read_to_string(&worker).doing(worker.display())?;
    if !source.contains(TOKEN) {
        return Err(format!("{WORKER} does not contain {TOKEN}, so there is no place for the manifest").into());
    }
    let mut files = Vec::new();
    list(staging, staging, &mut files)?;
    files.sort();
    let version = version(staging, &files, &source)?;
    let names = files.iter().map(|name| if name == PAGE { "/".to_owned() } else { format!("/{name}") });
    let manifest = json!({ "version": version, "files": names.collect::<Vec<_>>() });
    fs::write(&worker, source.replace(TOKEN, &manifest.to_string())).doing(worker.display())?;
    Ok(files.len())
}

/// Paths from the staging directory on, with `/` between the parts.
fn list(staging: &Path, dir: &Path, files: &mut Vec<String>) -> Outcome {
    for entry in fs::read_dir(dir).doing(dir.display())? {
        let path = entry.doing(dir.display())?.path();
        if path.is_dir() {
            list(staging, &path, files)?;
            continue;
        }
        let name = path.strip_prefix(staging).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        let is_hidden = name.split('/').any(|part| part.starts_with('.'));
        let is_left_out = LEFT_OUT.iter().any(|ending| name.ends_with(&format!(".{ending}")));
        if name != WORKER && !is_hidden && !is_left_out {
            files.push(name);
        }
    }
    Ok(())
}

/// Changes when any file changes, sw.js included: browsers install a worker anew only when its bytes differ.
fn version(staging: &Path, files: &[String], worker: &str) -> Outcome<String> {
    let mut all = worker.as_bytes().to_vec();
    for name in files {
        all.extend(name.as_bytes());
        all.extend(fs::read(staging.join(name)).doing(name)?);
    }
    Ok(hash(&all))
}

fn hash(bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    format!("{:016x}", hasher.finish())
}

/// The page without inline modules, and the files that they became.
fn move_scripts_out(html: &str) -> Outcome<(String, Vec<(String, String)>)> {
    let (mut page, mut scripts, mut rest) = (String::new(), Vec::new(), html);
    while let Some(at) = rest.find("<script") {
        let (before, from) = rest.split_at(at);
        let body = from.find('>').ok_or("a <script> in index.html has no end")? + 1;
        let end = from.find("</script>").ok_or("a <script> in index.html is not closed")?;
        let close = end + "</script>".len();
        let (open, code) = (&from[..body], &from[body..end]);
        page += before;
        let is_module = open.contains("module");
        if code.trim().is_empty() || (!is_module && !open.contains(" src=")) {
            page += &from[..close];
        } else if open.contains(" src=") {
            return Err(Failure::from(format!("a script in index.html has both a src and a body: {open}")));
        } else {
            let name = format!("start-{}.js", hash(code.as_bytes()));
            page += &format!("<script type=\"module\" src=\"/{name}\"></script>");
            scripts.push((name, format!("{}\n", code.trim())));
        }
        rest = &from[close..];
    }
    Ok((page + rest, scripts))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HTML: &str = "<!doctype html><head><link rel=\"modulepreload\" href=\"/app-1.js\">\
        <script type=\"module\" nonce=\"x\">\nimport init from '/app-1.js';\nawait init('/app-1.wasm');\n</script></head><body></body>";

    #[test]
    fn the_inline_script_becomes_a_file_named_by_its_content() {
        let (page, scripts) = move_scripts_out(HTML).unwrap();
        let [(name, body)] = scripts.as_slice() else { panic!("one script, not {scripts:?}") };
        assert_eq!(body, "import init from '/app-1.js';\nawait init('/app-1.wasm');\n");
        assert!(page.contains(&format!("<script type=\"module\" src=\"/{name}\"></script></head>")), "{page}");
        assert!(!page.contains("await") && !page.contains("nonce"));
        let (other, _) = move_scripts_out(&HTML.replace("app-1", "app-2")).unwrap();
        assert!(!other.contains(name));
        let untouched = "<script src=\"/a.js\"></script>";
        assert_eq!(move_scripts_out(untouched).unwrap(), (untouched.to_owned(), Vec::new()));
        assert!(move_scripts_out("<script>open").is_err());
        let kept = "<script>watch()</script>";
        assert_eq!(move_scripts_out(kept).unwrap(), (kept.to_owned(), Vec::new()));
    }

    #[test]
    fn the_worker_learns_every_file_but_itself_and_a_version() {
        let dir = env::temp_dir().join(format!("holdfast-xtask-precache-{}", std::process::id()));
        let fill = |wasm: &str| {
            let _ = fs::remove_dir_all(&dir);
            fs::create_dir_all(dir.join("icons")).unwrap();
            for (name, text) in
                [("index.html", HTML), ("app-1.wasm", wasm), ("app-1.js.map", "{}"), ("icons/a.svg", "<svg/>")]
            {
                fs::write(dir.join(name), text).unwrap();
            }
            fs::write(dir.join("sw.js"), "const PRECACHE = __HOLDFAST_PRECACHE__;\n").unwrap();
            let count = prepare(&dir).unwrap();
            let worker = fs::read_to_string(dir.join("sw.js")).unwrap();
            let json = worker.strip_prefix("const PRECACHE = ").unwrap().trim_end().trim_end_matches(';');
            (count, serde_json::from_str::<serde_json::Value>(json).unwrap())
        };
        let (count, first) = fill("one");
        let (_, again) = fill("one");
        let (_, other) = fill("other");
        fs::remove_dir_all(&dir).unwrap();
        assert_eq!(first, again);
        assert_ne!(first["version"], other["version"]);
        let names = first["files"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect::<Vec<_>>();
        assert_eq!(count, names.len());
        assert_eq!(names[..3], ["/app-1.wasm", "/icons/a.svg", "/"]);
        assert!(names[3].starts_with("/start-"), "{names:?}");
    }

    #[test]
    fn a_worker_without_a_place_for_the_manifest_is_refused() {
        let dir = env::temp_dir().join(format!("holdfast-xtask-precache-none-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("index.html"), HTML).unwrap();
        fs::write(dir.join("sw.js"), "self.addEventListener('fetch', () => {});").unwrap();
        assert!(prepare(&dir).is_err());
        fs::remove_dir_all(&dir).unwrap();
    }
}
