//! `cargo xtask gen [--check]`: writes the files that are made from the code: step pages, CRDs, the catalogue of reasons and events.

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

const NOTE: &str = "<!-- made by `cargo xtask gen`; do not edit -->\n";

fn main() -> Result<()> {
    let check = match std::env::args().nth(1).as_deref() {
        None => false,
        Some("--check") => true,
        Some(other) => bail!("unknown argument `{other}`; usage: gen [--check]"),
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let files = files(&root)?;
    let mut stale = Vec::new();
    for (name, text) in &files {
        let path = root.join(name);
        if std::fs::read_to_string(&path).ok().as_ref() == Some(text) {
            continue;
        }
        stale.push(name.clone());
        if !check {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            std::fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
        }
    }
    for folder in ["docs/steps", "deploy/crds"] {
        for entry in std::fs::read_dir(root.join(folder)).into_iter().flatten().flatten() {
            let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if !files.contains_key(&name) {
                stale.push(name);
                if !check {
                    std::fs::remove_file(entry.path())?;
                }
            }
        }
    }
    if check && !stale.is_empty() {
        bail!("stale: {}; run `cargo xtask gen`", stale.join(", "));
    }
    println!("gen: {} files, {} {}", files.len(), stale.len(), if check { "stale" } else { "written" });
    Ok(())
}

/// Every generated file by its path.
fn files(root: &Path) -> Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    for step in seaway_steps::all() {
        let schema = step.schema().to_value();
        files.insert(format!("docs/steps/{}.md", step.name()), step_page(step.name(), step.page(), &schema));
    }
    files.insert("docs/steps/README.md".to_owned(), step_index());
    for (name, document) in seaway_api::crd_documents() {
        let text = serde_yaml_ng::to_string(&document).with_context(|| format!("write {name}"))?;
        files.insert(format!("deploy/crds/{name}"), format!("# Made by `cargo xtask gen`; do not edit.\n{text}"));
    }
    files.insert("docs/reasons.md".to_owned(), reasons(root)?);
    Ok(files)
}

fn step_page(name: &str, page: &str, schema: &Value) -> String {
    let mut rows = Vec::new();
    fields(schema, "", &mut rows);
    let mut text = format!("{NOTE}# {name}\n\n{}\n\n## Configuration\n\n", page.trim_end());
    if rows.is_empty() {
        text.push_str("Any fields; at least one.\n");
    } else {
        text.push_str("| Field | Type | Needed | Meaning |\n|---|---|---|---|\n");
        text.extend(rows);
        text.push_str("\nOther fields are refused.\n");
    }
    text
}

/// A row a field, nested ones after the field that holds them.
fn fields(schema: &Value, lead: &str, rows: &mut Vec<String>) {
    let schema = plain(schema);
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{lead}{name}");
        let meaning = field["description"].as_str().unwrap_or_default().replace('\n', " ").replace('|', "\\|");
        let needed = if required.contains(&name.as_str()) { "yes" } else { "" };
        rows.push(format!("| `{path}` | {} | {needed} | {meaning} |\n", type_name(field)));
        let field = plain(field);
        match field["type"].as_str() {
            Some("array") => fields(&field["items"], &format!("{path}[]."), rows),
            _ => fields(field, &format!("{path}."), rows),
        }
    }
}

/// The schema of a value that is there: `null` beside it only says that it may be absent.
fn plain(schema: &Value) -> &Value {
    let choices = schema["anyOf"].as_array().into_iter().flatten();
    choices.into_iter().find(|choice| choice["type"] != "null").unwrap_or(schema)
}

