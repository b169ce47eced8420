//! The Kubernetes API: each verb of each kind that discovery tells, and the fields that need a right of their own.

use super::columns::{Asker, Columns};
use super::table::{Fault, Table, compare, read};
use crate::bank::{Bank, KARGO};
use serde_json::{Value, json};

const FILE: &str = include_str!("../../../../../tests/rights/kinds.txt");
/// The letters of a cell, in their order, and the verbs that they stand for.
const LETTERS: [(char, &str); 8] = [
    ('g', "get"),
    ('l', "list"),
    ('w', "watch"),
    ('c', "create"),
    ('u', "update"),
    ('p', "patch"),
    ('d', "delete"),
    ('x', "deletecollection"),
];

/// A kind or subresource as discovery tells it.
struct Served {
    /// As the file names it: `projects.kargo.akuity.io/status`.
    row: String,
    /// Where its list is, for a subresource its parent's.
    path: String,
    resource: String,
    subresource: Option<String>,
    kind: String,
    api_version: String,
    verbs: Vec<String>,
}

fn served(bank: &Bank) -> Vec<Served> {
    let json = |path: &str| bank.as_owner("GET", path, "").json();
    let groups = json("/apis");
    let versions = groups["groups"].as_array().unwrap().iter().flat_map(|group| group["versions"].as_array().unwrap());
    let versions = versions.map(|version| version["groupVersion"].as_str().unwrap().to_owned());
    let mut all = Vec::new();
    for version in versions.chain(["v1".to_owned()]) {
        let root = if version == "v1" { "/api/v1".to_owned() } else { format!("/apis/{version}") };
        let group = version.split_once('/').map(|(group, _)| format!(".{group}")).unwrap_or_default();
        for found in json(&root)["resources"].as_array().unwrap() {
            let text = |name: &str| found[name].as_str().unwrap_or_default().to_owned();
            let name = text("name");
            let (resource, subresource) = name.split_once('/').map_or((name.as_str(), None), |(own, sub)| (own, Some(sub)));
            let place = if found["namespaced"] == true { "/namespaces/bank" } else { "" };
            all.push(Served {
                row: format!("{resource}{group}{}", subresource.map(|sub| format!("/{sub}")).unwrap_or_default()),
                path: format!("{root}{place}/{resource}"),
                resource: resource.to_owned(),
                subresource: subresource.map(str::to_owned),
                kind: text("kind"),
                api_version: version.clone(),
                verbs: found["verbs"].as_array().unwrap().iter().map(|verb| verb.as_str().unwrap().to_owned()).collect(),
            });
        }
    }
    assert!(all.len() > 30, "discovery tells of {} kinds alone", all.len());
    all
}

/// The object that is asked about: one that is there where there is one.
fn object(bank: &Bank, resource: &str) -> String {
    match resource {
        "projects" | "namespaces" | "warehouses" | "projectconfigs" => "bank".to_owned(),
        "stages" => "prod-eu".to_owned(),
        "freights" => bank.freight.clone(),
        "promotions" => bank.promotions[1].clone(),
        "serviceaccounts" | "roles" | "rolebindings" => "kargo-viewer".to_owned(),
        "clusterroles" | "clusterrolebindings" => "kargo-user".to_owned(),
        _ => "asked".to_owned(),
    }
}

/// What is made: no more than whoever may make it at all can make. A binding gives what every writer of bindings has.
fn made(bank: &Bank, served: &Served) -> Value {
    let mut body = json!({"apiVersion": served.api_version, "kind": served.kind, "metadata": {"name": "asked"}});
    match served.resource.as_str() {
        "promotions" => body["spec"] = json!({"stage": "qa", "freight": bank.freight}),
        "plans" => body["spec"] = json!({"stage": "prod-eu", "freight": bank.freight}),
        "roles" | "clusterroles" => body["rules"] = json!([]),
        "rolebindings" => {
            body["roleRef"] = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "kargo-viewer"})
        }
        "clusterrolebindings" => {
            body["roleRef"] = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "kargo-user"});
        }
        _ => {}
    }
    if served.subresource.as_deref() == Some("token") {
        body = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}});
    }
    body
}

