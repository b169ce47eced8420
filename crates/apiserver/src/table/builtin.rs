//! The columns of the built-in kinds.

use jiff::Timestamp;
use seaway_core::authorize::RBAC;
use serde_json::{Map, Value};

use super::age::age;
use crate::discovery::Served;

/// A column whose cell is computed.
pub(super) struct Own {
    pub(super) name: &'static str,
    pub(super) kind: &'static str,
    pub(super) about: &'static str,
    pub(super) priority: i32,
    pub(super) cell: fn(&Value, Timestamp) -> Value,
}

const fn own(
    name: &'static str,
    kind: &'static str,
    about: &'static str,
    priority: i32,
    cell: fn(&Value, Timestamp) -> Value,
) -> Own {
    Own { name, kind, about, priority, cell }
}

const AGE: Own = own("Age", "string", "Time since the object was made.", 0, created);

static NAMESPACE: [Own; 2] =
    [own("Status", "string", "Whether it is in use or being cleared.", 0, |object, _| text(object, "/status/phase")), AGE];
static SECRET: [Own; 3] = [
    own("Type", "string", "What the data is for.", 0, |object, _| text(object, "/type")),
    own("Data", "string", "Number of entries.", 0, |object, _| entries(object, &["/data"])),
    AGE,
];
static CONFIG_MAP: [Own; 2] =
    [own("Data", "string", "Number of entries.", 0, |object, _| entries(object, &["/data", "/binaryData"])), AGE];
static SERVICE_ACCOUNT: [Own; 2] = [
    own("Secrets", "string", "Number of secrets.", 0, |object, _| {
        object.get("secrets").and_then(Value::as_array).map_or(0, Vec::len).into()
    }),
    AGE,
];
static LEASE: [Own; 2] = [own("Holder", "string", "Who holds it.", 0, |object, _| text(object, "/spec/holderIdentity")), AGE];
/// As kubectl prints roles: the instant, not the age.
const CREATED_AT: Own =
    own("Created At", "date", "When it was made.", 0, |object, _| text(object, "/metadata/creationTimestamp"));
static ROLE: [Own; 1] = [CREATED_AT];
static BINDING: [Own; 5] = [
    own("Role", "string", "The role it grants.", 0, |object, _| {
        format!("{}/{}", plain(object, "/roleRef/kind"), plain(object, "/roleRef/name")).into()
    }),
    AGE,
    own("Users", "string", "The users among its subjects.", 1, |object, _| subjects(object, "User")),
    own("Groups", "string", "The groups among its subjects.", 1, |object, _| subjects(object, "Group")),
    own("ServiceAccounts", "string", "The service accounts among its subjects.", 1, |object, _| {
        subjects(object, "ServiceAccount")
    }),
];
static EVENT: [Own; 9] = [
    own("Last Seen", "string", "Time since it was last seen.", 0, last_seen),
    own("Type", "string", "Normal or Warning.", 0, |object, _| text(object, "/type")),
    own("Reason", "string", "Why it was recorded.", 0, |object, _| text(object, "/reason")),
    own("Object", "string", "What it is about.", 0, |object, _| about(object)),
    own("Subobject", "string", "The part of the object that it is about.", 1, |object, _| {
        either(object, "/involvedObject/fieldPath", "/regarding/fieldPath").cloned().unwrap_or_else(|| "".into())
    }),
    own("Source", "string", "Who recorded it.", 1, |object, _| source(object)),
    own("Message", "string", "What happened.", 0, |object, _| {
        either(object, "/message", "/note").and_then(Value::as_str).unwrap_or_default().trim().into()
    }),
    own("First Seen", "string", "Time since it was first seen.", 1, first_seen),
    own("Count", "string", "How often it was seen.", 1, |object, _| count(object)),
];

/// The columns of a built-in kind, after the name.
pub(super) fn columns(served: &Served) -> Option<&'static [Own]> {
    match (served.group.as_str(), served.kind.as_str()) {
        ("", "Namespace") => Some(&NAMESPACE),
        ("", "Secret") => Some(&SECRET),
        ("", "ConfigMap") => Some(&CONFIG_MAP),
        ("", "ServiceAccount") => Some(&SERVICE_ACCOUNT),
        ("" | "events.k8s.io", "Event") => Some(&EVENT),
        ("coordination.k8s.io", "Lease") => Some(&LEASE),
        (RBAC, "Role" | "ClusterRole") => Some(&ROLE),
        (RBAC, "RoleBinding" | "ClusterRoleBinding") => Some(&BINDING),
        _ => None,
    }
}

pub(super) fn created(object: &Value, now: Timestamp) -> Value {
    age(object.pointer("/metadata/creationTimestamp"), now).into()
}

fn text(object: &Value, pointer: &str) -> Value {
    object.pointer(pointer).filter(|value| value.is_string()).cloned().unwrap_or_else(|| "".into())
}

fn plain<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The subjects of a kind, separated by commas; service accounts with their namespace.
fn subjects(object: &Value, kind: &str) -> Value {
    let all = object.get("subjects").and_then(Value::as_array).into_iter().flatten();
    let shown = all.filter(|subject| plain(subject, "/kind") == kind).map(|subject| match plain(subject, "/namespace") {
        "" => plain(subject, "/name").to_owned(),
        namespace => format!("{namespace}/{}", plain(subject, "/name")),
    });
    shown.collect::<Vec<_>>().join(", ").into()
}

fn entries(object: &Value, pointers: &[&str]) -> Value {
    pointers.iter().map(|pointer| object.pointer(pointer).and_then(Value::as_object).map_or(0, Map::len)).sum::<usize>().into()
}

/// A field under the name it has in core/v1, or else in events.k8s.io/v1.
fn either<'a>(object: &'a Value, core: &str, new: &str) -> Option<&'a Value> {
    object.pointer(core).or_else(|| object.pointer(new)).filter(|value| !value.is_null())
}

fn last_seen(object: &Value, now: Timestamp) -> Value {
    let time = object
        .pointer("/series/lastObservedTime")
        .or_else(|| either(object, "/lastTimestamp", "/deprecatedLastTimestamp"))
        .filter(|value| !value.is_null())
        .or_else(|| object.get("eventTime"));
    age(time, now).into()
}

fn first_seen(object: &Value, now: Timestamp) -> Value {
    let time = either(object, "/firstTimestamp", "/deprecatedFirstTimestamp").or_else(|| object.get("eventTime"));
    age(time, now).into()
}

fn about(object: &Value) -> Value {
    let part = |field: &str| {
        either(object, &format!("/involvedObject/{field}"), &format!("/regarding/{field}"))
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    format!("{}/{}", part("kind").to_lowercase(), part("name")).into()
}

fn source(object: &Value) -> Value {
    let part = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
    let who = part("/source/component")
        .or_else(|| part("/deprecatedSource/component"))
        .or_else(|| part("/reportingComponent"))
        .or_else(|| part("/reportingController"));
    let place = part("/source/host").or_else(|| part("/deprecatedSource/host")).or_else(|| part("/reportingInstance"));
    who.into_iter().chain(place).collect::<Vec<_>>().join(", ").into()
}

fn count(object: &Value) -> Value {
    let count = object
        .pointer("/series/count")
        .or_else(|| either(object, "/count", "/deprecatedCount"))
        .and_then(Value::as_u64)
        .filter(|count| *count > 0);
    count.unwrap_or(1).into()
}
