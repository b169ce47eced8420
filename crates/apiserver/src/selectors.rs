//! Label and field selectors as Kubernetes clients write them in `labelSelector` and `fieldSelector`.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// Why a selector cannot be used (400).
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SelectorError {
    /// The text is no selector.
    #[error("selector `{selector}`: {reason}")]
    Syntax {
        /// The whole text.
        selector: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A field that this kind cannot be selected by.
    #[error("field label not supported: {0}")]
    Field(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Missing,
    Greater(i64),
    Less(i64),
}

/// A parsed label selector: all its requirements must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels(Vec<(String, Test)>);

impl Labels {
    /// Reads `a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1`; empty text selects everything.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        split(text)
            .into_iter()
            .map(|part| requirement(part).map_err(|reason| SelectorError::Syntax { selector: text.to_owned(), reason }))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether everything is selected.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the labels of an object (its `metadata.labels`) satisfy the selector.
    pub fn matches(&self, labels: Option<&Map<String, Value>>) -> bool {
        self.matches_with(|key| labels.and_then(|map| map.get(key)).and_then(Value::as_str))
    }

    /// The same over any other source of labels.
    pub fn matches_with<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.0.iter().all(|(key, test)| {
            let value = label(key);
            match test {
                Test::In(values) => value.is_some_and(|value| values.iter().any(|one| one == value)),
                Test::NotIn(values) => value.is_none_or(|value| !values.iter().any(|one| one == value)),
                Test::Exists => value.is_some(),
                Test::Missing => value.is_none(),
                Test::Greater(than) => value.and_then(|value| value.parse::<i64>().ok()).is_some_and(|value| value > *than),
                Test::Less(than) => value.and_then(|value| value.parse::<i64>().ok()).is_some_and(|value| value < *than),
            }
        })
    }
}

/// Splits at commas outside of parentheses.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_usize, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    if text.trim().is_empty() { Vec::new() } else { parts }
}

fn requirement(part: &str) -> Result<(String, Test), String> {
    let part = part.trim();
    if let Some(key) = part.strip_prefix('!') {
        return Ok((label_key(key)?, Test::Missing));
    }
    for (sign, negated) in [("!=", true), ("==", false), ("=", false)] {
        if let Some((key, value)) = part.split_once(sign) {
            let values = vec![label_value(value)?];
            return Ok((label_key(key)?, if negated { Test::NotIn(values) } else { Test::In(values) }));
        }
    }
    for (sign, test) in [('>', Test::Greater as fn(i64) -> Test), ('<', Test::Less)] {
        if let Some((key, value)) = part.split_once(sign) {
            let number = value.trim().parse().map_err(|_| format!("`{}` is no integer", value.trim()))?;
            return Ok((label_key(key)?, test(number)));
        }
    }
    let Some((head, list)) = part.split_once('(') else {
        return Ok((label_key(part)?, Test::Exists));
    };
    let list = list.trim_end().strip_suffix(')').ok_or_else(|| format!("`{part}` lacks its closing parenthesis"))?;
    let values = list.split(',').map(label_value).collect::<Result<Vec<_>, _>>()?;
    let mut words = head.split_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some(key), Some("in"), None) => Ok((label_key(key)?, Test::In(values))),
        (Some(key), Some("notin"), None) => Ok((label_key(key)?, Test::NotIn(values))),
        _ => Err(format!("`{part}`: a set is `key in (a,b)` or `key notin (a,b)`")),
    }
}

fn label_key(text: &str) -> Result<String, String> {
    let key = text.trim();
    if crate::validate::is_qualified_name(key) { Ok(key.to_owned()) } else { Err(format!("`{key}` is no label key")) }
}

fn label_value(text: &str) -> Result<String, String> {
    let value = text.trim();
    if crate::validate::is_label_value(value) { Ok(value.to_owned()) } else { Err(format!("`{value}` is no label value")) }
}

/// A parsed field selector: dotted paths compared with text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(Vec<(String, bool, String)>);

impl Fields {
    /// Reads `metadata.name=a,status.phase!=b`; `\,`, `\=` and `\\` stand for the characters themselves.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let mut fields = Vec::new();
        for part in split_escaped(text) {
            let found = [("!=", false), ("==", true), ("=", true)]
                .into_iter()
                .find_map(|(sign, equal)| part.split_once(sign).map(|(path, value)| (path, equal, value)));
            let Some((path, equal, value)) = found else {
                return Err(SelectorError::Syntax {
                    selector: text.to_owned(),
                    reason: format!("`{part}` is neither `field=value` nor `field!=value`"),
                });
            };
            fields.push((path.trim().to_owned(), equal, unescape(value)));
        }
        Ok(Self(fields))
    }

    /// Whether everything is selected.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Refuses fields that a kind cannot be selected by; `selectable` are the dotted paths a custom kind adds.
    pub fn check(&self, kind: &str, selectable: &[&str]) -> Result<(), SelectorError> {
        match self.0.iter().find(|(path, _, _)| !is_supported(kind, path) && !selectable.contains(&path.as_str())) {
            Some((path, _, _)) => Err(SelectorError::Field(path.clone())),
            None => Ok(()),
        }
    }

    /// The one name that can match, when the selector names it: a lookup instead of a scan.
    pub fn exact(&self, path: &str) -> Option<&str> {
        self.0.iter().find(|(field, equal, _)| *equal && field == path).map(|(_, _, value)| value.as_str())
    }

    /// Whether an object satisfies the selector; a missing field reads as empty text.
    pub fn matches(&self, object: &Value) -> bool {
        self.0.iter().all(|(path, equal, wanted)| (field(object, path).as_ref() == wanted) == *equal)
    }
}