/// Asks for one verb: allowed, or the letter's place is empty; any other answer than a plain yes or no is told.
fn may(bank: &Bank, asker: &mut Asker, served: &Served, verb: &str) -> Result<bool, String> {
    let Served { path, resource, subresource, .. } = served;
    let name = object(bank, resource);
    let sub = subresource.as_ref().map(|sub| format!("/{sub}")).unwrap_or_default();
    let one = format!("{path}/{name}{sub}");
    let label = json!({"metadata": {"labels": {"asked": "yes"}}}).to_string();
    let merge = [("Content-Type", "application/merge-patch+json")];
    let create = if subresource.is_some() { one.clone() } else { path.clone() };
    let answer = match verb {
        "get" => asker.ask("GET", &one, &[], ""),
        "list" => asker.ask("GET", path, &[], ""),
        "watch" => asker.ask("GET", &format!("{path}?watch=true&timeoutSeconds=1"), &[], ""),
        "create" => asker.ask("POST", &format!("{create}?dryRun=All"), &[], &made(bank, served).to_string()),
        "update" => {
            let mut body = made(bank, served);
            body["metadata"]["name"] = name.into();
            asker.ask("PUT", &format!("{one}?dryRun=All"), &[], &body.to_string())
        }
        "patch" => asker.ask("PATCH", &format!("{one}?dryRun=All"), &merge, &label),
        // Freight that stands in a stage stays, whoever asks: it is not the right that is lacking.
        "delete" if resource == "freights" => asker.ask("DELETE", &format!("{path}/asked?dryRun=All"), &[], ""),
        "delete" => asker.ask("DELETE", &format!("{one}?dryRun=All"), &[], ""),
        _ => asker.ask("DELETE", &format!("{path}?dryRun=All&labelSelector=asked%3Dyes"), &[], ""),
    };
    match answer.status {
        401 if asker.name == "nobody" => Ok(false),
        403 if asker.name != "nobody" => Ok(false),
        // What is not served is refused for want of the right, or of the verb to those who have every right.
        405 if !served.verbs.iter().any(|own| own == verb) => Ok(false),
        200..=299 | 400 | 404 | 405 | 409 | 415 | 422 => Ok(true),
        status => Err(format!("{status} to {verb}: {}", answer.body)),
    }
}

/// What is not as the file says of kinds and verbs.
pub(super) fn kinds(bank: &Bank, columns: &Columns) -> Vec<Fault> {
    let mut table = read(FILE, "kind");
    table.columns.push("nobody".to_owned());
    table.rows.iter_mut().for_each(|(_, cells)| cells.push("-".to_owned()));
    let served = served(bank);
    let mut faults = unnamed(&table, &served);
    let known: Vec<(&Served, &Vec<String>)> = served
        .iter()
        .filter_map(|kind| table.rows.iter().find(|(row, _)| *row == kind.row).map(|(_, cells)| (kind, cells)))
        .collect();
    // Each asker goes through all rows on one connection.
    let asked = columns
        .each(bank, &table.columns, |asker| known.iter().map(|(kind, _)| cell(bank, asker, kind)).collect::<Vec<String>>());
    for (at, (kind, cells)) in known.iter().enumerate() {
        let row: Vec<String> = asked.iter().map(|column| column[at].clone()).collect();
        faults.extend(compare(&table, &kind.row, cells, &row));
    }
    faults
}

fn cell(bank: &Bank, asker: &mut Asker, kind: &Served) -> String {
    let mut cell = String::new();
    // A review or subresource has no list; what is asked of the whole kind is not asked of a part of it.
    let of_parts = ["get", "create", "update", "patch"];
    let asks = |verb: &str| match kind.subresource.as_deref() {
        Some("token") => verb == "create",
        Some(_) => of_parts.contains(&verb) && verb != "create",
        None => true,
    };
    for (letter, verb) in LETTERS.into_iter().filter(|(_, verb)| asks(verb)) {
        match may(bank, asker, kind, verb) {
            Ok(true) => cell.push(letter),
            Ok(false) => {}
            Err(told) => return told,
        }
    }
    if cell.is_empty() { "-".to_owned() } else { cell }
}

