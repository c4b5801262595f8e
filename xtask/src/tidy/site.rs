//! What is handed to the browser: the worker's shell and the page.

use super::Violation;
use super::code;
use super::tree::Tree;

const WORKER: &str = "service-worker/sw.js";
/// Without these the worker cannot start cold, take over or upload.
const LISTENERS: &[&str] = &["install", "activate", "fetch", "sync"];

/// A browser ignores a listener that is added after the script's first synchronous run.
pub fn worker(tree: &Tree) -> Vec<Violation> {
    let Some(text) = tree.files.get(WORKER) else {
        return vec![format!("{WORKER} does not exist")];
    };
    let mut found = Vec::new();
    let (code, mut depth, mut heard) = (code::javascript(text), 0_i32, Vec::new());
    for (at, c) in code.char_indices() {
        let rest = &code[at..];
        match c {
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => depth -= 1,
            _ => {}
        }
        let line = || code[..at].matches('\n').count() + 1;
        if let Some(arguments) = rest.strip_prefix("addEventListener(") {
            // The name itself is blanked in `code`, byte for byte.
            let name = text.get(text.len() - arguments.len()..).unwrap_or_default().trim_start();
            heard.push(name.split(['"', '\'']).nth(1).unwrap_or_default());
            if depth != 0 {
                found.push(format!("{WORKER}:{} registers a listener inside something else", line()));
            }
        }
        let is_word = !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.');
        if is_word && rest.starts_with("await ") && depth == 0 {
            found.push(format!("{WORKER}:{} awaits before the first run has ended", line()));
        }
        if is_word && (rest.starts_with("import(") || rest.starts_with("import ")) {
            found.push(format!("{WORKER}:{} imports; a service worker has only importScripts", line()));
        }
    }
    let missing = LISTENERS.iter().filter(|name| !heard.contains(name));
    found.extend(missing.map(|name| format!("{WORKER} registers no listener for \"{name}\"")));
    found
}

/// The policy that the server sends forbids these; found here, they are found before a browser is silent about them.
pub fn page(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    let site = |name: &str| name == "index.html" || name.starts_with("www/") || name == WORKER;
    let kinds = [".html", ".css", ".js", ".svg", ".webmanifest", ".json"];
    for (name, text) in tree.ending(&kinds).filter(|(name, _)| site(name)) {
        for (at, line) in text.lines().enumerate() {
            let mut say = |what: &str| found.push(format!("{name}:{} {what}", at + 1));
            if is_off_site(line) {
                say("has the address of another site");
            }
            if line.contains("javascript:") {
                say("has a javascript: address");
            }
            if name.ends_with(".html") && has_handler(line) {
                say("has an inline event handler");
            }
        }
        if name.ends_with(".html") && has_inline_script(text) {
            found.push(format!("{name} has an inline script"));
        }
    }
    if !tree.files.contains_key("index.html") {
        found.push("index.html does not exist".to_owned());
    }
    found
}

/// A namespace of XML looks like an address but is only a name.
fn is_off_site(line: &str) -> bool {
    let line = line.replace("http://www.w3.org/", "");
    line.contains("http://") || line.contains("https://") || line.contains("\"//") || line.contains("url(//")
}

fn has_handler(line: &str) -> bool {
    line.match_indices(" on").any(|(at, _)| {
        let name = line[at + 3..].chars().take_while(char::is_ascii_lowercase).count();
        name > 2 && line[at + 3 + name..].starts_with('=')
    })
}

fn has_inline_script(html: &str) -> bool {
    html.split("<script").skip(1).any(|from| {
        let (open, rest) = from.split_once('>').unwrap_or((from, ""));
        let body = rest.split("</script").next().unwrap_or_default();
        !open.contains("src=") || !body.trim().is_empty()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "self.addEventListener(\"install\", (e) => e.waitUntil((async () => { await fill(); })()));\n\
        self.addEventListener(\"activate\", on);\nself.addEventListener(\"fetch\", on);\nself.addEventListener(\"sync\", on);\n";

    fn worker_says(text: &str) -> Vec<Violation> {
        worker(&Tree::of(&[(WORKER, text)]))
    }

    #[test]
    fn a_listener_that_would_come_too_late_is_found() {
        assert_eq!(worker_says(GOOD), Vec::<String>::new());
        assert_eq!(
            worker_says(&format!("{GOOD}start().then(() => {{ self.addEventListener(\"push\", on); }});")).len(),
            1
        );
        assert_eq!(worker_says(&format!("await start();\n{GOOD}")).len(), 1);
        assert_eq!(worker_says(&format!("import(\"/a.js\");\n{GOOD}")).len(), 1);
        assert_eq!(worker_says(&GOOD.replace("\"sync\"", "\"other\"")).len(), 1);
        assert_eq!(worker_says("// self.addEventListener(\"install\")").len(), LISTENERS.len());
        assert_eq!(worker(&Tree::default()).len(), 1);
    }

    #[test]
    fn an_inline_script_or_another_site_is_found() {
        let says = |name: &str, text: &str| page(&Tree::of(&[("index.html", "<p>"), (name, text)])).len();
        assert_eq!(says("index.html", "<link data-trunk rel=\"rust\" /><script src=\"/a.js\"></script>"), 0);
        assert_eq!(says("index.html", "<script>\nalert(1)</script>"), 1);
        assert_eq!(says("index.html", "<body onload=\"go()\">"), 1);
        assert_eq!(says("index.html", "<link href=\"https://fonts.example/a.css\">"), 1);
        assert_eq!(says("www/styles/a.css", "@import url(//cdn.example/a.css);"), 1);
        assert_eq!(says("www/icons/a.svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"></svg>"), 0);
        assert_eq!(page(&Tree::default()).len(), 1);
    }
}
