//! Documents: links that lead somewhere, and nothing that only makes sense on one machine.

use super::Violation;
use super::tree::Tree;

pub fn links(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for (name, text) in tree.ending(&[".md"]) {
        for (line, target) in targets(text) {
            let (path, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let file = if path.is_empty() { name.to_owned() } else { resolve(name, path) };
            let is_there = file.is_empty()
                || tree.names.iter().any(|known| *known == file || known.starts_with(&format!("{file}/")));
            if !is_there {
                found.push(format!("{name}:{line} links to {target}, which does not exist"));
            } else if file.ends_with(".md") && !anchor.is_empty() {
                let text = tree.files.get(&file).map_or("", String::as_str);
                if !headings(text).any(|heading| heading == anchor) {
                    found.push(format!("{name}:{line} links to {target}, but there is no such heading"));
                }
            }
        }
    }
    found
}

/// Lines outside code blocks, numbered from 1.
fn prose_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_code = false;
    text.lines().enumerate().filter_map(move |(at, line)| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        (!is_code && !is_fence).then_some((at + 1, line))
    })
}

/// `[text](target)` and `![text](target)` that stay inside the project.
fn targets(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, line) in prose_lines(text) {
        for rest in line.split("](").skip(1) {
            let target = rest.split([')', ' ']).next().unwrap_or_default();
            let is_outside = ["http://", "https://", "mailto:"].iter().any(|scheme| target.starts_with(scheme));
            if !is_outside && !target.is_empty() {
                found.push((at, target.to_owned()));
            }
        }
    }
    found
}

/// A path relative to the file that names it, from the root of the checkout.
fn resolve(from: &str, path: &str) -> String {
    let mut parts = from.split('/').collect::<Vec<_>>();
    parts.pop();
    if path.starts_with('/') {
        parts.clear();
    }
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Headings as the anchors that a forge makes of them.
fn headings(text: &str) -> impl Iterator<Item = String> {
    prose_lines(text).filter(|(_, line)| line.starts_with('#')).map(|(_, line)| {
        let title = line.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    })
}

/// Lock files are judged by the check of their own; this file must be able to name what it looks for.
const NOT_JUDGED: &[&str] = &["Cargo.lock", "package-lock.json", "xtask/src/tidy/prose.rs", "xtask/src/tidy/lock.rs"];

pub fn machine(tree: &Tree) -> Vec<Violation> {
    let paths = ["/root/", "/home/", "/Users/", "/work/", "C:\\Users"];
    let hosts = ["index.crates.io", "registry.npmjs.org", "static.crates.io", "_authToken", "replace-with"];
    let mut found = Vec::new();
    for (name, text) in tree.files.iter().filter(|(name, _)| !NOT_JUDGED.iter().any(|file| name.ends_with(file))) {
        for (at, line) in text.lines().enumerate() {
            // `${dir}/work/` and `tests/work/` are no absolute paths.
            let is_absolute = |path: &str| {
                line.match_indices(path)
                    .any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-}~)*".contains(c)))
            };
            found.extend(
                paths
                    .iter()
                    .filter(|path| is_absolute(path))
                    .map(|path| format!("{name}:{} has a path of one machine: {path}", at + 1)),
            );
            found.extend(
                hosts
                    .iter()
                    .filter(|host| line.contains(**host))
                    .map(|host| format!("{name}:{} names a registry: {host}", at + 1)),
            );
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_to_nowhere_is_found() {
        let tree =
            |text: &str| Tree::of(&[("docs/a.md", text), ("docs/b.md", "# The B side\n"), ("README.md", "# Top\n")]);
        let count = |text: &str| links(&tree(text)).len();
        assert_eq!(count("[b](b.md) [top](../README.md#top) [all](../docs) [out](https://example.invalid/x)"), 0);
        assert_eq!(count("[b](b.md#the-b-side) [here](#mine)\n## Mine"), 0);
        assert_eq!(count("[c](c.md)"), 1);
        assert_eq!(count("![picture](../pictures/till.png)"), 1);
        assert_eq!(count("[b](b.md#the-a-side)"), 1);
        assert_eq!(count("```\n[c](c.md)\n```"), 0);
    }

    #[test]
    fn a_path_of_one_machine_is_found() {
        let count = |text: &str| machine(&Tree::of(&[("docs/a.md", text)])).len();
        assert_eq!(count("see /home/jane/holdfast"), 1);
        assert_eq!(count("`/root/.cache`"), 1);
        assert_eq!(count("in .holdfast/test/work/outage and ${dir}/work/x and ~/.cache/holdfast"), 0);
        assert_eq!(count("https://registry.npmjs.org/x"), 1);
    }
}
