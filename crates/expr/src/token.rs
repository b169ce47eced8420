//! Cuts an expression into tokens.

use crate::error::Error;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Name,
    Number,
    Text(String),
    Bytes(Vec<u8>),
    /// An operator, a word that is one, or a separator.
    Op,
    /// A bracket of any kind.
    Bracket,
    End,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) text: String,
    pub(crate) at: usize,
}

const WORDS: [&str; 11] = ["not", "in", "or", "and", "contains", "startsWith", "endsWith", "matches", "let", "if", "else"];
const LONG: [&str; 12] = ["==", "!=", "<=", ">=", "&&", "||", "**", "..", "?.", "??", "::", "->"];

fn starts_name(c: char) -> bool {
    c == '_' || c == '$' || c.is_alphabetic()
}

fn in_name(c: char) -> bool {
    starts_name(c) || c.is_numeric()
}

pub(crate) fn tokens(source: &str) -> Result<Vec<Token>, Error> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(c) = source[at..].chars().next() {
        let rest = &source[at..];
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
            continue;
        }
        if let Some(comment) = rest.strip_prefix("/*") {
            at += comment.find("*/").ok_or_else(|| Error::parse(at, "unclosed comment"))? + 4;
            continue;
        }
        let (kind, len) = token(rest, c, at)?;
        out.push(Token { kind, text: rest[..len].to_string(), at });
        at += len;
    }
    out.push(Token { kind: Kind::End, text: String::new(), at });
    Ok(out)
}

fn token(rest: &str, c: char, at: usize) -> Result<(Kind, usize), Error> {
    if rest.starts_with("b'") || rest.starts_with("b\"") {
        let (bytes, len) = quoted(&rest[1..], at + 1)?;
        return Ok((Kind::Bytes(bytes.iter().flat_map(Piece::raw).collect()), len + 1));
    }
    if c == '\'' || c == '"' {
        let (pieces, len) = quoted(rest, at)?;
        let mut bytes = Vec::new();
        pieces.iter().for_each(|piece| bytes.extend(piece.utf8()));
        return Ok((Kind::Text(crate::gotext::lossy(&bytes)), len));
    }
    if c == '`' {
        let end = rest[1..].find('`').ok_or_else(|| Error::parse(at, "literal not terminated"))?;
        return Ok((Kind::Text(rest[1..=end].to_string()), end + 2));
    }
    let after_dot = rest.strip_prefix('.').and_then(|r| r.chars().next());
    if c.is_ascii_digit() || after_dot.is_some_and(|d| d.is_ascii_digit()) {
        return Ok((Kind::Number, number(rest, at)?));
    }
    if "()[]{}".contains(c) {
        return Ok((Kind::Bracket, 1));
    }
    if starts_name(c) {
        let len = rest.find(|c| !in_name(c)).unwrap_or(rest.len());
        return Ok((if WORDS.contains(&&rest[..len]) { Kind::Op } else { Kind::Name }, len));
    }
    if let Some(op) = LONG.iter().find(|op| rest.starts_with(**op) && **op != "->") {
        return Ok((Kind::Op, op.len()));
    }
    if "#,:;=%+-^*/<>!?.|".contains(c) {
        return Ok((Kind::Op, 1));
    }
    Err(Error::parse(at, format!("unrecognized character {c:?}")))
}

fn number(rest: &str, at: usize) -> Result<usize, Error> {
    let bytes = rest.as_bytes();
    let mut i = 0;
    let prefixed = bytes[0] == b'0' && bytes.get(1).is_some_and(|b| b"xXoObB".contains(b));
    if prefixed {
        let hex = bytes[1] | 32 == b'x';
        i = 2;
        while bytes.get(i).is_some_and(|b| *b == b'_' || b.is_ascii_digit() || (hex && b.is_ascii_hexdigit())) {
            i += 1;
        }
    } else {
        let digits = |i: &mut usize| {
            while bytes.get(*i).is_some_and(|b| *b == b'_' || b.is_ascii_digit()) {
                *i += 1;
            }
        };
        digits(&mut i);
        if bytes.get(i) == Some(&b'.') && bytes.get(i + 1) != Some(&b'.') {
            i += 1;
            digits(&mut i);
        }
        if bytes.get(i).is_some_and(|b| b | 32 == b'e') {
            i += 1;
            if bytes.get(i).is_some_and(|b| b"+-".contains(b)) {
                i += 1;
            }
            digits(&mut i);
        }
    }
    match rest[i..].chars().next() {
        Some(c) if in_name(c) => Err(Error::parse(at, format!("bad number syntax: {:?}", &rest[..i + c.len_utf8()]))),
        _ => Ok(i),
    }
}

enum Piece {
    Char(char),
    Byte(u8),
}

impl Piece {
    fn utf8(&self) -> Vec<u8> {
        match self {
            Piece::Char(c) => c.to_string().into_bytes(),
            Piece::Byte(b) => vec![*b],
        }
    }

    fn raw(&self) -> Vec<u8> {
        self.utf8()
    }
}

fn quoted(rest: &str, at: usize) -> Result<(Vec<Piece>, usize), Error> {
    let quote = rest.chars().next().unwrap_or('"');
    let mut out = Vec::new();
    let mut chars = rest.char_indices().skip(1);
    let open = || Error::parse(at, "literal not terminated");
    while let Some((i, c)) = chars.next() {
        match c {
            c if c == quote => return Ok((out, i + 1)),
            '\n' => return Err(open()),
            '\\' => {
                let (_, e) = chars.next().ok_or_else(open)?;
                let mut code = |n: usize, radix: u32, first: Option<char>| {
                    let mut v = first.and_then(|c| c.to_digit(radix)).unwrap_or(0);
                    for _ in 0..n {
                        let d = chars.next().and_then(|(_, c)| c.to_digit(radix));
                        v = v.wrapping_mul(radix).wrapping_add(d.ok_or_else(|| Error::parse(at, "invalid char escape"))?);
                    }
                    Ok(v)
                };
                let bad = || Error::parse(at, "invalid escape in literal");
                out.push(match e {
                    'a' => Piece::Char('\x07'),
                    'b' => Piece::Char('\x08'),
                    'f' => Piece::Char('\x0c'),
                    'n' => Piece::Char('\n'),
                    'r' => Piece::Char('\r'),
                    't' => Piece::Char('\t'),
                    'v' => Piece::Char('\x0b'),
                    '\\' | '\'' | '"' | '`' | '?' => Piece::Char(e),
                    'x' | 'X' => Piece::Byte(u8::try_from(code(2, 16, None)?).map_err(|_| bad())?),
                    '0'..='3' => Piece::Byte(u8::try_from(code(2, 8, Some(e))?).map_err(|_| bad())?),
                    'u' => Piece::Char(char::from_u32(code(4, 16, None)?).unwrap_or('\u{FFFD}')),
                    'U' => Piece::Char(char::from_u32(code(8, 16, None)?).ok_or_else(bad)?),
                    _ => return Err(bad()),
                });
            }
            c => out.push(Piece::Char(c)),
        }
    }
    Err(open())
}