/// Kinds that are served and not in the file, and the other way round.
fn unnamed(table: &Table, served: &[Served]) -> Vec<Fault> {
    let fault = |row: &str, file: &str, door: &str| Fault {
        row: row.to_owned(),
        column: "all".to_owned(),
        file: file.to_owned(),
        door: door.to_owned(),
    };
    let missing = served.iter().filter(|kind| table.rows.iter().all(|(row, _)| *row != kind.row));
    let stale = table.rows.iter().filter(|(row, _)| served.iter().all(|kind| kind.row != *row));
    let missing = missing.map(|kind| fault(&kind.row, "no row", &format!("serves {}", kind.verbs.join(","))));
    missing.chain(stale.map(|(row, _)| fault(row, "a row", "does not serve it"))).collect()
}

/// What is not as the file says of the fields that need a right of their own.
pub(super) fn gates(bank: &Bank, columns: &Columns) -> Vec<Fault> {
    let table = read(FILE, "gate");
    let asked = columns.each(bank, &table.columns, |asker| {
        table.rows.iter().map(|(gate, _)| gate_of(bank, asker, gate)).collect::<Vec<String>>()
    });
    let rows = table.rows.iter().enumerate();
    rows.flat_map(|(at, (gate, cells))| {
        let row: Vec<String> = asked.iter().map(|column| column[at].clone()).collect();
        compare(&table, gate, cells, &row)
    })
    .collect()
}

fn gate_of(bank: &Bank, asker: &mut Asker, gate: &str) -> String {
    let freight = format!("{KARGO}/freights/{}/status?dryRun=All", bank.freight);
    let patch = |asker: &mut Asker, path: &str, body: Value| {
        asker.ask("PATCH", path, &[("Content-Type", "application/merge-patch+json")], &body.to_string()).status
    };
    let annotated = |name: &str, value: &str| json!({"metadata": {"annotations": {name: value}}});
    let (what, of) = gate.split_once(' ').unwrap_or((gate, ""));
    let codes = match what {
        "approve" => {
            vec![patch(asker, &freight, json!({"status": {"approvedFor": {of: {"approvedAt": "2026-03-01T12:00:00Z"}}}}))]
        }
        "mark" => {
            ["verifiedIn", "currentlyIn"].map(|field| patch(asker, &freight, json!({"status": {field: {"e2e": {}}}}))).to_vec()
        }
        "promote" => {
            let body = json!({"apiVersion": "kargo.akuity.io/v1alpha1", "kind": "Promotion", "metadata": {"name": "asked"},
                "spec": {"stage": of, "freight": bank.freight}});
            vec![asker.ask("POST", &format!("{KARGO}/promotions?dryRun=All"), &[], &body.to_string()).status]
        }
        "abort" => {
            let name = &bank.promotions[usize::from(of != "qa")];
            vec![patch(asker, &format!("{KARGO}/promotions/{name}?dryRun=All"), annotated("kargo.akuity.io/abort", "terminate"))]
        }
        "refresh" => {
            let place = if of == "stage" { "stages/qa" } else { "warehouses/bank" };
            vec![patch(asker, &format!("{KARGO}/{place}?dryRun=All"), annotated("kargo.akuity.io/refresh", "now"))]
        }
        "confer" => {
            let body = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "asked"},
                "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "user:x"}],
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}});
            let path = "/apis/rbac.authorization.k8s.io/v1/namespaces/bank/rolebindings?dryRun=All";
            vec![asker.ask("POST", path, &[], &body.to_string()).status]
        }
        // Alice may read stages: what is refused is to act as her.
        "impersonate" => vec![asker.ask("GET", &format!("{KARGO}/stages"), &[("Impersonate-User", "user:alice")], "").status],
        _ => panic!("no gate is called {gate}"),
    };
    match codes.as_slice() {
        all if all.iter().all(|code| *code == 403) => "-".to_owned(),
        all if all.iter().all(|code| (200..300).contains(code)) => "y".to_owned(),
        all => format!("{all:?}"),
    }
}
