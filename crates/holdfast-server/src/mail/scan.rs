//! What a template may not say at all, found before it is compiled.
//!
//! The engine counts steps, but one step can make a text that is ten times as long: by multiplication, or by assigning a text to itself
//! twice, again and again. Neither is needed to write a letter, so neither is let in.

const BLOCKS: [&str; 6] = ["if", "elif", "else", "endif", "for", "endfor"];

/// What was found, and where.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    pub line: usize,
    pub detail: String,
}

/// Reads the tags as the engine does: quotes hide what stands in them, comments are passed over.
pub fn scan(source: &str) -> Result<(), Found> {
    let mut at = 0;
    while let Some(open) = source[at..].find('{').map(|found| at + found) {
        at = match source.as_bytes().get(open + 1) {
            Some(b'#') => source[open + 2..].find("#}").map_or(source.len(), |end| open + 2 + end + 2),
            Some(b'{') => tag(source, open, b"}}")?,
            Some(b'%') => {
                let word = block_word(&source[open + 2..]);
                if !BLOCKS.contains(&word) {
                    let detail = format!("'{word}' is not for templates of letters: only if and for are");
                    return Err(Found { line: line_of(source, open), detail });
                }
                tag(source, open, b"%}")?
            }
            _ => open + 1,
        };
    }
    Ok(())
}

fn block_word(rest: &str) -> &str {
    let rest = rest.trim_start_matches(['-', '+']).trim_start();
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    &rest[..end]
}

/// Goes to the end of the tag that opens here.
fn tag(source: &str, open: usize, close: &[u8; 2]) -> Result<usize, Found> {
    let bytes = source.as_bytes();
    let (mut at, mut quote) = (open + 2, None);
    while at < bytes.len() {
        let byte = bytes[at];
        match quote {
            Some(_) if byte == b'\\' => at += 1,
            Some(open_quote) if byte == open_quote => quote = None,
            Some(_) => {}
            None if matches!(byte, b'"' | b'\'') => quote = Some(byte),
            None if byte == b'*' => {
                return Err(Found { line: line_of(source, at), detail: "there is no multiplication here".to_owned() });
            }
            None if bytes[at..].starts_with(close) => return Ok(at + 2),
            None => {}
        }
        at += 1;
    }
    // The engine says what is wrong with a tag that never ends.
    Ok(source.len())
}

fn line_of(source: &str, at: usize) -> usize {
    source.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_grows_is_refused_wherever_it_hides() {
        for (source, line) in [
            ("{% set x = 1 %}", 1),
            ("a\n{%- set x = x ~ x -%}", 2),
            ("{%\n  set x = 1 %}", 1),
            ("\n\n{{ 'x' * 100 }}", 3),
            ("{{ '}}' * 100 }}", 1),
            ("{{ \"\\\"}}\" * 100 }}", 1),
            ("{% for a in 'x' * 9 %}", 1),
            ("{% include 'x' %}", 1),
            ("{% macro m() %}", 1),
            ("{% raw %}", 1),
            ("{% filter upper %}", 1),
            ("{% with a = 1 %}", 1),
            ("{# c #}{{ 2 ** 9 }}", 1),
            ("{# {{ #}{% do x %}", 1),
        ] {
            assert_eq!(scan(source).map_err(|found| found.line), Err(line), "{source}");
        }
        for source in
            ["", "a * b { } {* *}", "{{ '*' }}", "{# {{ 2 * 2 }} #}", "{%- if a %}*{% endif -%}", "{{ a", "{% if", "{"]
        {
            assert_ne!(
                scan(source).map_err(|found| found.detail),
                Err("there is no multiplication here".to_owned()),
                "{source}"
            );
        }
    }
}
