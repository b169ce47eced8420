//! The part of kubectl's JSONPath that printer columns use: fields, indexes, slices, wildcards, descent and filters.

use serde_json::Value;

/// Why a path cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("JSONPath `{path}`: {reason} at character {at}")]
pub struct PathError {
    /// The whole path.
    pub path: String,
    /// What is wrong.
    pub reason: &'static str,
    /// Where.
    pub at: usize,
}

#[derive(Debug, Clone, PartialEq)]
enum Step {
    Field(String),
    Index(i64),
    Slice(Option<i64>, Option<i64>),
    All,
    Descend(String),
    Filter(JsonPath, Option<(Compare, Operand)>),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Compare {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug, Clone, PartialEq)]
enum Operand {
    Literal(Value),
    Path(JsonPath),
}

/// A compiled path.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct JsonPath(Vec<Step>);

impl JsonPath {
    /// Reads `.spec.name`, `.status.conditions[?(@.type=="Ready")].status`, `.metadata.labels.seaway\.dev/stage`, `{.a[*]}`.
    pub fn parse(path: &str) -> Result<Self, PathError> {
        let trimmed = path.trim();
        let trimmed = trimmed.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')).unwrap_or(trimmed);
        let mut parser = Parser { text: trimmed.trim().chars().collect(), at: 0 };
        let steps = parser.steps(false);
        match steps {
            Ok(steps) if parser.at == parser.text.len() => Ok(Self(steps)),
            Ok(_) => Err(PathError { path: path.to_owned(), reason: "what is this", at: parser.at }),
            Err(reason) => Err(PathError { path: path.to_owned(), reason, at: parser.at }),
        }
    }

    /// Every value that the path leads to.
    pub fn find<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        self.0.iter().fold(vec![value], |values, step| values.into_iter().flat_map(|value| take(step, value)).collect())
    }

    /// The first of them.
    pub fn first<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        self.find(value).into_iter().next()
    }
}

fn take<'a>(step: &Step, value: &'a Value) -> Vec<&'a Value> {
    match (step, value) {
        (Step::Field(name), Value::Object(fields)) => fields.get(name).into_iter().collect(),
        (Step::Index(index), Value::Array(items)) => {
            position(*index, items.len()).and_then(|at| items.get(at)).into_iter().collect()
        }
        (Step::Slice(from, to), Value::Array(items)) => {
            let from = from.map_or(Some(0), |from| position(from, items.len())).unwrap_or(0);
            let to = to.map_or(Some(items.len()), |to| position(to, items.len())).unwrap_or(0).min(items.len());
            items.get(from..to).into_iter().flatten().collect()
        }
        (Step::All, Value::Array(items)) => items.iter().collect(),
        (Step::All, Value::Object(fields)) => fields.values().collect(),
        (Step::Descend(name), value) => {
            let mut found = Vec::new();
            descend(name, value, &mut found);
            found
        }
        (Step::Filter(path, test), Value::Array(items)) => items.iter().filter(|item| holds(path, test.as_ref(), item)).collect(),
        _ => Vec::new(),
    }
}

fn position(index: i64, len: usize) -> Option<usize> {
    if index >= 0 { usize::try_from(index).ok() } else { len.checked_sub(usize::try_from(index.unsigned_abs()).ok()?) }
}

fn descend<'a>(name: &str, value: &'a Value, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get(name));
            fields.values().for_each(|value| descend(name, value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| descend(name, value, found)),
        _ => {}
    }
}

