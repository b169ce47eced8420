//! Documents as people write them: read with their places, lists unfolded, and what is wrong with them by themselves.

use kube::api::{ApiResource, GroupVersionKind};
use seaway_core::admission::validate_document;
use seaway_core::authorize::RBAC;
use seaway_render::yaml::{self, Kind, Node};
use serde_json::Value;
use std::fmt;

/// What the control plane writes into metadata: a document that was read from one has it, and it says nothing when applied.
const WRITTEN_BY_SERVER: [&str; 8] = [
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// One document and where it stands.
#[derive(Debug, Clone)]
pub struct Document {
    /// The file, `-` for standard input.
    pub source: String,
    /// Its first line, from 1.
    pub line: usize,
    /// What it says.
    pub value: Value,
    node: Node,
    /// Keys that the list around it has twice: told with its first item.
    around: Vec<(usize, String)>,
}

/// What is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file.
    pub source: String,
    /// The line, from 1.
    pub line: usize,
    /// The field; empty for the whole document.
    pub field: String,
    /// What, and what to do.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.source, self.line)?;
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)
    }
}

impl Document {
    /// Reads the documents of a file; empty ones are left out, lists are unfolded.
    ///
    /// # Errors
    /// The place where it is no YAML.
    pub fn read(source: &str, text: &str) -> Result<Vec<Self>, Fault> {
        let fault = |err: yaml::YamlError| match err {
            yaml::YamlError::Syntax { line, message, .. } => {
                Fault { source: source.to_owned(), line, field: String::new(), message }
            }
            other => Fault { source: source.to_owned(), line: 1, field: String::new(), message: other.to_string() },
        };
        let nodes = yaml::documents(text).map_err(fault)?;
        let values = yaml::read_all(text).map_err(fault)?;
        let pairs = nodes.into_iter().zip(values).filter(|(_, value)| !value.is_null());
        let documents =
            pairs.map(|(node, value)| Self { source: source.to_owned(), line: node.line, value, node, around: Vec::new() });
        Ok(documents.flat_map(Self::unfolded).map(Self::without_what_servers_write).collect())
    }

    /// The items of a list (`v1 List`, `StageList`); of anything else itself.
    fn unfolded(self) -> Vec<Self> {
        let text = |field: &str| self.value.get(field).and_then(Value::as_str).unwrap_or_default();
        let (version, kind) = (text("apiVersion").to_owned(), text("kind"));
        let Some(of) = kind.strip_suffix("List").map(str::to_owned) else { return vec![self] };
        let is_list = if of.is_empty() { version == "v1" } else { resource_of(&version, &of).is_some() };
        let (Some(Value::Array(values)), Some(Kind::List { items, .. })) =
            (self.value.get("items"), self.node.get("items").map(|node| &node.kind))
        else {
            return vec![self];
        };
        if !is_list || values.len() != items.len() {
            return vec![self];
        }
        let mut around = Vec::new();
        if let Kind::Map { entries, .. } = &self.node.kind {
            doubled_in(entries, "", &mut around);
        }
        let pairs = values.iter().cloned().zip(items.iter().cloned());
        pairs
            .map(|(mut value, node)| {
                // A list of one kind may leave out of its items what it says itself.
                if let Some(map) = value.as_object_mut().filter(|_| !of.is_empty()) {
                    map.entry("apiVersion").or_insert_with(|| Value::from(version.as_str()));
                    map.entry("kind").or_insert_with(|| Value::from(of.as_str()));
                }
                let (source, line) = (self.source.clone(), node.line);
                Self { source, line, value, node, around: std::mem::take(&mut around) }
            })
            .collect()
    }

    fn without_what_servers_write(mut self) -> Self {
        if let Some(metadata) = self.value.get_mut("metadata").and_then(Value::as_object_mut) {
            for field in WRITTEN_BY_SERVER {
                metadata.shift_remove(field);
            }
        }
        let has_status = self.resource().is_some_and(|(kind, _)| !kind.group.is_empty() || kind.kind == "Namespace");
        if let Some(map) = self.value.as_object_mut().filter(|_| has_status) {
            map.shift_remove("status");
        }
        self
    }

    /// Everything that can be known to be wrong without asking the control plane.
    pub fn faults(&self) -> Vec<Fault> {
        let mut twice = self.around.clone();
        doubled(&self.node, "", &mut twice);
        let mut faults: Vec<Fault> = twice
            .into_iter()
            .map(|(line, field)| Fault {
                source: self.source.clone(),
                line,
                field,
                message: "stands there twice; keep the one that is meant".to_owned(),
            })
            .collect();
        let text = |field: &str| self.value.get(field).and_then(Value::as_str).unwrap_or_default();
        for field in ["apiVersion", "kind"] {
            if text(field).is_empty() {
                faults.push(self.fault(field, "is missing: every document names its apiVersion and kind"));
                return faults;
            }
        }
        if self.resource().is_none() {
            let message = format!("`{}` of `{}` is not served here", text("kind"), text("apiVersion"));
            faults.push(self.fault("kind", &message));
            return faults;
        }
        let causes = validate_document(&self.value);
        faults.extend(causes.into_iter().map(|cause| self.fault(&cause.field, &cause.message)));
        faults.sort_by_key(|fault| fault.line);
        faults
    }

