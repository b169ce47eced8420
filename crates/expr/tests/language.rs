//! Budgets, secrets, unknowns and data that is not here yet.

use std::collections::BTreeMap;

use seaway_expr::promotion::{Facts, Reach};
use seaway_expr::{Budget, CallError, Class, Env, Error, Need, Param, Signature, Value, evaluate, json_template, template};
use serde_json::json;

struct Names(BTreeMap<&'static str, Value>);

impl Env for Names {
    fn variable(&self, name: &str) -> Option<Value> {
        self.0.get(name).cloned()
    }

    fn function(&self, name: &str) -> Option<Signature> {
        const ONE: Signature = Signature { required: 1, params: &[Param::String] };
        if name == "fetch" { Some(ONE) } else { seaway_expr::text_signature(name) }
    }

    fn call(&self, name: &str, args: &[Value]) -> Result<Value, CallError> {
        let args = args.iter().filter_map(|a| a.to_json().ok()).collect();
        Err(CallError::Needs(Need { function: name.to_string(), args }))
    }
}

fn names() -> Names {
    let unknown = Value::unknown_because("known after `build`");
    let entries = [
        ("token", Value::text("s3cr3t").secret()),
        ("later", unknown.clone()),
        ("outputs", Value::map([("build".to_string(), unknown), ("done".to_string(), Value::Bool(true))])),
        ("t", Value::Bool(true)),
        ("f", Value::Bool(false)),
    ];
    Names(entries.into())
}

fn class(source: &str) -> Result<Value, Class> {
    evaluate(source, &names(), &Budget::default()).map_err(|e| e.class())
}

fn refused(source: &str) {
    let got = evaluate(source, &names(), &Budget::default());
    let shown = &source[..source.len().min(60)];
    assert!(got.is_err(), "{shown} gave a value");
}

#[test]
fn nothing_a_user_writes_harms_the_process() {
    refused(&format!("1{}", " + 1".repeat(20_000)));
    refused(&"(".repeat(100_000));
    refused(&format!("{}1{}", "(".repeat(50_000), ")".repeat(50_000)));
    refused(&"[".repeat(100_000));
    refused(&"{a:".repeat(100_000));
    refused(&"-".repeat(100_000));
    refused(&"not ".repeat(100_000));
    refused(&format!("{}1", "true ? 1 : ".repeat(10_000)));
    refused(&format!("a{}", ".b".repeat(50_000)));
    refused(&format!("a{}", "?.b".repeat(50_000)));
    refused(&format!("{}1", "2 ** ".repeat(50_000)));
    refused("1..1e9");
    refused("1..1000000000");
    refused("repeat('x', 1000000000)");
    refused("repeat(repeat('x', 1000000), 1000000)");
    refused("reduce(1..100000, [#acc], 0)");
    refused("map(1..1000, map(1..1000, map(1..1000, #)))");
    refused("'x' matches '((a{1000}){1000}){1000}'");
    refused("replace(repeat('a', 1000000), '', repeat('b', 1000000))");
    refused("abs(-9223372036854775807 - 1)");
    let doubled: String = (0..60).map(|i| format!("let a{} = [a{i}, a{i}]; ", i + 1)).collect();
    refused(&format!("let a0 = [1]; {doubled} toJSON(a60)"));
    refused("sort(1..3, 'up')");
    refused("date('2023-01-01').AddDate(100000000, 0, 0)");
}

#[test]
fn what_fits_the_budget_runs() {
    let long = format!("1{}", " + 1".repeat(4_000));
    assert_eq!(class(&long), Ok(Value::Int(4_001)));
    let deep = format!("{}1{}", "(".repeat(90), ")".repeat(90));
    assert_eq!(class(&deep), Ok(Value::Int(1)));
    let nested = format!("len({}1{})", "[".repeat(90), "]".repeat(90));
    assert_eq!(class(&nested), Ok(Value::Int(1)));
    let maps = (0..40).fold("#".to_string(), |inner, _| format!("map([1], {inner})"));
    assert!(class(&format!("len(map([1], {maps}))")).is_ok());
    for (open, close) in
        [("len([", "])"), ("(let x = 1; ", ")"), ("{a: ", "}"), ("a?.b[", "]"), ("true ? ", " : 1"), ("map([1], {", "})")]
    {
        for depth in [20, 40, 60, 99, 200] {
            let _ = class(&format!("{}1{}", open.repeat(depth), close.repeat(depth)));
        }
    }
    assert_eq!(class("len(1..1000000)"), Ok(Value::Int(1_000_000)));
    assert_eq!(class("-9223372036854775807 - 2"), Ok(Value::Int(i64::MAX)));
    assert_eq!(class("(-9223372036854775807 - 1) % -1"), Ok(Value::Int(0)));
}

#[test]
fn a_secret_marks_what_is_made_of_it() {
    let secret = |source: &str| class(source).expect("evaluates").holds_secret();
    assert!(secret("token"));
    assert!(secret("'a' + token"));
    assert!(secret("upper(token)"));
    assert!(secret("[token][0]"));
    assert!(secret("{a: token}.a"));
    assert!(secret("join(['a', token], ',')"));
    assert!(secret("map([token], # + 'x')[0]"));
    assert!(secret("toBase64(token)"));
    assert!(secret("token[1:]"));
    assert!(secret("split(token, '3')"));
    assert!(secret("t ? token : 'x'"));
    assert!(secret("quote(token)"));
    assert!(secret("toJSON({a: token})"));
    assert!(!secret("token == 's3cr3t'"));
    assert!(!secret("{a: token, b: 1}.b"));
    assert!(!secret("t ? 'x' : token"));
}

#[test]
fn a_document_says_where_its_secrets_and_unknowns_are() {
    let document =
        json!({"url": "https://u:${{ token }}@x", "a/b": ["${{ later }}", "x-${{ outputs.build.commit }}", "${{ t }}"]});
    let got = json_template(&document, &names(), &Budget::default()).expect("evaluates");
    assert_eq!(got.json["url"], "https://u:s3cr3t@x");
    assert_eq!(got.json["a/b"][2], true);
    assert_eq!(got.secrets, ["s3cr3t"]);
    assert_eq!(got.secret_paths, ["/url"]);
    let paths: Vec<_> = got.unknowns.iter().map(|u| u.0.as_str()).collect();
    assert_eq!(paths, ["/a~1b/0", "/a~1b/1"]);
    assert_eq!(got.unknowns[0].1.reason, "known after `build`");
}

#[test]
fn an_unknown_spreads() {
    let unknown = |source: &str| matches!(class(source), Ok(Value::Unknown(_)));
    assert!(unknown("later"));
    assert!(unknown("later.commit[:7]"));
    assert!(unknown("outputs.build?.commit"));
    assert!(unknown("'a' + later"));
    assert!(unknown("later == 'x'"));
    assert!(unknown("later ? 1 : 2"));
    assert!(unknown("later ?? 'x'"));
    assert!(unknown("not later"));
    assert!(unknown("t and later"));
    assert!(unknown("later or f"));
    assert!(unknown("upper(later)"));
    assert!(unknown("filter([1], later)"));
    assert!(unknown("join(['a', later], ',')"));
    assert!(unknown("fetch(later)"));
    assert!(unknown("[later] == ['x']"));
    assert_eq!(class("f and later"), Ok(Value::Bool(false)));
    assert_eq!(class("later or t"), Ok(Value::Bool(true)));
    assert_eq!(class("outputs.done"), Ok(Value::Bool(true)));
}

#[test]
fn a_missing_datum_is_asked_for_and_then_used() {
    let got = evaluate("fetch('a') + 'x'", &names(), &Budget::default());
    assert_eq!(got, Err(Error::Needs(Need { function: "fetch".into(), args: vec![json!("a")] })));

    let promotion = json!({"spec": {"steps": [{"as": "one", "config": {"v": "${{ configMap('cm').host + secret('s').key }}"}}]}});
    let mut facts = Facts::new(promotion, json!({}));
    let budget = Budget::default();
    let mut asked = Vec::new();
    let done = loop {
        match facts.config(0, &budget) {
            Err(Error::Needs(need)) => {
                asked.push(need.function.clone());
                let answer = if need.function == "secret" { json!({"key": "k3y"}) } else { json!({"host": "h"}) };
                facts.answers.add(&need, answer);
            }
            other => break other.expect("evaluates"),
        }
    };
    assert_eq!(asked, ["configMap", "secret"]);
    assert_eq!(done.json, json!({"v": "hk3y"}));
    assert_eq!(done.secret_paths, ["/v"]);
}

#[test]
fn a_plan_leaves_open_what_only_a_run_knows() {
    let promotion = json!({"spec": {"steps": [{"as": "two", "if": "${{ outputs.one.changed }}"}]}});
    let mut facts = Facts::new(promotion, json!({}));
    facts.outputs.insert("one".into(), Value::unknown_because("known after `one`"));
    assert_eq!(facts.runs(0, &Budget::default()), Ok(None));
    let names = facts.names(0, Reach::Promotion, &BTreeMap::new());
    assert_eq!(evaluate("outputs", &names, &Budget::default()), Ok(Value::Null));
}

#[test]
fn classes_tell_failures_apart() {
    assert_eq!(class("1 +"), Err(Class::Parse));
    assert_eq!(class("1 + 'a'"), Err(Class::Type));
    assert_eq!(class("t + 1"), Err(Class::Runtime));
    assert_eq!(template("${{ groupBy(['a'], #) }}", &names(), &Budget::default()).map_err(|e| e.class()), Err(Class::Other));
}

#[test]
fn arbitrary_text_never_panics() {
    let parts = [
        "1",
        "'a'",
        "é",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ".",
        "?.",
        "..",
        "#",
        "|",
        "not",
        "in",
        "let",
        "x",
        "=",
        ";",
        "len",
        "map",
        ",",
        "+",
        "-",
        "**",
        "%",
        "??",
        "?",
        ":",
        "nil",
        "token",
        "later",
        "`",
        "\\",
        "1e9",
        "date",
        "'2023-08-14'",
        "duration('1h')",
        "0x",
        "if",
        "else",
        "'\\x'",
        "b'\\xff'",
        " ",
        "::",
        "-1",
        "9223372036854775807",
        "matches",
        "'[a'",
        "[1:]",
        "\"",
        "/*",
    ];
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..20_000 {
        let mut source = String::new();
        for _ in 0..12 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let pick = usize::try_from(state % parts.len() as u64).unwrap_or(0);
            source.push_str(parts[pick]);
            source.push(' ');
        }
        let _ = evaluate(&source, &names(), &Budget::default());
        let _ = template(&format!("${{{{{source}}}}}"), &names(), &Budget::default());
    }
}
