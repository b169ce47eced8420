//! What is served: the resources, and the discovery documents that clients learn them from, legacy and aggregated.

use seaway_core::authorize::RBAC;
use serde_json::{Value, json};

/// A printer column of a kind.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Column {
    /// Its heading.
    pub name: String,
    /// `string`, `integer`, `number`, `boolean` or `date`.
    pub kind: String,
    /// A hint for clients, mostly empty.
    pub format: String,
    /// What it shows.
    pub description: String,
    /// 0 is shown always, more only with `-o wide`.
    pub priority: i32,
    /// Where the value stands.
    pub json_path: String,
}

/// A resource that is served.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Served {
    /// Its API group; empty for the core group.
    pub group: String,
    /// Its version.
    pub version: String,
    /// `Stage`.
    pub kind: String,
    /// `stages`.
    pub plural: String,
    /// `stage`.
    pub singular: String,
    /// What kubectl takes besides.
    pub short_names: Vec<String>,
    /// Whether objects live in namespaces.
    pub namespaced: bool,
    /// Whether there is a status subresource.
    pub has_status: bool,
    /// Groups of resources that `kubectl get` takes, such as `all`.
    pub categories: Vec<String>,
    /// Printer columns.
    pub columns: Vec<Column>,
    /// The structural schema; `null` or `{}` for any object.
    pub schema: Value,
}

/// Group, version and kind of what is posted to the subresource `token`.
const TOKEN_REQUEST: (&str, &str, &str) = ("authentication.k8s.io", "v1", "TokenRequest");

/// A subresource.
struct Part {
    name: &'static str,
    sent: Option<(&'static str, &'static str, &'static str)>,
    verbs: &'static [&'static str],
}

/// The verbs of a resource that is stored.
const VERBS: [&str; 8] = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

impl Served {
    /// `group/version`, or the version alone in the core group.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// What can be done with it: reviews are asked and never stored.
    pub fn verbs(&self) -> &'static [&'static str] {
        match self.kind.as_str() {
            kind if kind.ends_with("Review") => &["create"],
            // There is never one.
            "Service" => &["get", "list"],
            // As in Kubernetes: nobody deletes them all at once.
            "Namespace" => &["create", "delete", "get", "list", "patch", "update", "watch"],
            _ => &VERBS,
        }
    }

    /// Its subresources, and what is sent to them where it is not the object itself.
    fn parts(&self) -> Vec<Part> {
        let is_core = |plural: &str| self.group.is_empty() && self.plural == plural;
        let parts = [
            (self.has_status, Part { name: "status", sent: None, verbs: &["get", "patch", "update"] }),
            (is_core("namespaces"), Part { name: "finalize", sent: None, verbs: &["update"] }),
            (is_core("serviceaccounts"), Part { name: "token", sent: Some(TOKEN_REQUEST), verbs: &["create"] }),
        ];
        parts.into_iter().filter(|(has, _)| *has).map(|(_, part)| part).collect()
    }

    /// The kinds that every Kubernetes has and that Seaway serves besides its own, with schemas.
    pub fn builtins() -> Vec<Self> {
        let one = |group: &str, kind: &str, plural: &str, short_names: &[&str], namespaced: bool, has_status: bool| Self {
            group: group.to_owned(),
            version: "v1".to_owned(),
            kind: kind.to_owned(),
            plural: plural.to_owned(),
            singular: kind.to_lowercase(),
            short_names: short_names.iter().map(|name| (*name).to_owned()).collect(),
            namespaced,
            has_status,
            categories: Vec::new(),
            columns: Vec::new(),
            schema: crate::openapi::builtin_schema(group, kind),
        };
        vec![
            one("", "Namespace", "namespaces", &["ns"], false, true),
            one("", "Secret", "secrets", &[], true, false),
            one("", "ConfigMap", "configmaps", &["cm"], true, false),
            one("", "Event", "events", &["ev"], true, false),
            one("", "ServiceAccount", "serviceaccounts", &["sa"], true, false),
            one("events.k8s.io", "Event", "events", &["ev"], true, false),
            one("coordination.k8s.io", "Lease", "leases", &[], true, false),
            one(RBAC, "ClusterRole", "clusterroles", &[], false, false),
            one(RBAC, "ClusterRoleBinding", "clusterrolebindings", &[], false, false),
            one(RBAC, "Role", "roles", &[], true, false),
            one(RBAC, "RoleBinding", "rolebindings", &[], true, false),
        ]
    }
}

