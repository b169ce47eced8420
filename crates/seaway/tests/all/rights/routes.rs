//! `/seaway/v1` and the page: every operation of the OpenAPI document, asked as everybody.

use super::columns::{Asker, Columns};
use super::table::{Fault, compare, read};
use crate::asking::Answer;
use crate::bank::Bank;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const FILE: &str = include_str!("../../../../../tests/rights/routes.txt");
/// Where everybody sees their own part: a stage's name is told to whoever may look at the board.
const TELLS_STAGES: [&str; 3] = ["GET /status", "GET /seaway/v1/what-is-where", "GET /seaway/v1/search"];
const BOARD: &str = "GET /seaway/v1/projects/{p}/board";

/// The operations of the document: `GET /seaway/v1/projects/{}/board`.
fn documented(bank: &Bank) -> BTreeSet<String> {
    let document = bank.door.ask("GET", "/seaway/v1/openapi.json", &[], "").json();
    let paths = document["paths"].as_object().unwrap();
    let of_path = |(path, methods): (&String, &Value)| {
        let methods = methods.as_object().unwrap().keys().filter(|key| key.len() <= 6 && !key.contains('-')).cloned();
        methods.map(|method| bare(&format!("{} {path}", method.to_uppercase()))).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of_path).collect()
}

/// A route whatever its parameters are called.
fn bare(route: &str) -> String {
    let mut parts = route.split('{');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + "{}" + part.split_once('}').map_or("", |(_, rest)| rest))
}

/// The path that is asked: prod-eu's promotion and the freight of it.
fn target(bank: &Bank, route: &str) -> String {
    let values = [
        ("{p}", "bank"),
        ("{n}", &bank.promotions[1]),
        ("{f}", &bank.freight),
        ("{g}", &bank.freight),
        ("{s}", "prod-eu"),
        ("{w}", "bank"),
        ("{name}", "somebody"),
        ("{id}", "0123456789abcdef"),
    ];
    let path = values.iter().fold(route.to_owned(), |path, (name, value)| path.replace(name, value));
    assert!(!path.contains('{'), "{path}");
    match route {
        "/seaway/v1/search" => path + "?q=prod-eu",
        _ => path,
    }
}

fn body(route: &str) -> Value {
    match route {
        "/seaway/v1/projects/{p}/plans" | "/seaway/v1/projects/{p}/promotions" => {
            json!({"stage": "prod-eu", "freight": "1.5.0"})
        }
        "/seaway/v1/projects/{p}/freight/{f}/approve" => json!({"stage": "prod-eu"}),
        "/seaway/v1/projects/{p}/promotions/{n}/resolve" => json!({"choice": "skip"}),
        "/seaway/v1/tokens" => json!({"name": "asked"}),
        _ => json!({}),
    }
}

fn ask(bank: &Bank, asker: &mut Asker, row: &str) -> Answer {
    let (method, route) = row.split_once(' ').unwrap();
    let body = if method == "POST" { body(route).to_string() } else { String::new() };
    asker.ask(method, &target(bank, route), &[], &body)
}

/// `y` or `-` as the door answers, or what else it said; `file` tells a part of one's own from a plain yes.
fn cell(asker: &Asker, answer: &Answer, file: &str) -> String {
    match answer.status {
        401 if asker.name == "nobody" => "-".to_owned(),
        403 if asker.name != "nobody" => "-".to_owned(),
        200..=299 | 302 | 303 | 307 | 400 | 404 | 409 | 410 | 422 => if file == "=" { "=" } else { "y" }.to_owned(),
        status => format!("{status} {}", answer.body.chars().take(200).collect::<String>()),
    }
}

/// What is not as the file says.
pub(super) fn routes(bank: &Bank, columns: &Columns) -> Vec<Fault> {
    let table = read(FILE, "route");
    let (documented, written): (_, BTreeSet<String>) =
        (documented(bank), table.rows.iter().map(|(row, _)| bare(&row.replace("  ", " "))).collect());
    let fault = |row: &String, column: &str, file: &str, door: &str| Fault {
        row: row.clone(),
        column: column.to_owned(),
        file: file.to_owned(),
        door: door.to_owned(),
    };
    let mut faults: Vec<Fault> = documented.difference(&written).map(|row| fault(row, "all", "no row", "documents it")).collect();
    let stale = written.difference(&documented).filter(|row| row.contains(" /seaway/v1/"));
    faults.extend(stale.map(|row| fault(row, "all", "a row", "does not document it")));
    let board = table.rows.iter().position(|(row, _)| row == BOARD).expect("the board has a row");
    let asked = columns.each(bank, &table.columns, |asker| {
        let at = table.columns.iter().position(|column| *column == asker.name).unwrap();
        let rows = table.rows.iter().map(|(row, cells)| {
            let answer = ask(bank, asker, row);
            let sees = answer.status == 200 && answer.body.contains("prod-eu");
            let may_see = table.rows[board].1[at] == "y";
            if TELLS_STAGES.contains(&row.as_str()) && sees != may_see {
                return format!("tells of prod-eu: {sees}");
            }
            cell(asker, &answer, &cells[at])
        });
        rows.collect::<Vec<String>>()
    });
    for (at, (row, cells)) in table.rows.iter().enumerate() {
        let row_asked: Vec<String> = asked.iter().map(|column| column[at].clone()).collect();
        faults.extend(compare(&table, row, cells, &row_asked));
    }
    faults
}