fn holds(path: &JsonPath, test: Option<&(Compare, Operand)>, item: &Value) -> bool {
    let Some(left) = path.first(item) else { return false };
    let Some((compare, operand)) = test else { return true };
    let right = match operand {
        Operand::Literal(value) => Some(value),
        Operand::Path(path) => path.first(item),
    };
    let Some(right) = right else { return false };
    let order = match (left, right) {
        (Value::Number(a), Value::Number(b)) => a.as_f64().partial_cmp(&b.as_f64()),
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        _ => None,
    };
    match compare {
        Compare::Equal => left == right,
        Compare::NotEqual => left != right,
        Compare::Less => order.is_some_and(std::cmp::Ordering::is_lt),
        Compare::LessOrEqual => order.is_some_and(std::cmp::Ordering::is_le),
        Compare::Greater => order.is_some_and(std::cmp::Ordering::is_gt),
        Compare::GreaterOrEqual => order.is_some_and(std::cmp::Ordering::is_ge),
    }
}

struct Parser {
    text: Vec<char>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn skip_spaces(&mut self) {
        while self.peek() == Some(' ') {
            self.at += 1;
        }
    }

    fn eat(&mut self, text: &str) -> bool {
        let n = text.chars().count();
        let there = self.text.get(self.at..self.at + n).is_some_and(|next| next.iter().copied().eq(text.chars()));
        if there {
            self.at += n;
        }
        there
    }

