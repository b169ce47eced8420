//! The tables of `seaway get`: stages, freight, warehouses and promotions as `core` sees them, the rest as the server prints them.

use super::Look;
use crate::exit::Failure;
use crate::output::{Cell, Table, state_style};
use crate::session::{Session, made};
use crate::world::{self, World};
use kube::ResourceExt as _;
use seaway_core::freight::{artifacts, newest_first};
use seaway_core::{view, why};
use serde_json::Value;

/// What `kubectl` asks for, too.
const AS_TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";

/// The table, and what to type next.
pub(super) async fn read(look: &Look, session: &Session) -> Result<(Table, Option<String>), Failure> {
    let ours: fn(&World, bool) -> (Table, Option<String>) = match look.kind.resource.kind.as_str() {
        "Stage" => stages,
        "Freight" => freight,
        "Warehouse" => warehouses,
        "Promotion" => promotions,
        _ => return Ok((printed(look, session).await?, None)),
    };
    let mut all: Option<Table> = None;
    let mut next = None;
    for project in &look.projects {
        let world = world::read(&session.verbs_of(project.as_str())).await?;
        let (mut table, hint) = ours(&world, look.wide);
        for parked in world.unreadable.iter().filter(|answer| answer.kind == look.kind.resource.kind) {
            table.rows.push(parked_row(parked, &table, &world));
        }
        keep_named(look, project, &mut table)?;
        next = next.or(hint);
        if look.all {
            table.prefix("PROJECT", project);
        }
        match &mut all {
            Some(all) => all.rows.extend(table.rows),
            None => all = Some(table),
        }
    }
    Ok((all.unwrap_or_default(), next.filter(|_| look.names.is_empty() && !look.all)))
}

/// Leaves the rows that were asked for; one that is not there is an error.
fn keep_named(look: &Look, project: &str, table: &mut Table) -> Result<(), Failure> {
    if look.names.is_empty() {
        return Ok(());
    }
    let mut wanted = Vec::new();
    for name in &look.names {
        if look.kind.resource.kind == "Freight" {
            wanted.push(if look.wide { name.clone() } else { short(name) });
        } else if table.rows.iter().any(|row| row.first().is_some_and(|cell| cell.text == *name)) {
            wanted.push(name.clone());
        } else {
            let known = table.rows.iter().filter_map(|row| row.first()).map(|cell| cell.text.clone()).collect();
            return Err(look.kind.missing(name, project, known));
        }
    }
    table.rows.retain(|row| row.first().is_some_and(|cell| wanted.contains(&cell.text)));
    Ok(())
}

/// An object that cannot be read, in a table of its kind.
fn parked_row(answer: &why::Answer, table: &Table, world: &World) -> Vec<Cell> {
    let cell = |head: &String| match head.as_str() {
        "STATE" | "PHASE" => state(answer.state),
        "WAITS FOR" | "MESSAGE" | "VERSIONS" => answer.in_few_words().into(),
        "SINCE" | "AGE" => world.age(answer.since).into(),
        _ => Cell::default(),
    };
    let mut row: Vec<Cell> = table.head.iter().map(cell).collect();
    if let Some(first) = row.first_mut() {
        *first = answer.name.as_str().into();
    }
    row
}

fn state(state: impl ToString) -> Cell {
    let text = state.to_string();
    let style = state_style(&text);
    Cell::from(text).styled(style)
}

fn stages(world: &World, wide: bool) -> (Table, Option<String>) {
    let mut table = Table::new(&["STAGE", "HAS", "NEXT", "STATE", "WAITS FOR", "SINCE"]);
    let rows = world.ask(view::stages);
    for row in &rows {
        let since = world.age(row.since);
        table.rows.push(vec![
            row.stage.as_str().into(),
            row.has.as_str().into(),
            row.next.as_str().into(),
            state(row.state),
            if wide { row.cause.as_str().into() } else { row.waits_for.as_str().into() },
            since.into(),
        ]);
    }
    // What waits for a person comes before what went wrong.
    let waits = rows.iter().find(|row| row.state == why::State::Waiting && row.hint.starts_with("seaway promote "));
    let next = waits.map(|row| row.hint.replacen("seaway promote ", "seaway plan ", 1));
    let next = next.or_else(|| rows.iter().map(|row| row.hint.clone()).find(|hint| !hint.is_empty()));
    (table, next)
}

fn freight(world: &World, wide: bool) -> (Table, Option<String>) {
    let mut table = Table::new(&["FREIGHT", "VERSIONS", "ALIAS", "FROM", "IN", "FOUND"]);
    let labels = world.labels();
    for freight in newest_first(world.freight.iter().collect()) {
        let reference = freight.reference();
        let all: Vec<String> = artifacts(&reference).into_iter().map(|(name, version)| format!("{name} {version}")).collect();
        let versions = if wide { all.join(", ") } else { labels.of(&reference) };
        let places: Vec<&str> = freight.status.iter().flat_map(|status| status.currently_in.keys()).map(String::as_str).collect();
        let name = freight.name_any();
        table.rows.push(vec![
            if wide { name.into() } else { short(&name).into() },
            versions.into(),
            freight.alias.as_str().into(),
            freight.origin.name.as_str().into(),
            places.join(", ").into(),
            world.age(freight.found_at()).into(),
        ]);
    }
    (table, None)
}

