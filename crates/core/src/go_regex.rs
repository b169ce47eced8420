//! Regular expressions in Go's spelling (RE2 as in `regexp/syntax`), carried over to the `regex` crate.
//!
//! The two agree on nearly everything; what differs is rewritten: `\d \w \s \b` are ASCII in Go, `[` and `&&` inside of a class and a
//! stray `{` are literals there, `\Q…\E` quotes, and doubled repetitions are errors.

use regex::{Regex, RegexBuilder};

/// A pattern that Go would not compile either.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{pattern}` is not a regular expression: {reason}")]
pub struct PatternError {
    /// The pattern as it was written.
    pub pattern: String,
    /// What is wrong with it.
    pub reason: String,
}

/// The most memory one compiled pattern may take.
const SIZE_BYTES_MAX: usize = 4 << 20;

/// Compiles a pattern written for Go; a match is unanchored unless the pattern says otherwise.
///
/// # Errors
/// The pattern is malformed, uses what Go has not (look-around, back-references) or compiles to more than 4 MiB.
pub fn compile(pattern: &str) -> Result<Regex, PatternError> {
    let err = |reason: String| PatternError { pattern: pattern.to_owned(), reason };
    let rewritten = Rewriter::new(pattern).run().map_err(|reason| err(reason.to_owned()))?;
    RegexBuilder::new(&rewritten).octal(true).size_limit(SIZE_BYTES_MAX).build().map_err(|e| {
        let text = e.to_string();
        err(text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned())
    })
}

struct Rewriter<'a> {
    rest: std::iter::Peekable<std::str::CharIndices<'a>>,
    text: &'a str,
    out: String,
}

impl<'a> Rewriter<'a> {
    fn new(text: &'a str) -> Self {
        Self { rest: text.char_indices().peekable(), text, out: String::with_capacity(text.len() + 8) }
    }

