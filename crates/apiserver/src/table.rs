//! Tables of `meta.k8s.io/v1`, which `kubectl get` asks for: columns, cells, and as much of the object as wanted.

mod age;
mod builtin;
mod jsonpath;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::discovery::{Column, Served};

pub use age::{age, span};
pub use jsonpath::{JsonPath, PathError};

/// How much of each object a row carries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Include {
    /// Nothing but the cells.
    None,
    /// Its metadata.
    #[default]
    Metadata,
    /// All of it.
    Object,
}

impl Include {
    /// Reads the `includeObject` parameter; absent is metadata. `None` is a value that means nothing (400).
    pub fn parse(parameter: Option<&str>) -> Option<Self> {
        match parameter {
            None | Some("" | "Metadata") => Some(Self::Metadata),
            Some("None") => Some(Self::None),
            Some("Object") => Some(Self::Object),
            Some(_) => None,
        }
    }
}

/// What a table is made of besides its rows.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// The objects' share in each row.
    pub include: Include,
    /// Whether column definitions are sent: in a watch only the first table has them.
    pub headers: bool,
    /// The list's metadata (`resourceVersion`, `continue`, …), `null` for a single object.
    pub metadata: &'a Value,
    /// The time that ages are measured from.
    pub now: Timestamp,
}

/// Renders objects of one kind as a `Table`.
pub fn render<'a>(served: &Served, objects: impl IntoIterator<Item = &'a Value>, options: Options<'_>) -> Value {
    let layout = Layout::of(served);
    let rows: Vec<Value> = objects.into_iter().map(|object| row(&layout, object, options)).collect();
    let mut table = Map::new();
    table.insert("kind".to_owned(), "Table".into());
    table.insert("apiVersion".to_owned(), "meta.k8s.io/v1".into());
    table.insert("metadata".to_owned(), if options.metadata.is_object() { options.metadata.clone() } else { json!({}) });
    table.insert("columnDefinitions".to_owned(), if options.headers { layout.definitions() } else { json!([]) });
    table.insert("rows".to_owned(), Value::Array(rows));
    Value::Object(table)
}

fn row(layout: &Layout<'_>, object: &Value, options: Options<'_>) -> Value {
    let mut row = Map::new();
    row.insert("cells".to_owned(), Value::Array(layout.cells(object, options.now)));
    match options.include {
        Include::None => {}
        Include::Metadata => {
            let metadata = object.get("metadata").cloned().unwrap_or_else(|| json!({}));
            row.insert(
                "object".to_owned(),
                json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata}),
            );
        }
        Include::Object => {
            row.insert("object".to_owned(), object.clone());
        }
    }
    Value::Object(row)
}

/// What fills a cell.
enum Cell<'a> {
    Name,
    Path(Option<JsonPath>, &'a str),
    Own(fn(&Value, Timestamp) -> Value),
}

struct Layout<'a> {
    columns: Vec<(Value, Cell<'a>)>,
}

impl<'a> Layout<'a> {
    fn of(served: &'a Served) -> Self {
        let name =
            (definition("Name", "string", "name", "Name of the object, unique among its kind in its namespace.", 0), Cell::Name);
        let mut columns = vec![name];
        match builtin::columns(served) {
            Some(own) => {
                columns.extend(own.iter().map(|column| {
                    (definition(column.name, column.kind, "", column.about, column.priority), Cell::Own(column.cell))
                }));
            }
            None if served.columns.is_empty() => {
                columns.push((definition("Age", "date", "", "Time since the object was made.", 0), Cell::Own(builtin::created)));
            }
            None => columns.extend(served.columns.iter().map(Self::custom)),
        }
        Self { columns }
    }

    fn custom(column: &'a Column) -> (Value, Cell<'a>) {
        let definition = definition(&column.name, &column.kind, &column.format, &column.description, column.priority);
        (definition, Cell::Path(JsonPath::parse(&column.json_path).ok(), &column.kind))
    }

