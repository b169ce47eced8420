//! ProjectConfig and ClusterConfig: who promotes by itself, and where the outside may tell of news.

use super::json::{at, flag, list, name, present, text};
use super::{Admission, Cause, Denied};
use serde_json::Value;
use std::collections::HashMap;

const RECEIVERS: [&str; 10] =
    ["bitbucket", "dockerhub", "github", "gitlab", "harbor", "quay", "artifactory", "azure", "gitea", "generic"];

pub(super) fn admit_project(admission: &mut Admission<'_>) -> Result<(), Denied> {
    if admission.deletes() {
        return Ok(());
    }
    let (own, namespace) = (admission.name(), admission.namespace());
    if own != namespace {
        return admission.invalid(vec![Cause::invalid(
            "metadata.name",
            format!("a project has one configuration, which bears its name; call it {namespace}"),
        )]);
    }
    admission.check_project()?;
    admission.check_rules()
}

pub(super) fn admit_cluster(admission: &mut Admission<'_>) -> Result<(), Denied> {
    if admission.deletes() { Ok(()) } else { admission.check_rules() }
}

pub(super) fn rules_project(object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let namespace = text(object, &["metadata", "namespace"]);
    if !namespace.is_empty() && name(object) != namespace {
        causes.push(Cause::invalid("metadata.name", format!("a project's configuration bears its name; call it {namespace}")));
    }
    policies(list(object, &["spec", "promotionPolicies"]), &mut causes);
    receivers(list(object, &["spec", "webhookReceivers"]), &mut causes);
    for (i, window) in list(object, &["spec", "promotionWindows"]).iter().enumerate() {
        if window.get("projectSelector").is_some() {
            let field = format!("spec.promotionWindows[{i}].projectSelector");
            causes.push(Cause::forbidden(field, "a project's windows are for that project; a ClusterConfig may select projects"));
        }
    }
    windows(object, &mut causes);
    causes
}

pub(super) fn rules_cluster(object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    if name(object) != "cluster" {
        causes.push(Cause::invalid("metadata.name", "there is one ClusterConfig; call it cluster"));
    }
    receivers(list(object, &["spec", "webhookReceivers"]), &mut causes);
    windows(object, &mut causes);
    causes
}

fn policies(policies: &[Value], causes: &mut Vec<Cause>) {
    let mut exact: HashMap<&str, usize> = HashMap::new();
    for (i, policy) in policies.iter().enumerate() {
        let field = format!("spec.promotionPolicies[{i}]");
        let selector = policy.get("stageSelector").filter(|s| !s.is_null());
        let stage = text(policy, &["stage"]);
        if stage.is_empty() == selector.is_none() {
            causes.push(Cause::invalid(&field, "a policy says which stages it is for by exactly one of stage and stageSelector"));
        }
        let named = selector.map_or(stage, |s| text(s, &["name"]));
        if selector.is_some() {
            let at_name = format!("{field}.stageSelector.name");
            causes.extend(pattern(named).map(|message| Cause::invalid(at_name, message)));
        }
        if !named.is_empty()
            && !named.contains(':')
            && let Some(first) = exact.insert(named, i)
        {
            let message = format!("spec.promotionPolicies[{first}] is for {named} already; the first that matches decides");
            causes.push(Cause::duplicate(&field, message));
        }
        for (key, allowed) in [("onPromotion", ["Failed", "Errored"]), ("onVerification", ["Failed", "Error"])] {
            for (j, phase) in list(policy, &["autoRollback", key]).iter().enumerate() {
                if !phase.as_str().is_some_and(|p| allowed.contains(&p)) {
                    let field = format!("{field}.autoRollback.{key}[{j}]");
                    causes.push(Cause::not_supported(field, format!("write {} or {}", allowed[0], allowed[1])));
                }
            }
        }
    }
}

/// What is wrong with a name pattern: `regex:`, `regexp:` and `glob:` are known, anything else is an exact name.
fn pattern(pattern: &str) -> Option<String> {
    let (prefix, body) = pattern.split_once(':')?;
    match prefix {
        "regex" | "regexp" => crate::go_regex::compile(body).err().map(|e| e.to_string()),
        "glob" => globset::Glob::new(body).err().map(|e| format!("{body} is not a glob: {e}")),
        other => Some(format!("{other}: is no kind of pattern; write regex:, regexp:, glob: or an exact name")),
    }
}

