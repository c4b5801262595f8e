//! The app's files: the page, the service worker, their WebAssembly, the manifest.
//!
//! Files are read once and kept with their compressed forms; a file that changed on disk is read anew. So a rebuilt app is
//! served at once, and WebAssembly is not compressed again for every tablet.

mod compress;
mod policy;

pub use policy::content_security_policy;

use axum::body::{Body, Bytes};
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderValue, Response, StatusCode};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use compress::Forms;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

/// A built app in a directory.
#[derive(Debug)]
pub struct App {
    root: PathBuf,
    files: RwLock<HashMap<String, Arc<File>>>,
}

#[derive(Debug)]
struct File {
    modified: SystemTime,
    len: u64,
    etag: HeaderValue,
    content_type: &'static str,
    cache_control: &'static str,
    forms: Forms,
    policy: HeaderValue,
}

impl App {
    /// An app in `root`. The directory may be filled later.
    pub fn new(root: PathBuf) -> Arc<Self> {
        Arc::new(Self { root, files: RwLock::default() })
    }

    /// Reads and compresses every file, so that the first tablet does not wait for it.
    pub fn warm(&self) {
        let mut folders = vec![PathBuf::new()];
        while let Some(folder) = folders.pop() {
            let Ok(entries) = std::fs::read_dir(self.root.join(&folder)) else { continue };
            for entry in entries.flatten() {
                let name = folder.join(entry.file_name());
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => folders.push(name),
                    Ok(kind) if kind.is_file() => {
                        if let Some(file) = name.to_str().and_then(|name| self.load(name)) {
                            file.forms.compress();
                        }
                    }
                    _ => {}
                }
            }
        }
    }

    /// Answers a GET for `path`. A path without an extension is a screen of the app, so it gets the page.
    pub fn get(self: &Arc<Self>, path: &str, request: &HeaderMap) -> Option<Response<Body>> {
        let name = path.trim_start_matches('/');
        let is_screen = !name.rsplit('/').next().unwrap_or_default().contains('.');
        let file = self.load(if is_screen { "index.html" } else { name })?;
        Some(answer(&file, request))
    }

    fn load(&self, name: &str) -> Option<Arc<File>> {
        let relative = Path::new(name);
        // Only plain names: no `..`, no root, no drive.
        if name.is_empty() || !relative.components().all(|c| matches!(c, Component::Normal(_))) {
            return None;
        }
        let path = self.root.join(relative);
        let meta = std::fs::metadata(&path).ok().filter(std::fs::Metadata::is_file)?;
        let modified = meta.modified().ok()?;
        let kept = self.files.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        if let Some(file) = kept.filter(|file| file.modified == modified && file.len == meta.len()) {
            return Some(file);
        }
        let bytes = Bytes::from(std::fs::read(&path).ok()?);
        let file = Arc::new(File {
            modified,
            len: meta.len(),
            etag: etag_of(&bytes),
            content_type: content_type(name),
            cache_control: cache_control(name),
            policy: policy::for_file(name, &bytes),
            forms: Forms::new(bytes, is_compressible(name)),
        });
        self.files.write().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), Arc::clone(&file));
        // A rebuilt file is served plain until its compressed forms are ready.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let file = Arc::clone(&file);
            runtime.spawn_blocking(move || file.forms.compress());
        }
        Some(file)
    }
}

fn answer(file: &Arc<File>, request: &HeaderMap) -> Response<Body> {
    let seen = request.get(IF_NONE_MATCH).is_some_and(|seen| seen == file.etag);
    let accepted = request.get(ACCEPT_ENCODING).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let (bytes, encoding) = if seen { (Bytes::new(), None) } else { file.forms.best(accepted) };
    let mut response = Response::new(Body::from(bytes));
    let headers = response.headers_mut();
    headers.insert(ETAG, file.etag.clone());
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(file.cache_control));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert("content-security-policy", file.policy.clone());
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(file.content_type));
    if let Some(encoding) = encoding {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    if seen {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    response
}

/// Weak, because one tag stands for the plain and the compressed forms.
fn etag_of(bytes: &[u8]) -> HeaderValue {
    let digest = Sha256::digest(bytes);
    let tag = format!("W/\"{}\"", BASE64_URL_SAFE_NO_PAD.encode(&digest[..16]));
    HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("W/\"\""))
}