/// The form of discovery that a client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One document per level: `/api`, `/apis`, `/apis/GROUP/VERSION`.
    Legacy,
    /// Everything at `/api` and `/apis`, in the version named.
    Aggregated(&'static str),
}

impl Form {
    /// Reads an Accept header: the first form in it that is known.
    pub fn negotiate(accept: &str) -> Self {
        accept
            .split(',')
            .find_map(|part| {
                let parameter = |name: &str| {
                    part.split(';').skip(1).find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('=')).map(str::trim)
                };
                let is_json =
                    ["application/json", "*/*", "application/*"].contains(&part.split(';').next().unwrap_or_default().trim());
                match (is_json, parameter("as"), parameter("v")) {
                    (true, Some("APIGroupDiscoveryList"), Some("v2")) => Some(Self::Aggregated("v2")),
                    (true, Some("APIGroupDiscoveryList"), Some("v2beta1")) => Some(Self::Aggregated("v2beta1")),
                    (true, None, _) => Some(Self::Legacy),
                    _ => None,
                }
            })
            .unwrap_or(Self::Legacy)
    }

    /// The content type that the answer must carry; clients tell the forms apart by it.
    pub fn content_type(self) -> String {
        match self {
            Self::Legacy => "application/json".to_owned(),
            Self::Aggregated(version) => format!("application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"),
        }
    }
}

/// The document at `/api`.
pub fn core(served: &[Served], form: Form, address: &str) -> Value {
    match form {
        Form::Aggregated(version) => aggregated(served, true, version),
        Form::Legacy => json!({
            "kind": "APIVersions",
            "versions": versions(served, ""),
            "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}],
        }),
    }
}

/// The document at `/apis`.
pub fn groups(served: &[Served], form: Form) -> Value {
    match form {
        Form::Aggregated(version) => aggregated(served, false, version),
        Form::Legacy => {
            let list: Vec<Value> =
                group_names(served).into_iter().filter(|name| !name.is_empty()).filter_map(|name| group(served, name)).collect();
            json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": list.into_iter().map(|mut group| {
                if let Some(fields) = group.as_object_mut() {
                    fields.shift_remove("kind");
                    fields.shift_remove("apiVersion");
                }
                group
            }).collect::<Vec<_>>()})
        }
    }
}

/// The document at `/apis/GROUP`; none when no such group is served.
pub fn group(served: &[Served], name: &str) -> Option<Value> {
    let versions: Vec<Value> = versions(served, name)
        .into_iter()
        .map(|version| json!({"groupVersion": format!("{name}/{version}"), "version": version}))
        .collect();
    let preferred = versions.first()?.clone();
    Some(json!({"kind": "APIGroup", "apiVersion": "v1", "name": name, "versions": versions, "preferredVersion": preferred}))
}

/// The document at `/api/VERSION` or `/apis/GROUP/VERSION`; none when it is not served.
pub fn resources(served: &[Served], group: &str, version: &str) -> Option<Value> {
    let mut list = Vec::new();
    for one in served.iter().filter(|one| one.group == group && one.version == version) {
        let mut resource = json!({"name": one.plural, "singularName": one.singular, "namespaced": one.namespaced, "kind": one.kind, "verbs": one.verbs()});
        if !one.short_names.is_empty() {
            resource["shortNames"] = json!(one.short_names);
        }
        if !one.categories.is_empty() {
            resource["categories"] = json!(one.categories);
        }
        list.push(resource);
        for part in one.parts() {
            let name = format!("{}/{}", one.plural, part.name);
            let mut own =
                json!({"name": name, "singularName": "", "namespaced": one.namespaced, "kind": one.kind, "verbs": part.verbs});
            if let Some((group, version, kind)) = part.sent {
                own["group"] = group.into();
                own["version"] = version.into();
                own["kind"] = kind.into();
            }
            list.push(own);
        }
    }
    let group_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    (!list.is_empty())
        .then(|| json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": list}))
}

fn group_names(served: &[Served]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for one in served {
        if !names.contains(&one.group.as_str()) {
            names.push(&one.group);
        }
    }
    names
}

fn versions<'a>(served: &'a [Served], group: &str) -> Vec<&'a str> {
    let mut versions: Vec<&str> = Vec::new();
    for one in served.iter().filter(|one| one.group == group) {
        if !versions.contains(&one.version.as_str()) {
            versions.push(&one.version);
        }
    }
    versions
}