fn receivers(receivers: &[Value], causes: &mut Vec<Cause>) {
    let mut names: HashMap<&str, usize> = HashMap::new();
    for (i, receiver) in receivers.iter().enumerate() {
        let field = format!("spec.webhookReceivers[{i}]");
        if let Some(first) = names.insert(text(receiver, &["name"]), i) {
            let message = format!("spec.webhookReceivers[{first}] has this name already; choose another");
            causes.push(Cause::duplicate(format!("{field}.name"), message));
        }
        let set: Vec<_> = RECEIVERS.into_iter().filter(|key| receiver.get(key).is_some_and(|v| !v.is_null())).collect();
        if set.len() != 1 {
            let found = if set.is_empty() { "none is".into() } else { format!("{} are", set.join(", ")) };
            causes.push(Cause::invalid(
                &field,
                format!("a receiver has exactly one type, and {found} set; make one receiver a type"),
            ));
        }
        for (a, action) in list(receiver, &["generic", "actions"]).iter().enumerate() {
            for (c, criteria) in list(action, &["targetSelectionCriteria"]).iter().enumerate() {
                let lists = [["labelSelector", "matchExpressions"], ["indexSelector", "matchIndices"]];
                let labels = at(criteria, &["labelSelector", "matchLabels"]).and_then(Value::as_object);
                let any = present(criteria, &["name"])
                    || labels.is_some_and(|labels| !labels.is_empty())
                    || lists.iter().any(|path| present(criteria, path));
                if !any {
                    let field = format!("{field}.generic.actions[{a}].targetSelectionCriteria[{c}]");
                    causes.push(Cause::required(field, "give at least one of name, labelSelector and indexSelector"));
                }
            }
        }
    }
}

fn windows(object: &Value, causes: &mut Vec<Cause>) {
    let mut names: HashMap<&str, usize> = HashMap::new();
    for (i, window) in list(object, &["spec", "promotionWindows"]).iter().enumerate() {
        if let Some(first) = names.insert(text(window, &["name"]), i) {
            let message = format!("spec.promotionWindows[{first}] has this name already; choose another");
            causes.push(Cause::duplicate(format!("spec.promotionWindows[{i}].name"), message));
        }
        for key in ["stageSelector", "projectSelector"] {
            let named = text(window, &[key, "name"]);
            let field = format!("spec.promotionWindows[{i}].{key}.name");
            causes.extend(pattern(named).map(|message| Cause::invalid(field, message)));
        }
    }
}

/// Whether the project's policies let a stage promote by itself: the first policy that matches decides.
pub(super) fn auto_promotes(config: &Value, stage: &Value) -> bool {
    let own = name(stage);
    list(config, &["spec", "promotionPolicies"])
        .iter()
        .find(|policy| match policy.get("stageSelector").filter(|s| !s.is_null()) {
            Some(selector) => name_matches(text(selector, &["name"]), own) && labels_match(selector, stage),
            None => text(policy, &["stage"]) == own,
        })
        .is_some_and(|policy| flag(policy, &["autoPromotionEnabled"]))
}

fn name_matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once(':') {
        _ if pattern.is_empty() => true,
        Some(("regex" | "regexp", body)) => crate::go_regex::compile(body).is_ok_and(|r| r.is_match(name)),
        Some(("glob", body)) => globset::Glob::new(body).is_ok_and(|g| g.compile_matcher().is_match(name)),
        _ => pattern == name,
    }
}

fn labels_match(selector: &Value, object: &Value) -> bool {
    let label = |key: &str| at(object, &["metadata", "labels", key]).and_then(Value::as_str);
    let exact = at(selector, &["matchLabels"]).and_then(Value::as_object).into_iter().flatten();
    let exact = exact.fold(true, |all, (key, value)| all && label(key) == value.as_str());
    let expressions = list(selector, &["matchExpressions"]).iter().all(|e| {
        let values: Vec<_> = list(e, &["values"]).iter().filter_map(Value::as_str).collect();
        let found = label(text(e, &["key"]));
        match text(e, &["operator"]) {
            "In" => found.is_some_and(|v| values.contains(&v)),
            "NotIn" => found.is_none_or(|v| !values.contains(&v)),
            "Exists" => found.is_some(),
            "DoesNotExist" => found.is_none(),
            _ => false,
        }
    });
    exact && expressions
}