fn extension(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, extension)| extension)
}

fn content_type(name: &str) -> &'static str {
    match extension(name) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "wasm" => "application/wasm",
        "css" => "text/css; charset=utf-8",
        "webmanifest" => "application/manifest+json",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

fn is_compressible(name: &str) -> bool {
    matches!(extension(name), "html" | "js" | "mjs" | "wasm" | "css" | "webmanifest" | "json" | "svg" | "txt")
}

/// A file whose name holds a hash of its content never changes. Everything else is asked for again, which an ETag makes cheap.
fn cache_control(name: &str) -> &'static str {
    let stem = name.rsplit('/').next().unwrap_or_default();
    let is_hash = |part: &str| part.len() >= 12 && part.bytes().all(|b| b.is_ascii_hexdigit());
    let hashed = stem.split(['-', '.', '_']).any(is_hash);
    if hashed { "public, max-age=31536000, immutable" } else { "no-cache" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app() -> (tempfile::TempDir, Arc<App>) {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("writes");
        write("index.html", "<script type=\"module\">boot()</script><p>till</p>");
        write("sw.js", "self");
        write("app-0123456789abcdef_bg.wasm", &"\0asm".repeat(500));
        std::fs::write(folder.path().parent().expect("a parent").join("outside.txt"), "secret").expect("writes");
        let app = App::new(folder.path().to_owned());
        (folder, app)
    }

    fn get(app: &Arc<App>, path: &str, headers: &[(&'static str, &str)]) -> Option<Response<Body>> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, HeaderValue::from_str(value).expect("a header"));
        }
        app.get(path, &map)
    }

    fn header(response: &Response<Body>, name: &str) -> String {
        response.headers().get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned()
    }

    #[test]
    fn screens_get_the_page_and_files_their_type() {
        let (_folder, app) = app();
        for (path, kind, cache) in [
            ("/", "text/html; charset=utf-8", "no-cache"),
            ("/history", "text/html; charset=utf-8", "no-cache"),
            ("/sw.js", "text/javascript; charset=utf-8", "no-cache"),
            ("/app-0123456789abcdef_bg.wasm", "application/wasm", "public, max-age=31536000, immutable"),
        ] {
            let response = get(&app, path, &[]).expect(path);
            assert_eq!(header(&response, "content-type"), kind, "{path}");
            assert_eq!(header(&response, "cache-control"), cache, "{path}");
        }
        assert!(get(&app, "/missing.js", &[]).is_none());
    }

    #[test]
    fn no_path_leaves_the_directory() {
        let (_folder, app) = app();
        for path in ["/../outside.txt", "/..%2foutside.txt", "//../outside.txt", "/./../outside.txt"] {
            assert!(get(&app, path, &[]).is_none(), "{path}");
        }
    }

    #[test]
    fn compressed_forms_are_served_to_those_who_take_them() {
        let (_folder, app) = app();
        app.warm();
        let path = "/app-0123456789abcdef_bg.wasm";
        for (accepted, encoding) in [("gzip, deflate, br", "br"), ("gzip", "gzip"), ("", ""), ("br;q=0", "")] {
            let response = get(&app, path, &[("accept-encoding", accepted)]).expect(path);
            assert_eq!(header(&response, "content-encoding"), encoding, "{accepted}");
        }
        let etag = header(&get(&app, path, &[]).expect(path), "etag");
        let again = get(&app, path, &[("if-none-match", &etag)]).expect(path);
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    }

    #[test]
    fn the_page_may_run_its_own_inline_script_and_no_other() {
        let (_folder, app) = app();
        let page = header(&get(&app, "/", &[]).expect("the page"), "content-security-policy");
        let hash = base64::prelude::BASE64_STANDARD.encode(Sha256::digest("boot()"));
        assert!(page.contains(&format!("script-src 'self' 'wasm-unsafe-eval' 'sha256-{hash}';")), "{page}");
        let worker = header(&get(&app, "/sw.js", &[]).expect("the worker"), "content-security-policy");
        assert_eq!(worker, content_security_policy(&[]));
        for policy in [page, worker] {
            assert!(policy.contains("; require-trusted-types-for 'script'; trusted-types holdfast"), "{policy}");
        }
    }
}