fn short(name: &str) -> String {
    name.get(..7).unwrap_or(name).to_owned()
}

fn warehouses(world: &World, wide: bool) -> (Table, Option<String>) {
    let mut table = Table::new(&["WAREHOUSE", "SUBSCRIPTIONS", "FREIGHT", "STATE", "WAITS FOR", "SINCE"]);
    for warehouse in &world.warehouses {
        let answer = world.ask(|project| why::warehouse(project, warehouse));
        let n_freight =
            world.freight.iter().filter(|freight| Some(&freight.origin.name) == warehouse.metadata.name.as_ref()).count();
        table.rows.push(vec![
            warehouse.name_any().into(),
            warehouse.spec.subscriptions.len().to_string().into(),
            n_freight.to_string().into(),
            state(answer.state),
            if wide { answer.cause.clone().into() } else { answer.waits_for.into() },
            world.age(answer.since).into(),
        ]);
    }
    (table, None)
}

fn promotions(world: &World, wide: bool) -> (Table, Option<String>) {
    let mut table = Table::new(&["PROMOTION", "STAGE", "FREIGHT", "PHASE", "MESSAGE", "AGE"]);
    let labels = world.labels();
    let mut promotions: Vec<_> = world.promotions.iter().collect();
    promotions.sort_by_key(|promotion| std::cmp::Reverse((made(*promotion), promotion.name_any())));
    for promotion in promotions {
        let answer = world.ask(|project| why::promotion(project, promotion));
        let freight = world.freight.iter().find(|freight| freight.name_any() == promotion.spec.freight);
        let freight = freight.map_or_else(
            || if wide { promotion.spec.freight.clone() } else { short(&promotion.spec.freight) },
            |freight| labels.of(&freight.reference()),
        );
        table.rows.push(vec![
            promotion.name_any().into(),
            promotion.spec.stage.as_str().into(),
            freight.into(),
            state(view::promotion_phase(promotion, &answer)),
            if wide { answer.cause.into() } else { answer.in_few_words().into() },
            world.age(made(promotion)).into(),
        ]);
    }
    (table, None)
}

/// The table as the control plane prints it for `kubectl`.
async fn printed(look: &Look, session: &Session) -> Result<Table, Failure> {
    let mut table = Table::default();
    for project in &look.projects {
        let path = look.kind.path(kube_project(look, project));
        let names: Vec<Option<&String>> = if look.names.is_empty() { vec![None] } else { look.names.iter().map(Some).collect() };
        for name in names {
            // A name is a segment: what cannot stand in one cannot be a name.
            let path = name.map_or_else(|| path.clone(), |name| format!("{path}/{}", segment(name)));
            let what = format!("get {}", look.kind.word());
            let request = http::Request::get(path).header(http::header::ACCEPT, AS_TABLE).body(Vec::new());
            let request = request.map_err(|err| Failure::bug(format_args!("{what}: {err}")))?;
            let answer: Value = match (session.client.request(request).await, name) {
                (Ok(answer), _) => answer,
                (Err(err), Some(name)) => return Err(look.kind.failed(&session.client, project, name, "get", err).await),
                (Err(err), None) => return Err(Failure::api(what, err)),
            };
            put(&mut table, &answer, look);
        }
        if look.all {
            break;
        }
    }
    Ok(table)
}

/// A name as a segment of an address.
fn segment(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~' | ':');
    name.chars().map(|c| if plain(c) { c.to_string() } else { percent(c) }).collect()
}

fn percent(c: char) -> String {
    c.encode_utf8(&mut [0; 4]).bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn kube_project<'a>(look: &Look, project: &'a str) -> Option<&'a str> {
    (!look.all && look.kind.namespaced).then_some(project)
}

fn put(table: &mut Table, answer: &Value, look: &Look) {
    let columns = answer["columnDefinitions"].as_array().cloned().unwrap_or_default();
    let shown: Vec<usize> =
        (0..columns.len()).filter(|index| look.wide || columns[*index]["priority"].as_i64().unwrap_or(0) == 0).collect();
    if table.head.is_empty() {
        let name = |index: &usize| columns[*index]["name"].as_str().unwrap_or_default().to_uppercase();
        table.head = shown.iter().map(name).collect();
        if look.all {
            table.head.insert(0, "PROJECT".to_owned());
        }
    }
    for row in answer["rows"].as_array().into_iter().flatten() {
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            other => other.to_string(),
        };
        let mut cells: Vec<Cell> = shown.iter().map(|index| text(&row["cells"][*index]).into()).collect();
        if look.all {
            cells.insert(0, row["object"]["metadata"]["namespace"].as_str().unwrap_or_default().into());
        }
        table.rows.push(cells);
    }
}
