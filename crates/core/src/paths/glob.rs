//! Globs as doublestar v4.9.2 reads them, compiled to regular expressions so that a match is linear in the path.
//!
//! `*` and `?` stay within a path segment; `**` that is a whole segment spans any number of them; `{a,b}` chooses; `\` quotes.

use regex::{Regex, RegexBuilder};
use std::iter::Peekable;
use std::str::Chars;

/// Compiles a glob; `None` if it is malformed.
pub(crate) fn compile(glob: &str) -> Option<Regex> {
    let mut out = String::from(r"\A");
    Compiler { rest: glob.chars().peekable(), out: &mut out }.sequence(0)?;
    out.push_str(r"\z");
    RegexBuilder::new(&out).dot_matches_new_line(true).size_limit(4 << 20).build().ok()
}

/// Braces may nest this deep.
const DEPTH_MAX: usize = 16;

struct Compiler<'a, 'o> {
    rest: Peekable<Chars<'a>>,
    out: &'o mut String,
}

impl Compiler<'_, '_> {
    /// A run of pattern, up to its end or (inside of braces) to the `,` or `}` that ends it.
    fn sequence(&mut self, depth: usize) -> Option<()> {
        let mut segment_start = true;
        while let Some(&c) = self.rest.peek() {
            if depth > 0 && matches!(c, ',' | '}') {
                return Some(());
            }
            self.rest.next();
            let at_start = std::mem::replace(&mut segment_start, c == '/');
            match c {
                '*' => segment_start = self.star(at_start, depth),
                '?' => self.out.push_str("[^/]"),
                '[' => self.class()?,
                '{' => self.choice(depth)?,
                '/' if self.rest_is("**", depth) => {
                    // A final `/**` also matches the folder itself.
                    self.rest.nth(1);
                    self.out.push_str("(?:/.*)?");
                }
                '\\' => {
                    let quoted = self.rest.next()?;
                    self.literal(quoted);
                }
                '}' => return None,
                _ => self.literal(c),
            }
        }
        (depth == 0).then_some(())
    }

    /// Whether exactly `text` is left of the pattern.
    fn rest_is(&self, text: &str, depth: usize) -> bool {
        depth == 0 && self.rest.clone().eq(text.chars())
    }

    /// Says whether a new segment begins after it.
    fn star(&mut self, at_start: bool, depth: usize) -> bool {
        if self.rest.next_if_eq(&'*').is_none() {
            self.out.push_str("[^/]*");
            return false;
        }
        match self.rest.peek() {
            None if at_start => self.out.push_str(".*"),
            Some(',' | '}') if at_start && depth > 0 => self.out.push_str(".*"),
            Some('/') if at_start => {
                self.rest.next();
                self.out.push_str("(?:[^/]*/)*");
                return true;
            }
            _ => self.out.push_str("[^/]*"),
        }
        false
    }

    fn choice(&mut self, depth: usize) -> Option<()> {
        if depth >= DEPTH_MAX {
            return None;
        }
        self.out.push_str("(?:");
        loop {
            self.sequence(depth + 1)?;
            match self.rest.next()? {
                ',' => self.out.push('|'),
                _ => break,
            }
        }
        self.out.push(')');
        Some(())
    }

    fn class(&mut self) -> Option<()> {
        let negated = self.rest.next_if(|c| matches!(c, '^' | '!')).is_some();
        let mut members = String::new();
        loop {
            let mut c = self.rest.next()?;
            if c == ']' {
                break;
            }
            if c == '\\' {
                c = self.rest.next()?;
            } else if c == '-' {
                return None;
            }
            members.push_str(&quoted(c));
            if self.rest.next_if_eq(&'-').is_some() {
                let mut to = self.rest.next().filter(|to| *to != ']')?;
                if to == '\\' {
                    to = self.rest.next()?;
                }
                if to < c {
                    return None;
                }
                members.push('-');
                members.push_str(&quoted(to));
            }
        }
        if members.is_empty() {
            return None;
        }
        let caret = if negated { "^" } else { "" };
        self.out.push_str(&format!("[[{caret}{members}]&&[^/]]"));
        Some(())
    }

    fn literal(&mut self, c: char) {
        self.out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
    }
}

/// A character as a member of a class.
fn quoted(c: char) -> String {
    if c.is_ascii_alphanumeric() || !c.is_ascii() { c.to_string() } else { format!(r"\x{{{:x}}}", u32::from(c)) }
}
