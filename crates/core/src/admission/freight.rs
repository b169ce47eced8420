//! Freight: named by what it is, called by an alias, and never changed.

use super::json::{at, list, name, present, text};
use super::names::is_label_value;
use super::{Admission, Cause, Denied, UniqueKey, alias};
use crate::freight::name::{Part, of};
use seaway_api::kargo::names::label;
use seaway_base::urls::{normalise_chart, normalise_git};
use serde_json::Value;

/// What never changes.
const PAYLOAD: [&str; 5] = ["origin", "commits", "images", "charts", "artifacts"];

pub(super) fn admit(admission: &mut Admission<'_>) -> Result<(), Denied> {
    if admission.deletes() {
        return check_unused(admission);
    }
    let drawn = if admission.creates() {
        create(admission)?
    } else {
        check_unchanged(admission)?;
        false
    };
    let alias = text(admission.object(), &["alias"]).to_owned();
    admission.sync_label(label::ALIAS, &alias);
    if drawn {
        // Whoever takes it meanwhile is met at the commit, and another one is drawn: nobody asked for this one.
        return Ok(());
    }
    let before = admission.request.old.map(|o| text(o, &["alias"])).unwrap_or_default();
    if alias == before || alias.is_empty() {
        return Ok(());
    }
    let namespace = admission.namespace();
    check_alias(admission, &namespace, &alias)
}

/// The key by which the writer keeps an alias to one piece of freight a project; it is held by writes to the status too.
pub(super) fn hold_alias(admission: &mut Admission<'_>) {
    let alias = text(admission.object(), &["alias"]).to_owned();
    if !alias.is_empty() {
        let namespace = admission.namespace();
        admission.admitted.unique.push(key_of(&namespace, &alias));
    }
}

fn key_of(namespace: &str, alias: &str) -> UniqueKey {
    UniqueKey { kind: "Freight", namespace: namespace.to_owned(), field: "alias", value: alias.to_owned() }
}

/// Completes new freight; `true` if its alias was drawn.
fn create(admission: &mut Admission<'_>) -> Result<bool, Denied> {
    admission.check_project()?;
    let (random, now) = (admission.request.random, admission.request.now);
    let is_drawn = text(admission.object(), &["alias"]).is_empty();
    if is_drawn {
        let namespace = admission.namespace();
        let drawn = alias::choose(random, |alias| admission.world.holder(&key_of(&namespace, alias)).is_some());
        admission.object()["alias"] = Value::from(drawn);
    }
    let object = admission.object();
    if !present(object, &["discoveredAt"]) {
        // To the millisecond: freight that was made in one second has an order all the same.
        let now = jiff::Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now);
        object["discoveredAt"] = Value::from(now.to_string());
    }
    let own_name = named(object);
    let metadata = super::json::map_at(object, "metadata");
    metadata.shift_remove("generateName");
    metadata.insert("name".into(), Value::from(own_name));
    admission.check_rules()?;
    check_subscriptions(admission)?;
    Ok(is_drawn)
}

/// The name that its origin and artifacts give it.
fn named(freight: &Value) -> String {
    let commits = list(freight, &["commits"]).iter().map(|c| Part::Commit {
        repo_url: text(c, &["repoURL"]),
        tag: text(c, &["tag"]),
        id: text(c, &["id"]),
        subscription: text(c, &["subscriptionName"]),
    });
    let images = list(freight, &["images"]).iter().map(|i| Part::Image {
        repo_url: text(i, &["repoURL"]),
        tag: text(i, &["tag"]),
        digest: text(i, &["digest"]),
        subscription: text(i, &["subscriptionName"]),
    });
    let charts = list(freight, &["charts"]).iter().map(|c| Part::Chart {
        repo_url: text(c, &["repoURL"]),
        name: text(c, &["name"]),
        version: text(c, &["version"]),
        subscription: text(c, &["subscriptionName"]),
    });
    let others = list(freight, &["artifacts"]).iter().map(|a| Part::Other {
        artifact_type: text(a, &["artifactType"]),
        subscription: text(a, &["subscriptionName"]),
        version: text(a, &["version"]),
    });
    let origin = [text(freight, &["origin", "kind"]), text(freight, &["origin", "name"])];
    of(origin[0], origin[1], commits.chain(images).chain(charts).chain(others))
}

pub(super) fn rules(object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    if PAYLOAD[1..].iter().all(|key| list(object, &[key]).is_empty()) {
        causes.push(Cause::required("", "freight holds at least one of commits, images, charts and artifacts"));
    }
    if text(object, &["origin", "name"]).is_empty() {
        causes.push(Cause::required("origin", "freight comes from somewhere; name its warehouse"));
    }
    let alias = text(object, &["alias"]);
    if !alias.is_empty() && !is_label_value(alias) {
        causes.push(Cause::invalid(
            "alias",
            "write at most 63 of letters, digits, -, _ and ., beginning and ending with a letter or digit",
        ));
    }
    causes
}