    /// Whether it lives in a project and does not say in which.
    pub fn needs_project(&self) -> bool {
        self.namespace().is_none() && self.resource().is_some_and(|(_, namespaced)| namespaced)
    }

    /// A fault of this field, with the line where it stands.
    pub fn fault(&self, field: &str, message: &str) -> Fault {
        Fault {
            source: self.source.clone(),
            line: line_of(&self.node, field),
            field: field.to_owned(),
            message: message.to_owned(),
        }
    }

    /// Its kind; empty if it says none.
    pub fn kind(&self) -> &str {
        self.value.get("kind").and_then(Value::as_str).unwrap_or_default()
    }

    /// Its name; empty if it has none.
    pub fn name(&self) -> &str {
        self.value.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether the control plane names it when it is made: freight by its content, promotions and plans by their time.
    pub fn is_named_when_made(&self) -> bool {
        let kind = self.kind();
        kind == "Freight"
            || self.name().is_empty()
                && (matches!(kind, "Promotion" | "Plan") || self.value.pointer("/metadata/generateName").is_some())
    }

    pub(crate) fn namespace(&self) -> Option<&str> {
        self.value.pointer("/metadata/namespace").and_then(Value::as_str).filter(|namespace| !namespace.is_empty())
    }

    /// Its resource, and whether that lives in a namespace.
    pub(crate) fn resource(&self) -> Option<(ApiResource, bool)> {
        resource_of(self.value.get("apiVersion")?.as_str()?, self.value.get("kind")?.as_str()?)
    }
}

/// The keys that stand twice in one of the maps of a document, with the line of the second.
fn doubled(node: &Node, path: &str, found: &mut Vec<(usize, String)>) {
    match &node.kind {
        Kind::Map { entries, .. } => {
            doubled_in(entries, path, found);
            for (key, value) in entries {
                doubled(value, &below(path, key.text().unwrap_or_default()), found);
            }
        }
        Kind::List { items, .. } => {
            for (at, item) in items.iter().enumerate() {
                doubled(item, &format!("{path}[{at}]"), found);
            }
        }
        Kind::Scalar { .. } | Kind::Alias(_) => {}
    }
}

fn doubled_in(entries: &[(Node, Node)], path: &str, found: &mut Vec<(usize, String)>) {
    let mut seen = std::collections::HashSet::new();
    for (key, _) in entries {
        if let Some(text) = key.text().filter(|text| *text != "<<")
            && !seen.insert(text)
        {
            found.push((key.line, below(path, text)));
        }
    }
}

fn below(path: &str, key: &str) -> String {
    match path {
        _ if key.contains(['.', '[', '/', ' ']) => format!("{path}[{key}]"),
        "" => key.to_owned(),
        _ => format!("{path}.{key}"),
    }
}

/// The parts of `spec.steps[1].uses` and of `metadata.labels[seaway.dev/x]`.
fn parts(field: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = field;
    while !rest.is_empty() {
        let (part, after) = match rest.strip_prefix('[') {
            Some(inner) => inner.split_once(']').unwrap_or((inner, "")),
            None => rest.split_at(rest.find(['.', '[']).unwrap_or(rest.len())),
        };
        parts.push(part.trim_matches(['"', '\'']));
        rest = after.strip_prefix('.').unwrap_or(after);
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// The line of `spec.steps[1].uses`, or of whatever of it is there.
fn line_of(root: &Node, field: &str) -> usize {
    let mut node = root;
    let mut line = root.line;
    for part in parts(field) {
        let next = match &node.kind {
            Kind::List { items, .. } => {
                part.parse::<usize>().ok().and_then(|index| items.get(index)).map(|item| (item.line, item))
            }
            Kind::Map { entries, .. } => {
                entries.iter().find(|(key, _)| key.text() == Some(part)).map(|(key, value)| (key.line, value))
            }
            _ => None,
        };
        let Some((at, next)) = next else { break };
        (line, node) = (at, next);
    }
    line
}

/// Projects first, then configuration, then credentials, then the rest; within each as they were given.
pub fn order(documents: &mut [Document]) {
    documents.sort_by_key(|document| match document.kind() {
        "Namespace" => 0,
        "Project" => 1,
        "ProjectConfig" | "ClusterConfig" => 2,
        "Secret" => 3,
        "ConfigMap" | "ServiceAccount" | "Role" | "ClusterRole" => 4,
        "RoleBinding" | "ClusterRoleBinding" => 5,
        "PromotionTask" | "ClusterPromotionTask" => 5,
        "Warehouse" => 6,
        "Freight" => 8,
        "Promotion" | "Plan" => 9,
        _ => 7,
    });
}

/// Kubernetes' own kinds that can be applied, all of version v1: group, kind, plural, whether it lives in a namespace.
const BUILT_IN: &[(&str, &str, &str, bool)] = &[
    ("", "Namespace", "namespaces", false),
    ("", "Secret", "secrets", true),
    ("", "ConfigMap", "configmaps", true),
    ("", "ServiceAccount", "serviceaccounts", true),
    (RBAC, "Role", "roles", true),
    (RBAC, "ClusterRole", "clusterroles", false),
    (RBAC, "RoleBinding", "rolebindings", true),
    (RBAC, "ClusterRoleBinding", "clusterrolebindings", false),
];

/// The resource of a kind, and whether it lives in a namespace.
fn resource_of(version: &str, kind: &str) -> Option<(ApiResource, bool)> {
    let (group, version) = version.split_once('/').unwrap_or(("", version));
    if let Some((_, _, plural, namespaced)) = BUILT_IN.iter().find(|known| (known.0, "v1", known.1) == (group, version, kind)) {
        return Some((ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural), *namespaced));
    }
    let known =
        seaway_api::kinds().iter().find(|known| known.group == group && known.version == version && known.kind == kind)?;
    Some((ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), known.plural), known.namespaced))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_names_file_line_and_field() {
        let text = "apiVersion: kargo.akuity.io/v1alpha1\nkind: Project\nmetadata:\n  name: bank\n---\napiVersion: kargo.akuity.io/v1alpha1\nkind: Stag\nmetadata:\n  name: qa\n";
        let documents = Document::read("bank.yaml", text).unwrap();
        assert_eq!(documents.len(), 2);
        let faults: Vec<String> = documents.iter().flat_map(Document::faults).map(|fault| fault.to_string()).collect();
        assert_eq!(faults, ["bank.yaml:7: kind: `Stag` of `kargo.akuity.io/v1alpha1` is not served here"]);
        let broken = Document::read("x.yaml", "a: 1\nb: [1\n").unwrap_err();
        assert_eq!(broken.line, 2, "where the list begins that never ends");
    }