fn aggregated(served: &[Served], core: bool, form: &str) -> Value {
    let items: Vec<Value> = group_names(served)
        .into_iter()
        .filter(|name| name.is_empty() == core)
        .map(|name| {
            let versions: Vec<Value> = versions(served, name)
                .into_iter()
                .map(|version| {
                    let resources: Vec<Value> = served
                        .iter()
                        .filter(|one| one.group == name && one.version == version)
                        .map(aggregated_resource)
                        .collect();
                    json!({"version": version, "resources": resources, "freshness": "Current"})
                })
                .collect();
            json!({"metadata": {"name": name, "creationTimestamp": null}, "versions": versions})
        })
        .collect();
    json!({"kind": "APIGroupDiscoveryList", "apiVersion": format!("apidiscovery.k8s.io/{form}"), "metadata": {}, "items": items})
}

fn aggregated_resource(one: &Served) -> Value {
    let response = json!({"group": one.group, "version": one.version, "kind": one.kind});
    let mut resource = json!({
        "resource": one.plural,
        "responseKind": response,
        "scope": if one.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": one.singular,
        "verbs": one.verbs(),
    });
    if !one.short_names.is_empty() {
        resource["shortNames"] = json!(one.short_names);
    }
    if !one.categories.is_empty() {
        resource["categories"] = json!(one.categories);
    }
    let part = |part: Part| {
        let (group, version, kind) = part.sent.unwrap_or((&one.group, &one.version, &one.kind));
        let response = json!({"group": group, "version": version, "kind": kind});
        json!({"subresource": part.name, "responseKind": response, "verbs": part.verbs})
    };
    let parts: Vec<Value> = one.parts().into_iter().map(part).collect();
    if !parts.is_empty() {
        resource["subresources"] = parts.into();
    }
    resource
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served() -> Vec<Served> {
        let one = |group: &str, kind: &str, plural: &str| Served {
            group: group.to_owned(),
            version: "v1".to_owned(),
            kind: kind.to_owned(),
            plural: plural.to_owned(),
            singular: kind.to_lowercase(),
            namespaced: true,
            has_status: kind == "Stage",
            ..Served::default()
        };
        vec![
            one("", "Secret", "secrets"),
            one("kargo.akuity.io", "Stage", "stages"),
            one("authorization.k8s.io", "SelfSubjectAccessReview", "selfsubjectaccessreviews"),
        ]
    }

    #[test]
    fn accept_headers_choose_the_form() {
        let check = |accept: &str, form: Form| assert_eq!(Form::negotiate(accept), form, "{accept}");
        check("", Form::Legacy);
        check("*/*", Form::Legacy);
        check("application/json", Form::Legacy);
        check(
            "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json",
            Form::Aggregated("v2"),
        );
        check(
            "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json",
            Form::Aggregated("v2beta1"),
        );
        check("application/json;g=apidiscovery.k8s.io;v=v9;as=APIGroupDiscoveryList,application/json", Form::Legacy);
    }

    #[test]
    fn legacy_documents() {
        let served = served();
        assert_eq!(core(&served, Form::Legacy, "127.0.0.1:7443")["versions"], json!(["v1"]));
        let groups = groups(&served, Form::Legacy);
        assert_eq!(groups["groups"][0]["name"], "kargo.akuity.io");
        assert_eq!(groups["groups"][0]["preferredVersion"]["groupVersion"], "kargo.akuity.io/v1");
        let list = resources(&served, "kargo.akuity.io", "v1").expect("served");
        assert_eq!(list["resources"][1]["name"], "stages/status");
        assert_eq!(resources(&served, "kargo.akuity.io", "v2"), None);
        assert_eq!(resources(&served, "authorization.k8s.io", "v1").expect("served")["resources"][0]["verbs"], json!(["create"]));
        assert_eq!(group(&served, "nope"), None);
    }

    #[test]
    fn aggregated_documents() {
        let served = served();
        let core = core(&served, Form::Aggregated("v2"), "");
        assert_eq!(core["apiVersion"], "apidiscovery.k8s.io/v2");
        assert_eq!(core["items"][0]["versions"][0]["resources"][0]["resource"], "secrets");
        let groups = groups(&served, Form::Aggregated("v2beta1"));
        assert_eq!(groups["items"].as_array().map(Vec::len), Some(2));
        assert_eq!(groups["items"][0]["versions"][0]["resources"][0]["subresources"][0]["subresource"], "status");
    }
}
