//! Events: stored once, as core/v1 names their fields, and shown as core/v1 or as events.k8s.io/v1.

use crate::meta::text;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// The fields whose names differ: core/v1, events.k8s.io/v1.
const RENAMED: &[(&str, &str)] = &[
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("reportingComponent", "reportingController"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
];

/// Characters of a name that go into the name of its events; 253 are allowed in all.
const NAME_MAX: usize = 200;

/// What somebody did to an object: the reason of the event that tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    Created,
    Changed,
    Deleted,
}

impl Deed {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "Created",
            Self::Changed => "Changed",
            Self::Deleted => "Deleted",
        }
    }
}

/// The event that tells who did what to an object, as it is stored. It names the changed fields and holds nothing of what they say.
pub(crate) fn of_deed(
    deed: Deed,
    object: &Value,
    fields: &[&str],
    actor: &str,
    namespace: &str,
    at: Timestamp,
    mark: &str,
) -> Value {
    let of = |pointer: &str| text(object, pointer);
    let (kind, name, reason) = (of("/kind"), of("/metadata/name"), deed.as_str());
    let told = if fields.is_empty() { String::new() } else { format!(": {}", fields.join(", ")) };
    let second = crate::meta::instant(at);
    let short: String = name.chars().take(NAME_MAX).collect();
    json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": format!("{}.{mark}", short.replace(':', ".")),
            "namespace": namespace,
            "annotations": { "event.kargo.akuity.io/actor": actor },
        },
        "involvedObject": {
            "apiVersion": of("/apiVersion"), "kind": kind,
            "namespace": of("/metadata/namespace"), "name": name, "uid": of("/metadata/uid"),
        },
        "action": reason,
        "reason": reason,
        "message": format!("{actor} {} {} {name}{told}", reason.to_lowercase(), kind.to_lowercase()),
        "type": "Normal",
        "eventTime": format!("{at:.6}"),
        "firstTimestamp": second,
        "lastTimestamp": second,
        "count": 1,
        "reportingComponent": "seaway.dev/apiserver",
        "reportingInstance": "seaway",
    })
}

/// From events.k8s.io/v1 to how it is stored.
pub(crate) fn to_stored(event: Value) -> Value {
    rename(event, "v1", |(core, new)| (new, core))
}

/// From how it is stored to events.k8s.io/v1.
pub(crate) fn to_view(event: Value) -> Value {
    rename(event, "events.k8s.io/v1", |(core, new)| (core, new))
}

fn rename(
    event: Value,
    api_version: &str,
    direction: impl Fn((&'static str, &'static str)) -> (&'static str, &'static str),
) -> Value {
    let Value::Object(event) = event else { return event };
    let renamed: Map<String, Value> = event
        .into_iter()
        .map(|(name, value)| {
            if name == "apiVersion" {
                return (name, api_version.into());
            }
            let found = RENAMED.iter().map(|&pair| direction(pair)).find(|(from, _)| *from == name);
            (found.map_or(name, |(_, to)| to.to_owned()), value)
        })
        .collect();
    Value::Object(renamed)
}

/// When an event last said something, as far as it tells: the instant its hour runs from.
pub(crate) fn last_seen(event: &Value) -> Option<jiff::Timestamp> {
    let at = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).and_then(|text| text.parse().ok());
    ["/series/lastObservedTime", "/lastTimestamp", "/eventTime", "/metadata/creationTimestamp"].into_iter().filter_map(at).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_views_hold_the_same() {
        let view = json!({"apiVersion": "events.k8s.io/v1", "kind": "Event", "note": "pushed", "regarding": {"name": "qa"}, "type": "Normal"});
        let stored = to_stored(view.clone());
        assert_eq!(
            stored,
            json!({"apiVersion": "v1", "kind": "Event", "message": "pushed", "involvedObject": {"name": "qa"}, "type": "Normal"})
        );
        assert_eq!(to_view(stored), view);
    }
}