    #[test]
    fn projects_come_before_what_lives_in_them() {
        let read = |kind: &str| Document::read("-", &format!("apiVersion: x/v1\nkind: {kind}\n")).unwrap().remove(0);
        let mut documents =
            vec![read("Stage"), read("Secret"), read("Freight"), read("Project"), read("Warehouse"), read("ProjectConfig")];
        order(&mut documents);
        let kinds: Vec<&str> = documents.iter().filter_map(|document| document.value["kind"].as_str()).collect();
        assert_eq!(kinds, ["Project", "ProjectConfig", "Secret", "Warehouse", "Stage", "Freight"]);
    }

    #[test]
    fn a_key_that_stands_twice_is_a_fault() {
        let text =
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  labels: { a.b/c: x, a.b/c: y }\ndata:\n  a: x\n  a: y\n";
        let faults: Vec<String> = Document::read("x.yaml", text).unwrap()[0].faults().iter().map(ToString::to_string).collect();
        assert_eq!(
            faults,
            [
                "x.yaml:5: metadata.labels[a.b/c]: stands there twice; keep the one that is meant",
                "x.yaml:8: data.a: stands there twice; keep the one that is meant"
            ]
        );
    }

    #[test]
    fn lists_are_unfolded_and_what_servers_write_is_left_out() {
        let text = "apiVersion: kargo.akuity.io/v1alpha1\nkind: ProjectList\nitems:\n- metadata: { name: a, uid: u, resourceVersion: '5' }\n  status: {}\n- metadata: { name: b }\n";
        let documents = Document::read("-", text).unwrap();
        let values: Vec<String> = documents.iter().map(|document| document.value.to_string()).collect();
        assert_eq!(
            values,
            [
                r#"{"metadata":{"name":"a"},"apiVersion":"kargo.akuity.io/v1alpha1","kind":"Project"}"#,
                r#"{"metadata":{"name":"b"},"apiVersion":"kargo.akuity.io/v1alpha1","kind":"Project"}"#
            ]
        );
        assert_eq!(documents.iter().map(|document| document.line).collect::<Vec<_>>(), [4, 6]);
        let list = Document::read("-", "apiVersion: v1\nkind: List\nitems: [{ kind: Stage }]\n").unwrap();
        assert_eq!(list[0].value, serde_json::json!({ "kind": "Stage" }));
    }
}