fn type_name(schema: &Value) -> String {
    let schema = plain(schema);
    if let Some(values) = schema["enum"].as_array() {
        let values = values.iter().filter_map(Value::as_str).map(|value| format!("`{value}`"));
        return values.collect::<Vec<_>>().join(", ");
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let values = choices.iter().filter_map(|choice| choice["const"].as_str()).map(|value| format!("`{value}`"));
        return values.collect::<Vec<_>>().join(", ");
    }
    let named = |name: &str| match name {
        "array" => format!("list of {}", type_name(&schema["items"])),
        "object" => "map".to_owned(),
        other => other.to_owned(),
    };
    match &schema["type"] {
        Value::String(name) => named(name),
        Value::Array(names) => {
            names.iter().filter_map(Value::as_str).find(|name| *name != "null").map_or_else(|| "any".to_owned(), named)
        }
        _ => "any".to_owned(),
    }
}

fn step_index() -> String {
    let mut text =
        format!("{NOTE}# Steps\n\nWhat may stand after `uses:` in a promotion's steps.\n\n| Step | What it does |\n|---|---|\n");
    for step in seaway_steps::all() {
        let first = step.page().split_once(". ").map_or(step.page(), |(first, _)| first);
        let first = first.lines().collect::<Vec<_>>().join(" ");
        let _ = writeln!(text, "| [{0}]({0}.md) | {1} |", step.name(), first.trim_end_matches('.').replace('|', "\\|"));
    }
    let names: Vec<String> = seaway_steps::not_built().map(|name| format!("`{name}`")).collect();
    let _ = writeln!(
        text,
        "\nKargo has these too; they are not built yet. A promotion that names one is admitted and is `Blocked` (`NotBuilt`) before anything is done: {}.",
        names.join(", ")
    );
    text
}

fn reasons(root: &Path) -> Result<String> {
    let mut text = format!(
        "{NOTE}# Why something does not move\n\nConditions, events and `seaway why` give one of these words as the reason.\n\n\
         | Reason | Meaning | What releases it | What to do |\n|---|---|---|---|\n"
    );
    let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
    for reason in seaway_core::Reason::ALL {
        let (meaning, releases, hint) = (cell(reason.meaning()), cell(reason.releases()), cell(reason.hint()));
        let _ = writeln!(text, "| `{}` | {meaning} | {releases} | {hint} |", reason.as_str());
    }
    text.push_str("\n## States\n\nHow a stage, a warehouse or a promotion stands, as `get`, `why` and `describe` say it. *Stuck* is blocked, failed or uncertain. `get promotions` gives Kargo's phase of a promotion beside it.\n\n| State | Of a | Meaning |\n|---|---|---|\n");
    for (state, whose, meaning) in seaway_core::why::State::ALL {
        let _ = writeln!(text, "| {state} | {whose} | {} |", cell(meaning));
    }
    text.push_str(
        "\n## Events\n\nA Kubernetes Event gives one of these words as its reason. It is stored in the commit that it tells of \
         (`EffectResolved` right before), so none is lost or told twice, and expires after an hour; its annotations `event.kargo.akuity.io/…` are Kargo's.\n\n| Event | Of | Type | It tells that |\n|---|---|---|---|\n",
    );
    for told in seaway_core::events::Happening::ALL {
        let kind = if told.is_warning() { "Warning" } else { "Normal" };
        let _ = writeln!(text, "| `{}` | {} | {kind} | {} |", told.as_str(), told.kind(), cell(told.meaning()));
    }
    text.push_str("\n## Exit codes\n\n| Code | When |\n|---|---|\n");
    let exits = exit_codes(root)?;
    if exits.is_empty() {
        bail!("crates/seaway/src/exit.rs lists no exit codes (`Name = 1, \"when\";`)");
    }
    for (code, when) in exits {
        let _ = writeln!(text, "| {code} | {} |", cell(&when));
    }
    Ok(text)
}

/// The list in the binary's source: a binary cannot be linked to.
fn exit_codes(root: &Path) -> Result<Vec<(u8, String)>> {
    let path = root.join("crates/seaway/src/exit.rs");
    let source = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    let row = |line: &str| {
        let (_, rest) = line.trim().strip_suffix("\";")?.split_once(" = ")?;
        let (code, when) = rest.split_once(", \"")?;
        Some((code.parse().ok()?, when.to_owned()))
    };
    Ok(source.lines().filter_map(row).collect())
}
