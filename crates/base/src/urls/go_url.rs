//! URLs split and joined as Go's `net/url` does it, as far as repository URLs need it.

use std::fmt;

/// The parts of a URL; the path is decoded bytes.
#[derive(Debug, Clone, Default)]
pub(super) struct GoUrl {
    pub(super) scheme: String,
    opaque: String,
    pub(super) user: Option<String>,
    pub(super) host: String,
    pub(super) path: Vec<u8>,
    raw_path: String,
    query: Option<String>,
    fragment: String,
}

/// Splits a URL or a relative reference; `None` where Go would report an error.
pub(super) fn parse(text: &str) -> Option<GoUrl> {
    if text.bytes().any(|b| b < 0x20 || b == 0x7f) {
        return None;
    }
    let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
    let (scheme, rest) = split_scheme(rest)?;
    let (rest, query) = rest.split_once('?').map_or((rest, None), |(rest, query)| (rest, Some(query.to_owned())));
    let mut url = GoUrl { scheme: scheme.to_owned(), query, fragment: fragment.to_owned(), ..GoUrl::default() };
    let mut rest = rest;
    if !rest.starts_with('/') {
        if !url.scheme.is_empty() {
            url.opaque = rest.to_owned();
            return Some(url);
        }
        if rest.split('/').next().is_some_and(|first| first.contains(':')) {
            return None;
        }
    }
    let authority = rest.strip_prefix("//").filter(|_| !url.scheme.is_empty() || !rest.starts_with("///"));
    if let Some(after) = authority {
        let end = after.find('/').unwrap_or(after.len());
        let (authority, path) = after.split_at(end);
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        if !valid_host(host) || !user.is_none_or(valid_user) {
            return None;
        }
        url.user = user.map(str::to_owned);
        url.host = host.to_owned();
        rest = path;
    }
    url.path = unescape(rest)?;
    url.raw_path = if escape(&url.path) == rest { String::new() } else { rest.to_owned() };
    Some(url)
}

/// `None` for a text that begins with `:`.
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    for (i, c) in text.char_indices() {
        match c {
            'a'..='z' | 'A'..='Z' => {}
            '0'..='9' | '+' | '-' | '.' if i > 0 => {}
            ':' if i == 0 => return None,
            ':' => return Some((&text[..i], &text[i + 1..])),
            _ => break,
        }
    }
    Some(("", text))
}

fn valid_host(host: &str) -> bool {
    let port = match host.strip_prefix('[') {
        Some(inner) => match inner.rfind(']') {
            Some(end) => &inner[end + 1..],
            None => return false,
        },
        None => host.rfind(':').map_or("", |i| &host[i..]),
    };
    let port_fine = port.is_empty() || port.strip_prefix(':').is_some_and(|p| p.bytes().all(|b| b.is_ascii_digit()));
    let known = |b: u8| b >= 0x80 || b.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:[]<>\"".contains(&b);
    port_fine && host.bytes().all(known)
}

fn valid_user(user: &str) -> bool {
    user.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&b))
}

fn unescape(text: &str) -> Option<Vec<u8>> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        if bytes[i] == b'%' {
            out.push(u8::from_str_radix(text.get(i + 1..i + 3).filter(|h| h.bytes().all(|b| b.is_ascii_hexdigit()))?, 16).ok()?);
            i += 3;
        } else {
            out.push(bytes[i]);
            i += 1;
        }
    }
    Some(out)
}

fn is_plain(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"-_.~$&+,/:;=@".contains(&b)
}

fn escape(bytes: &[u8]) -> String {
    use fmt::Write as _;
    let mut out = String::with_capacity(bytes.len());
    for &b in bytes {
        if is_plain(b) {
            out.push(char::from(b));
        } else {
            let _ = write!(out, "%{b:02X}");
        }
    }
    out
}

impl GoUrl {
    /// Whether the query holds at least one parameter.
    pub(super) fn has_query(&self) -> bool {
        self.query.as_ref().is_some_and(|q| q.split('&').any(|pair| !pair.is_empty() && !pair.contains(';')))
    }

    /// Drops one final `/`, then one final `.git`.
    pub(super) fn trim_repository_path(&mut self) {
        for suffix in [&b"/"[..], b".git"] {
            if self.path.ends_with(suffix) {
                self.path.truncate(self.path.len() - suffix.len());
            }
        }
    }

    /// The path as it was written, if it still says the same; else encoded anew.
    fn escaped_path(&self) -> String {
        let written = |b: u8| is_plain(b) || b"!'()*[]%".contains(&b);
        let valid = !self.raw_path.is_empty() && self.raw_path.bytes().all(written);
        if valid && unescape(&self.raw_path).as_deref() == Some(&self.path[..]) {
            self.raw_path.clone()
        } else {
            escape(&self.path)
        }
    }
}

impl fmt::Display for GoUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.scheme.is_empty() {
            write!(f, "{}:", self.scheme)?;
        }
        if self.opaque.is_empty() {
            let path = self.escaped_path();
            let relative = self.scheme.is_empty() && self.host.is_empty() && self.user.is_none();
            if !relative && (!self.host.is_empty() || !path.is_empty() || self.user.is_some()) {
                f.write_str("//")?;
                if let Some(user) = &self.user {
                    write!(f, "{user}@")?;
                }
                for c in self.host.chars() {
                    if c.is_ascii() { write!(f, "{c}")? } else { f.write_str(&escape(c.encode_utf8(&mut [0; 4]).as_bytes()))? }
                }
                if !path.is_empty() && !path.starts_with('/') {
                    f.write_str("/")?;
                }
            } else if path.split('/').next().is_some_and(|first| first.contains(':')) {
                f.write_str("./")?;
            }
            f.write_str(&path)?;
        } else {
            f.write_str(&self.opaque)?;
        }
        if let Some(query) = &self.query {
            write!(f, "?{query}")?;
        }
        if !self.fragment.is_empty() {
            write!(f, "#{}", self.fragment)?;
        }
        Ok(())
    }
}