    fn definitions(&self) -> Value {
        self.columns.iter().map(|(definition, _)| definition.clone()).collect()
    }

    fn cells(&self, object: &Value, now: Timestamp) -> Vec<Value> {
        let cell = |cell: &Cell<'_>| match cell {
            Cell::Name => object.pointer("/metadata/name").cloned().unwrap_or_default(),
            Cell::Own(compute) => compute(object, now),
            Cell::Path(path, kind) => custom_cell(path.as_ref().and_then(|path| path.first(object)), kind, now),
        };
        self.columns.iter().map(|(_, column)| cell(column)).collect()
    }
}

fn definition(name: &str, kind: &str, format: &str, description: &str, priority: i32) -> Value {
    json!({"name": name, "type": kind, "format": format, "description": description, "priority": priority})
}

/// A custom column's cell: a value that does not fit the column's type is left out, as in Kubernetes.
fn custom_cell(value: Option<&Value>, kind: &str, now: Timestamp) -> Value {
    let Some(value) = value.filter(|value| !value.is_null()) else {
        return if kind == "date" { "<unknown>".into() } else { Value::Null };
    };
    match kind {
        "date" => age(Some(value), now).into(),
        "string" => value.as_str().map_or_else(|| value.to_string(), str::to_owned).into(),
        "integer" => value.as_i64().or_else(|| value.as_f64().map(|number| number as i64)).map_or(Value::Null, Value::from),
        "number" if value.is_number() => value.clone(),
        "boolean" if value.is_boolean() => value.clone(),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discovery::Served;

    const NOW: &str = "2026-01-02T00:00:00Z";

    fn check(served: &Served, object: Value) -> String {
        let now = NOW.parse().expect("a time");
        let table = render(served, [&object], Options { include: Include::None, headers: true, metadata: &Value::Null, now });
        let names: Vec<&str> =
            table["columnDefinitions"].as_array().into_iter().flatten().filter_map(|column| column["name"].as_str()).collect();
        format!("{}\n{}", names.join(" "), table["rows"][0]["cells"])
    }

    fn custom() -> Served {
        let column = |name: &str, kind: &str, path: &str| Column {
            name: name.to_owned(),
            kind: kind.to_owned(),
            json_path: path.to_owned(),
            ..Column::default()
        };
        Served {
            group: "seaway.dev".to_owned(),
            version: "v1".to_owned(),
            kind: "Thing".to_owned(),
            columns: vec![
                column("Ready", "string", r#".status.conditions[?(@.type=="Ready")].status"#),
                column("N", "integer", ".spec.n"),
                column("Since", "date", ".status.since"),
                column("Tags", "string", ".spec.tags"),
            ],
            ..Served::default()
        }
    }

    fn builtin(kind: &str) -> Served {
        Served { version: "v1".to_owned(), kind: kind.to_owned(), ..Served::default() }
    }

    #[test]
    fn custom_columns() {
        insta::assert_snapshot!(
            check(&custom(), json!({"metadata": {"name": "a"}, "spec": {"n": 3, "tags": ["x"]}, "status": {"since": "2026-01-01T23:59:00Z", "conditions": [{"type": "Ready", "status": "True"}]}})),
            @r#"
        Name Ready N Since Tags
        ["a","True",3,"60s","[\"x\"]"]
        "#
        );
        insta::assert_snapshot!(check(&custom(), json!({"metadata": {"name": "a"}, "spec": {"n": "x"}})), @r#"
        Name Ready N Since Tags
        ["a",null,null,"<unknown>",null]
        "#);
    }

    #[test]
    fn every_column_of_our_kinds_is_understood() {
        for info in seaway_api::kinds() {
            for column in &info.columns {
                assert!(JsonPath::parse(column.json_path).is_ok(), "{}: `{}`", info.kind, column.json_path);
            }
        }
    }

    #[test]
    fn no_columns_means_an_age() {
        let served = Served { columns: Vec::new(), ..custom() };
        insta::assert_snapshot!(check(&served, json!({"metadata": {"name": "a", "creationTimestamp": "2026-01-01T00:00:00Z"}})), @r#"
        Name Age
        ["a","24h"]
        "#);
    }

    #[test]
    fn builtin_columns() {
        let metadata = json!({"name": "a", "creationTimestamp": "2026-01-01T23:00:00Z"});
        insta::assert_snapshot!(check(&builtin("Namespace"), json!({"metadata": metadata, "status": {"phase": "Active"}})), @r#"
        Name Status Age
        ["a","Active","60m"]
        "#);
        insta::assert_snapshot!(check(&builtin("Secret"), json!({"metadata": metadata, "type": "Opaque", "data": {"a": "", "b": ""}})), @r#"
        Name Type Data Age
        ["a","Opaque",2,"60m"]
        "#);
        insta::assert_snapshot!(check(&builtin("ConfigMap"), json!({"metadata": metadata, "data": {"a": ""}, "binaryData": {"b": ""}})), @r#"
        Name Data Age
        ["a",2,"60m"]
        "#);
        insta::assert_snapshot!(check(&builtin("ServiceAccount"), json!({"metadata": metadata})), @r#"
        Name Secrets Age
        ["a",0,"60m"]
        "#);
        let lease = Served { group: "coordination.k8s.io".to_owned(), ..builtin("Lease") };
        insta::assert_snapshot!(check(&lease, json!({"metadata": metadata, "spec": {"holderIdentity": "x"}})), @r#"
        Name Holder Age
        ["a","x","60m"]
        "#);
    }

    #[test]
    fn events_of_both_apis() {
        let core = json!({"metadata": {"name": "e"}, "type": "Normal", "reason": "Promoted", "message": "done\n", "count": 2, "lastTimestamp": "2026-01-01T23:59:30Z",
            "firstTimestamp": "2026-01-01T23:50:00Z", "involvedObject": {"kind": "Stage", "name": "qa"}, "source": {"component": "seaway"}});
        insta::assert_snapshot!(check(&builtin("Event"), core), @r#"
        Name Last Seen Type Reason Object Subobject Source Message First Seen Count
        ["e","30s","Normal","Promoted","stage/qa","","seaway","done","10m",2]
        "#);
        let new = json!({"metadata": {"name": "e"}, "type": "Warning", "reason": "R", "note": "n", "eventTime": "2026-01-01T23:59:30.000000Z",
            "regarding": {"kind": "Stage", "name": "qa"}, "reportingController": "c", "reportingInstance": "i"});
        insta::assert_snapshot!(check(&Served { group: "events.k8s.io".to_owned(), ..builtin("Event") }, new), @r#"
        Name Last Seen Type Reason Object Subobject Source Message First Seen Count
        ["e","30s","Warning","R","stage/qa","","c, i","n","30s",1]
        "#);
    }

    #[test]
    fn rows_carry_what_is_asked_for() {
        let object = json!({"apiVersion": "v1", "kind": "Thing", "metadata": {"name": "a", "uid": "u"}, "spec": {}});
        let table = |include, headers| {
            let now = NOW.parse().expect("a time");
            render(&custom(), [&object], Options { include, headers, metadata: &json!({"resourceVersion": "7"}), now })
        };
        assert_eq!(table(Include::None, true)["rows"][0].get("object"), None);
        assert_eq!(table(Include::Object, true)["rows"][0]["object"], object);
        assert_eq!(table(Include::Metadata, true)["rows"][0]["object"]["metadata"]["uid"], "u");
        assert_eq!(table(Include::Metadata, true)["metadata"]["resourceVersion"], "7");
        assert_eq!(table(Include::Metadata, false)["columnDefinitions"], json!([]));
        assert_eq!(Include::parse(Some("All")), None);
    }
}