fn is_supported(kind: &str, path: &str) -> bool {
    match path {
        "metadata.name" | "metadata.namespace" => true,
        "type" => ["Secret", "Event"].contains(&kind),
        "status.phase" | "name" => kind == "Namespace",
        "reason" | "reportingComponent" | "source" => kind == "Event",
        _ => kind == "Event" && (path.starts_with("involvedObject.") || path.starts_with("regarding.")),
    }
}

/// The text at a dotted path; Events answer under the names of both of their APIs.
fn field<'a>(object: &'a Value, path: &str) -> Cow<'a, str> {
    let plain = |path: &str| path.split('.').try_fold(object, |value, key| value.get(key));
    let value = plain(path).filter(|value| !value.is_object()).or_else(|| match path {
        "name" => plain("metadata.name"),
        "source" => plain("source.component").or_else(|| plain("deprecatedSource.component")),
        "reportingComponent" => plain("reportingController"),
        _ => match path.split_once('.') {
            Some(("involvedObject", rest)) => plain(&format!("regarding.{rest}")),
            Some(("regarding", rest)) => plain(&format!("involvedObject.{rest}")),
            _ => None,
        },
    });
    match value {
        Some(Value::String(text)) => Cow::Borrowed(text),
        None | Some(Value::Null) => Cow::Borrowed(""),
        Some(other) => Cow::Owned(other.to_string()),
    }
}

fn split_escaped(text: &str) -> Vec<&str> {
    let (mut parts, mut escaped, mut start) = (Vec::new(), false, 0);
    for (at, c) in text.char_indices() {
        if c == ',' && !escaped {
            parts.push(&text[start..at]);
            start = at + 1;
        }
        escaped = c == '\\' && !escaped;
    }
    parts.push(&text[start..]);
    parts.retain(|part| !part.trim().is_empty());
    parts
}

fn unescape(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        result.push(if c == '\\' { chars.next().unwrap_or('\\') } else { c });
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check_labels(selector: &str, expected: bool) {
        let labels = json!({"app": "bank", "tier": "web", "n": "5", "seaway.dev/stage": "qa"});
        let parsed = Labels::parse(selector).expect("parses");
        assert_eq!(parsed.matches(labels.as_object()), expected, "{selector}");
    }

    #[test]
    fn labels_match() {
        for selector in [
            "",
            "app=bank",
            "app==bank,tier=web",
            "app!=shop",
            "nope!=x",
            "app in (bank, shop)",
            "nope notin (a)",
            "app",
            "!nope",
            "n>4",
            "n<6",
            "seaway.dev/stage=qa",
        ] {
            check_labels(selector, true);
        }
        for selector in [
            "app=shop",
            "app=bank,tier=db",
            "app!=bank",
            "app in (shop)",
            "app notin (bank,shop)",
            "nope",
            "!app",
            "n>5",
            "app>1",
            "nope in (a)",
            "app=",
        ] {
            check_labels(selector, false);
        }
    }

    #[test]
    fn bad_label_selectors_say_why() {
        insta::assert_snapshot!(Labels::parse("app in (a").expect_err("refused"), @"selector `app in (a`: `app in (a` lacks its closing parenthesis");
        insta::assert_snapshot!(Labels::parse("a b=c").expect_err("refused"), @"selector `a b=c`: `a b` is no label key");
        assert!(Labels::parse("a,,b").is_err());
        assert!(Labels::parse("a=b=c").is_err());
    }

    fn check_fields(selector: &str, object: &Value, expected: bool) {
        assert_eq!(Fields::parse(selector).expect("parses").matches(object), expected, "{selector}");
    }

    #[test]
    fn fields_match() {
        let stage = json!({"metadata": {"name": "qa", "namespace": "bank"}, "status": {"phase": "a,b", "n": 3}});
        for selector in [
            "metadata.name=qa",
            "metadata.name==qa,metadata.namespace!=x",
            "status.phase=a\\,b",
            "status.n=3",
            "status.nope=",
            "spec.x!=1",
        ] {
            check_fields(selector, &stage, true);
        }
        check_fields("metadata.name!=qa", &stage, false);
        let event = json!({"regarding": {"kind": "Stage", "name": "qa"}, "reportingController": "seaway", "deprecatedSource": {"component": "s"}});
        for selector in
            ["involvedObject.kind=Stage,involvedObject.name=qa", "regarding.name=qa", "reportingComponent=seaway", "source=s"]
        {
            check_fields(selector, &event, true);
        }
    }

    #[test]
    fn only_supported_fields_pass() {
        let fields = Fields::parse("status.phase=Ready").expect("parses");
        assert_eq!(fields.check("Namespace", &[]), Ok(()));
        assert_eq!(fields.check("Stage", &["status.phase"]), Ok(()));
        assert_eq!(fields.check("Stage", &[]), Err(SelectorError::Field("status.phase".to_owned())));
        assert_eq!(Fields::parse("metadata.name=a").expect("parses").exact("metadata.name"), Some("a"));
        assert!(Fields::parse("metadata.name").is_err());
    }
}