    /// `inside`: within a filter, where a space, an operator or `)` ends the path.
    fn steps(&mut self, inside: bool) -> Result<Vec<Step>, &'static str> {
        let mut steps = Vec::new();
        if matches!(self.peek(), Some('$' | '@')) {
            self.at += 1;
        }
        while let Some(c) = self.peek() {
            match c {
                '.' if self.text.get(self.at + 1) == Some(&'.') => {
                    self.at += 2;
                    let name = self.name(inside)?;
                    steps.push(Step::Descend(name));
                }
                '.' => {
                    self.at += 1;
                    if self.peek().is_none() {
                        break;
                    }
                    if self.peek() != Some('[') {
                        let name = self.name(inside)?;
                        steps.push(if name == "*" { Step::All } else { Step::Field(name) });
                    }
                }
                '[' => {
                    self.at += 1;
                    let step = self.bracket()?;
                    steps.push(step);
                }
                _ if inside => break,
                _ if steps.is_empty() => {
                    let name = self.name(inside)?;
                    steps.push(Step::Field(name));
                }
                _ => return Err("a step begins with `.` or `[`"),
            }
        }
        Ok(steps)
    }

    fn name(&mut self, inside: bool) -> Result<String, &'static str> {
        let mut name = String::new();
        while let Some(c) = self.peek() {
            match c {
                '\\' => {
                    self.at += 1;
                    name.extend(self.peek());
                }
                '.' | '[' => break,
                ' ' | ')' | '=' | '!' | '<' | '>' if inside => break,
                c => name.push(c),
            }
            self.at += 1;
        }
        if name.is_empty() { Err("a name is missing") } else { Ok(name) }
    }

    fn bracket(&mut self) -> Result<Step, &'static str> {
        if self.eat("?(") {
            return self.filter();
        }
        self.skip_spaces();
        let step = match self.peek() {
            Some('*') => {
                self.at += 1;
                Step::All
            }
            Some(quote @ ('\'' | '"')) => Step::Field(self.quoted(quote)?),
            _ => {
                let from = self.number();
                if self.eat(":") {
                    Step::Slice(from, self.number())
                } else {
                    Step::Index(from.ok_or("an index, `*`, a quoted name or a filter is wanted")?)
                }
            }
        };
        self.skip_spaces();
        if self.eat("]") { Ok(step) } else { Err("`]` is missing") }
    }

    fn number(&mut self) -> Option<i64> {
        let start = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_digit() || (c == '-' && self.at == start)) {
            self.at += 1;
        }
        self.text[start..self.at].iter().collect::<String>().parse().ok()
    }

    fn quoted(&mut self, quote: char) -> Result<String, &'static str> {
        self.at += 1;
        let mut text = String::new();
        while let Some(c) = self.peek() {
            self.at += 1;
            match c {
                c if c == quote => return Ok(text),
                '\\' => {
                    text.extend(self.peek());
                    self.at += 1;
                }
                c => text.push(c),
            }
        }
        Err("the closing quote is missing")
    }

    fn filter(&mut self) -> Result<Step, &'static str> {
        self.skip_spaces();
        let path = JsonPath(self.steps(true)?);
        self.skip_spaces();
        let signs = [
            ("==", Compare::Equal),
            ("!=", Compare::NotEqual),
            ("<=", Compare::LessOrEqual),
            (">=", Compare::GreaterOrEqual),
            ("<", Compare::Less),
            (">", Compare::Greater),
        ];
        let test = match signs.into_iter().find(|(sign, _)| self.eat(sign)) {
            Some((_, compare)) => Some((compare, self.operand()?)),
            None => None,
        };
        self.skip_spaces();
        if self.eat(")]") { Ok(Step::Filter(path, test)) } else { Err("a filter ends with `)]`") }
    }

    fn operand(&mut self) -> Result<Operand, &'static str> {
        self.skip_spaces();
        match self.peek() {
            Some(quote @ ('\'' | '"')) => Ok(Operand::Literal(Value::from(self.quoted(quote)?))),
            Some('@' | '$') => Ok(Operand::Path(JsonPath(self.steps(true)?))),
            _ => {
                let start = self.at;
                while self.peek().is_some_and(|c| c != ')' && c != ' ') {
                    self.at += 1;
                }
                let word: String = self.text[start..self.at].iter().collect();
                serde_json::from_str(&word)
                    .map(Operand::Literal)
                    .map_err(|_| "a filter compares with a quoted text, a number, true or false")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(path: &str, expected: Value) {
        let object = json!({
            "metadata": {"name": "qa", "labels": {"seaway.dev/stage": "e2e"}},
            "list": [{"type": "Ready", "status": "True", "n": 1}, {"type": "Healthy", "status": "False", "n": 5}],
            "plain": ["a", "b", "c"]
        });
        let found: Vec<Value> = JsonPath::parse(path).expect("parses").find(&object).into_iter().cloned().collect();
        assert_eq!(Value::Array(found), expected, "{path}");
    }

    #[test]
    fn paths_find() {
        check(".metadata.name", json!(["qa"]));
        check("{.metadata.name}", json!(["qa"]));
        check("$.metadata['name']", json!(["qa"]));
        check("metadata.name", json!(["qa"]));
        check(r".metadata.labels.seaway\.dev/stage", json!(["e2e"]));
        check(".metadata.labels['seaway.dev/stage']", json!(["e2e"]));
        check(r".list[?(@.type=='Ready')].status", json!(["True"]));
        check(r#".list[?(@.type=="Healthy")].status"#, json!(["False"]));
        check(r#".list[?(@.type != "Healthy")].n"#, json!([1]));
        check(".list[?(@.n > 2)].n", json!([5]));
        check(".list[?(@.nope)].n", json!([]));
        check(".list[*].n", json!([1, 5]));
        check(".plain[0]", json!(["a"]));
        check(".plain[-1]", json!(["c"]));
        check(".plain[1:]", json!(["b", "c"]));
        check(".plain[:2]", json!(["a", "b"]));
        check(".plain[9]", json!([]));
        check("..status", json!(["True", "False"]));
        check(".nope.name", json!([]));
    }

    #[test]
    fn bad_paths_say_where() {
        insta::assert_snapshot!(JsonPath::parse(".a[").expect_err("refused"), @"JSONPath `.a[`: an index, `*`, a quoted name or a filter is wanted at character 3");
        insta::assert_snapshot!(JsonPath::parse(".a[?(@.b==c)]").expect_err("refused"), @"JSONPath `.a[?(@.b==c)]`: a filter compares with a quoted text, a number, true or false at character 11");
        insta::assert_snapshot!(JsonPath::parse(".a[0]b").expect_err("refused"), @"JSONPath `.a[0]b`: a step begins with `.` or `[` at character 5");
    }
}
