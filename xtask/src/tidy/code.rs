//! Rust and JavaScript as far as the checks need them: comments and the contents of strings are blanked, so that a word in
//! either is not taken for code. Every other character stays in its place, and line numbers stay right.

/// Rust without comments, string contents and items under `#[cfg(test)]`.
pub fn production(text: &str) -> String {
    without_tests(&rust(text))
}

/// Rust without comments and string contents.
pub fn rust(text: &str) -> String {
    Scanner { text: text.as_bytes(), at: 0, out: Vec::with_capacity(text.len()), is_rust: true }.run()
}

/// JavaScript without comments and string contents. Regular expressions are not known; sw.js needs none.
pub fn javascript(text: &str) -> String {
    Scanner { text: text.as_bytes(), at: 0, out: Vec::with_capacity(text.len()), is_rust: false }.run()
}

/// Line numbers, from 1, of the lines that contain `what` as a word of its own.
pub fn lines_with(code: &str, what: &str) -> Vec<usize> {
    code.lines().enumerate().filter(|(_, line)| names(line, what)).map(|(at, _)| at + 1).collect()
}

/// Whether the line has `what` with no letter, digit or `_` directly before it, or after it if it ends in one itself.
fn names(line: &str, what: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(what).any(|(at, _)| {
        let starts_a_word = what.starts_with(is_word) && line[..at].ends_with(is_word);
        let ends_a_word = what.ends_with(is_word) && line[at + what.len()..].starts_with(is_word);
        !starts_a_word && !ends_a_word
    })
}

struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
    out: Vec<u8>,
    is_rust: bool,
}

impl Scanner<'_> {
    fn run(mut self) -> String {
        while let Some(&byte) = self.text.get(self.at) {
            match byte {
                b'/' if self.follows(b"//") => self.blank_while(|rest| !rest.starts_with(b"\n")),
                b'/' if self.follows(b"/*") => self.block_comment(),
                b'r' if self.is_rust && self.raw_string_hashes().is_some() => self.raw_string(),
                b'"' => self.string(b'"'),
                b'\'' if !self.is_rust => self.string(b'\''),
                b'`' if !self.is_rust => self.string(b'`'),
                b'\'' => self.char_or_lifetime(),
                _ => self.keep(1),
            }
        }
        String::from_utf8_lossy(&self.out).into_owned()
    }

    fn rest(&self) -> &[u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn follows(&self, what: &[u8]) -> bool {
        self.rest().starts_with(what)
    }

    fn keep(&mut self, count: usize) {
        let end = (self.at + count).min(self.text.len());
        self.out.extend_from_slice(&self.text[self.at..end]);
        self.at = end;
    }

    /// Line breaks stay, everything else becomes a space.
    fn blank(&mut self, count: usize) {
        let end = (self.at + count).min(self.text.len());
        self.out.extend(self.text[self.at..end].iter().map(|byte| if *byte == b'\n' { b'\n' } else { b' ' }));
        self.at = end;
    }

    fn blank_while(&mut self, go_on: impl Fn(&[u8]) -> bool) {
        while !self.rest().is_empty() && go_on(self.rest()) {
            self.blank(1);
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0_usize;
        loop {
            if self.follows(b"/*") {
                depth += if self.is_rust || depth == 0 { 1 } else { 0 };
                self.blank(2);
            } else if self.follows(b"*/") {
                depth -= 1;
                self.blank(2);
            } else {
                self.blank(1);
            }
            if depth == 0 || self.rest().is_empty() {
                return;
            }
        }
    }

    fn string(&mut self, quote: u8) {
        self.keep(1);
        while let Some(&byte) = self.text.get(self.at) {
            if byte == quote {
                return self.keep(1);
            }
            self.blank(if byte == b'\\' { 2 } else { 1 });
        }
    }

    /// `r"`, `r#"` and so on, when the `r` does not end a longer word.
    fn raw_string_hashes(&self) -> Option<usize> {
        let before = self.at.checked_sub(1).map_or(b' ', |at| self.text[at]);
        let before = if before == b'b' { self.at.checked_sub(2).map_or(b' ', |at| self.text[at]) } else { before };
        let hashes = self.rest()[1..].iter().take_while(|byte| **byte == b'#').count();
        let is_string = self.rest().get(1 + hashes) == Some(&b'"');
        (is_string && !before.is_ascii_alphanumeric() && before != b'_').then_some(hashes)
    }

    fn raw_string(&mut self) {
        let hashes = self.raw_string_hashes().unwrap_or(0);
        let end = [b"\"".as_slice(), &b"#".repeat(hashes)].concat();
        self.keep(hashes + 2);
        self.blank_while(|rest| !rest.starts_with(&end));
        self.keep(end.len());
    }

    /// `'x'` and `'\n'` are characters, `'a` is a lifetime.
    fn char_or_lifetime(&mut self) {
        let rest = self.rest();
        let width = match rest.get(1) {
            Some(b'\\') => rest.iter().skip(3).position(|byte| *byte == b'\'').map(|at| at + 2),
            Some(lead) => {
                let bytes = lead.leading_ones().max(1) as usize;
                (rest.get(1 + bytes) == Some(&b'\'')).then_some(bytes)
            }
            None => None,
        };
        self.keep(1);
        if let Some(width) = width {
            self.blank(width);
            self.keep(1);
        }
    }
}

/// Blanks every item that stands under `#[cfg(test)]`.
fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = rest.find(MARK) {
        out += &rest[..at];
        let end = at + MARK.len() + item_len(&rest[at + MARK.len()..]);
        out.extend(rest[at..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        rest = &rest[end..];
    }
    out + rest
}

/// To the `;` or the closing `}` of the item, whichever comes first outside other brackets.
fn item_len(code: &str) -> usize {
    let mut depth = 0_i32;
    for (at, c) in code.char_indices() {
        match c {
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => depth -= 1,
            _ => {}
        }
        if depth == 0 && matches!(c, ';' | '}') {
            return at + 1;
        }
    }
    code.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_are_blanked_and_lines_kept() {
        let text = "let a = \"x.unwrap()\"; // b.unwrap()\n/* c.unwrap() /* d */ e.unwrap() */ let s = r#\"f.unwrap() \" g\"#;\nlet c = '\"'; h.unwrap();";
        let code = rust(text);
        assert_eq!(code.len(), text.len());
        assert_eq!(lines_with(&code, ".unwrap()"), [3]);
    }

    #[test]
    fn lifetimes_are_not_the_start_of_a_character() {
        let code = rust("fn a<'a>(x: &'a str) { y.unwrap(); let q = '\\''; let u = 'ü'; z.expect(\"no\") }");
        assert!(code.contains("y.unwrap()") && code.contains("z.expect("), "{code}");
        assert!(!code.contains("no"));
    }

    #[test]
    fn tests_are_blanked_and_what_follows_them_is_not() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn t() { a.unwrap(); }\n}\nfn b() { c.unwrap() }\n#[cfg(test)]\nuse x::y;\nfn d() { e.unwrap() }\n";
        assert_eq!(lines_with(&production(text), ".unwrap()"), [7, 10]);
    }

    #[test]
    fn a_word_is_found_only_as_a_whole() {
        assert_eq!(lines_with("my_tokio::x\nuse tokio::fs;\nlet tokio_like = 1;", "tokio"), [2]);
        assert_eq!(lines_with("a.expect(b)\na.expect_err(b)", ".expect("), [1]);
    }
}