fn check_alias(admission: &Admission<'_>, namespace: &str, alias: &str) -> Result<(), Denied> {
    if !is_label_value(alias) {
        return admission.invalid(rules(&serde_json::json!({ "alias": alias, "commits": [{}] })));
    }
    let own = admission.name();
    match admission.world.holder(&key_of(namespace, alias)).filter(|holder| *holder != own) {
        Some(other) => {
            let message = format!("the alias {alias} belongs to freight {other} of this project; choose another");
            Err(Denied::conflict("Freight", &own, &message))
        }
        None => Ok(()),
    }
}

/// The artifacts of new freight are those its warehouse asks for: each of them, and each once.
fn check_subscriptions(admission: &mut Admission<'_>) -> Result<(), Denied> {
    let namespace = admission.namespace();
    let object = admission.object().clone();
    let origin = text(&object, &["origin", "name"]);
    let Some(warehouse) = admission.world.get("Warehouse", Some(&namespace), origin) else {
        let message = format!("there is no warehouse {origin} in project {namespace}; freight comes from one that is there");
        return admission.invalid(vec![Cause::invalid("origin.name", message)]);
    };
    let mut wanted: Vec<(String, bool)> =
        list(&warehouse, &["spec", "subscriptions"]).iter().filter_map(|s| Some((subscription_key(s)?, false))).collect();
    let mut causes = Vec::new();
    for key in ["commits", "images", "charts"] {
        for (i, artifact) in list(&object, &[key]).iter().enumerate() {
            let field = format!("{key}[{i}]");
            let found = artifact_key(key, artifact);
            match wanted.iter_mut().find(|(wanted, _)| *wanted == found) {
                Some((_, met @ false)) => *met = true,
                Some(_) => causes.push(Cause::duplicate(field, format!("{found} is there already; freight holds one of each"))),
                None => {
                    causes.push(Cause::invalid(field, format!("warehouse {origin} does not subscribe to {found}; take it out")))
                }
            }
        }
    }
    for (missing, _) in wanted.iter().filter(|(_, met)| !met) {
        causes.push(Cause::required(
            "",
            format!("warehouse {origin} subscribes to {missing}, of which there is nothing here; add one"),
        ));
    }
    admission.invalid(causes)
}

fn subscription_key(subscription: &Value) -> Option<String> {
    ["git", "image", "chart"].into_iter().zip(["commits", "images", "charts"]).find_map(|(key, list)| {
        let body = subscription.get(key)?;
        Some(artifact_key(list, body))
    })
}

fn artifact_key(list: &str, body: &Value) -> String {
    let url = text(body, &["repoURL"]);
    match list {
        "commits" => format!("git repository {}", normalise_git(url)),
        "images" => format!("image repository {url}"),
        _ => {
            let name = text(body, &["name"]);
            let url = normalise_chart(url);
            if name.is_empty() { format!("chart {url}") } else { format!("chart {name} of {url}") }
        }
    }
}

fn check_unchanged(admission: &mut Admission<'_>) -> Result<(), Denied> {
    let Some(old) = admission.request.old else { return Ok(()) };
    // A field of the old object that is not sent is put back by nobody, so it counts as changed.
    let empty = |v: Option<&Value>| v.is_none_or(|v| v.is_null() || v.as_array().is_some_and(Vec::is_empty));
    let object = admission.object();
    let causes = PAYLOAD
        .iter()
        .filter(|key| {
            let (new, old) = (at(object, &[key]), at(old, &[key]));
            new != old && !(empty(new) && empty(old))
        })
        .map(|key| Cause::forbidden(*key, "freight never changes; make another with the artifacts you want"))
        .collect();
    admission.invalid(causes)
}

/// Freight that is somewhere stays.
fn check_unused(admission: &Admission<'_>) -> Result<(), Denied> {
    let own = admission.name();
    let namespace = admission.namespace();
    let stages = admission.world.list("Stage", Some(&namespace));
    let uses = |stage: &&std::sync::Arc<Value>| {
        let current = list(stage, &["status", "freightHistory"]).first();
        let items = current.and_then(|c| c.get("items")).and_then(Value::as_object);
        items.is_some_and(|items| items.values().any(|item| text(item, &["name"]) == own))
    };
    match stages.iter().find(uses) {
        Some(stage) => {
            let message = format!("it is in stage {} now; promote something else there first", name(stage));
            Err(Denied::forbidden("Freight", &own, &message))
        }
        None => Ok(()),
    }
}