    fn run(mut self) -> Result<String, &'static str> {
        let mut after_repetition = false;
        while let Some((at, c)) = self.rest.next() {
            let repetition = match c {
                '*' | '+' | '?' => true,
                '{' => self.repetition_at(at),
                _ => false,
            };
            if repetition {
                if after_repetition {
                    return Err("invalid nested repetition operator");
                }
                self.repetition(c);
                after_repetition = true;
                continue;
            }
            after_repetition = false;
            match c {
                '\\' => self.escape(false)?,
                '[' => self.class()?,
                '(' => self.group(at)?,
                '{' => self.out.push_str(r"\{"),
                _ => self.out.push(c),
            }
        }
        Ok(self.out)
    }

    /// Whether a `{` at this place opens `{2}`, `{2,}` or `{2,3}`; anything else is a literal.
    fn repetition_at(&self, at: usize) -> bool {
        let Some(end) = self.text[at..].find('}') else { return false };
        let (min, max) = match self.text[at + 1..at + end].split_once(',') {
            Some((min, max)) => (min, max),
            None => (&self.text[at + 1..at + end], ""),
        };
        let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        !min.is_empty() && digits(min) && digits(max)
    }

    fn repetition(&mut self, c: char) {
        self.out.push(c);
        if c == '{' {
            for (_, c) in self.rest.by_ref() {
                self.out.push(c);
                if c == '}' {
                    break;
                }
            }
        }
        if self.rest.next_if(|(_, c)| *c == '?').is_some() {
            self.out.push('?');
        }
    }

    fn group(&mut self, at: usize) -> Result<(), &'static str> {
        self.out.push('(');
        let rest = &self.text[at + 1..];
        let Some(rest) = rest.strip_prefix('?') else { return Ok(()) };
        let named = rest.strip_prefix("P<").or_else(|| rest.strip_prefix('<').filter(|r| !r.starts_with(['=', '!'])));
        let flags = rest.chars().take_while(|c| !matches!(c, ':' | ')')).all(|c| matches!(c, 'i' | 'm' | 's' | 'U' | '-'));
        if named.is_none() && !flags {
            return Err("invalid or unsupported Perl syntax");
        }
        let n_chars = if named.is_some() {
            rest.find('>').map_or(rest.len(), |end| end + 1)
        } else {
            rest.find([':', ')']).map_or(rest.len(), |end| end + 1)
        };
        for _ in 0..=rest[..n_chars].chars().count() {
            if let Some((_, c)) = self.rest.next() {
                self.out.push(c);
            }
        }
        Ok(())
    }

    fn escape(&mut self, in_class: bool) -> Result<(), &'static str> {
        let Some((_, c)) = self.rest.next() else { return Err("trailing backslash at end of expression") };
        let ascii = match (c, in_class) {
            ('d', true) => "0-9",
            ('d', false) => "[0-9]",
            ('D', _) => "[^0-9]",
            ('s', true) => r"\t\n\x0C\r ",
            ('s', false) => r"[\t\n\x0C\r ]",
            ('S', _) => r"[^\t\n\x0C\r ]",
            ('w', true) => "0-9A-Za-z_",
            ('w', false) => "[0-9A-Za-z_]",
            ('W', _) => "[^0-9A-Za-z_]",
            ('b', false) => r"(?-u:\b)",
            ('B', false) => r"(?-u:\B)",
            ('Q', false) => return self.quoted(),
            ('u' | 'U' | '8' | '9', _) => return Err("invalid escape sequence"),
            ('1'..='7', _) if self.rest.peek().is_none_or(|(_, next)| !matches!(next, '0'..='7')) => {
                return Err("invalid escape sequence");
            }
            _ => {
                if c.is_ascii_punctuation() {
                    self.out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
                    if in_class && c == '/' {
                        return Ok(());
                    }
                } else {
                    self.out.push('\\');
                    self.out.push(c);
                    self.braced(c);
                }
                return Ok(());
            }
        };
        self.out.push_str(ascii);
        Ok(())
    }

    /// `\p{Greek}` and `\x{10FFFF}`: their braces are no repetition.
    fn braced(&mut self, c: char) {
        if !matches!(c, 'p' | 'P' | 'x') || self.rest.next_if(|(_, c)| *c == '{').is_none() {
            return;
        }
        self.out.push('{');
        for (_, c) in self.rest.by_ref() {
            self.out.push(c);
            if c == '}' {
                break;
            }
        }
    }

    fn quoted(&mut self) -> Result<(), &'static str> {
        let mut literal = String::new();
        while let Some((_, c)) = self.rest.next() {
            if c == '\\' && self.rest.next_if(|(_, c)| *c == 'E').is_some() {
                break;
            }
            literal.push(c);
        }
        self.out.push_str(&regex::escape(&literal));
        Ok(())
    }

    fn class(&mut self) -> Result<(), &'static str> {
        self.out.push('[');
        if self.rest.next_if(|(_, c)| *c == '^').is_some() {
            self.out.push('^');
        }
        if self.rest.next_if(|(_, c)| *c == ']').is_some() {
            self.out.push_str(r"\]");
        }
        while let Some((at, c)) = self.rest.next() {
            match c {
                ']' => {
                    self.out.push(']');
                    return Ok(());
                }
                '[' => match self.text[at..].strip_prefix("[:").and_then(|rest| rest.find(":]")) {
                    Some(end) => {
                        self.out.push('[');
                        for _ in 0..self.text[at + 1..at + end + 4].chars().count() {
                            if let Some((_, c)) = self.rest.next() {
                                self.out.push(c);
                            }
                        }
                    }
                    None => self.out.push_str(r"\["),
                },
                '\\' => self.escape(true)?,
                '&' | '~' => {
                    self.out.push('\\');
                    self.out.push(c);
                }
                _ => self.out.push(c),
            }
        }
        Err("missing closing ]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, text: &str, expect: Option<bool>) {
        let got = compile(pattern).map(|r| r.is_match(text)).ok();
        assert_eq!(got, expect, "{pattern} on {text}: {:?}", compile(pattern));
    }

    #[test]
    fn what_go_reads_otherwise_is_rewritten() {
        check(r"^\d+$", "١", Some(false));
        check(r"^[\d.]+$", "1.2", Some(true));
        check(r"\bfoo\b", "a foo b", Some(true));
        check(r"a\Bb", "ab", Some(true));
        check("a{b", "a{b", Some(true));
        check("a{,2}", "a{,2}", Some(true));
        check("^a{2}$", "aa", Some(true));
        check("a**", "a", None);
        check("[a[b]", "[", Some(true));
        check("[[:alpha:]]", "x", Some(true));
        check("[&&~~]", "&", Some(true));
        check(r"\Qa.b\E+", "a.bb", Some(true));
        check(r"\Qa.b\E", "axb", Some(false));
        check(r"(?P<n>a)(?:b)(?i)C", "abc", Some(true));
        check("(?x)a b", "ab", None);
        check("a(?=b)", "ab", None);
        check(r"(a)\1", "aa", None);
        check(r"\p{Greek}", "λ", Some(true));
        check(r"\<a", "<a", Some(true));
        check("(", "", None);
        check("[", "", None);
        check(r"^[]a]$", "]", Some(true));
        check(r"[\w-]+@", "a-b@", Some(true));
        check(r"a\/b", "a/b", Some(true));
        check(r"[\/]", "/", Some(true));
    }
}
