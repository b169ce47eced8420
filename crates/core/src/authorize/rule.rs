//! A rule of a role: what it lets through, and whether it covers another. Kubernetes' `PolicyRule`.

use super::ask::{Resource, Target};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

const ALL: &str = "*";
/// Rights that a rule is taken apart into before it counts as not covered: a rule of 1 MiB could be billions.
const ATOMS_MAX: usize = 100_000;

/// Verbs on resources, or on paths that are no resources.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// The verbs; `*` is every one, custom ones too.
    pub verbs: Vec<String>,
    /// The API groups; `""` is the core's, `*` every one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub api_groups: Vec<String>,
    /// `stages`, `freights/status`, `*/scale`, or `*` for everything. `pods/*` names nothing, as in Kubernetes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// The only objects it is about; none means all. A request without a name is never among them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resource_names: Vec<String>,
    /// Paths; a `*` at the end stands for whatever follows.
    #[serde(rename = "nonResourceURLs", skip_serializing_if = "Vec::is_empty")]
    pub non_resource_urls: Vec<String>,
}

impl Rule {
    /// Every verb on every resource.
    pub fn everything() -> Self {
        let all = || vec![ALL.to_owned()];
        Self { verbs: all(), api_groups: all(), resources: all(), ..Self::default() }
    }

    /// Every verb on every path.
    pub fn every_path() -> Self {
        Self { verbs: vec![ALL.to_owned()], non_resource_urls: vec![ALL.to_owned()], ..Self::default() }
    }

    /// Reads a rule. `None` if a field is not a list of texts, or is one we do not know: it may be one that narrows.
    pub fn read(value: &Value) -> Option<Self> {
        let mut rule = Self::default();
        for (key, value) in value.as_object()? {
            let place = match key.as_str() {
                "verbs" => &mut rule.verbs,
                "apiGroups" => &mut rule.api_groups,
                "resources" => &mut rule.resources,
                "resourceNames" => &mut rule.resource_names,
                "nonResourceURLs" => &mut rule.non_resource_urls,
                _ => return None,
            };
            *place = texts(value)?;
        }
        Some(rule)
    }

    /// Whether it lets this through.
    pub fn allows(&self, verb: &str, target: &Target<'_>) -> bool {
        match target {
            Target::Resource(resource) => self.allows_but_for_name(verb, resource) && self.is_about(resource.name),
            Target::Path(path) => has(&self.verbs, verb) && self.non_resource_urls.iter().any(|url| reaches(url, path)),
        }
    }

    /// Whether it would let this through if it were about the object's name.
    pub(super) fn allows_but_for_name(&self, verb: &str, asked: &Resource<'_>) -> bool {
        has(&self.verbs, verb) && has(&self.api_groups, asked.group) && self.resources.iter().any(|named| names(named, asked))
    }

    fn is_about(&self, name: &str) -> bool {
        self.resource_names.is_empty() || self.resource_names.iter().any(|it| it == name)
    }

    /// Two rules in one, of resources and of paths, as two: they share nothing but the verbs.
    pub(super) fn parted(self) -> impl Iterator<Item = Self> {
        let paths = Self { verbs: self.verbs.clone(), non_resource_urls: self.non_resource_urls, ..Self::default() };
        let resources = Self { non_resource_urls: Vec::new(), ..self };
        [resources, paths].into_iter().filter(|rule| !rule.resources.is_empty() || !rule.non_resource_urls.is_empty())
    }

    /// Whether everything that `inner` lets through is let through by this rule alone.
    fn covers(&self, inner: &Self) -> bool {
        let all = |own: &[String], of: &[String]| own.iter().any(|it| it == ALL) || of.iter().all(|it| own.contains(it));
        let named = self.resource_names.is_empty()
            || (!inner.resource_names.is_empty() && inner.resource_names.iter().all(|it| self.resource_names.contains(it)));
        all(&self.verbs, &inner.verbs)
            && all(&self.api_groups, &inner.api_groups)
            && inner.resources.iter().all(|resource| self.covers_resource(resource))
            && inner.non_resource_urls.iter().all(|url| self.non_resource_urls.iter().any(|own| reaches(own, url)))
            && named
    }

    fn covers_resource(&self, resource: &str) -> bool {
        let part = resource.split_once('/').map(|(_, part)| part);
        let every = |own: &str| own.strip_prefix("*/").is_some_and(|own| Some(own) == part);
        self.resources.iter().any(|own| own == ALL || own == resource || every(own))
    }

    /// The rights it is made of, each of one verb on one thing.
    fn atoms(&self) -> impl Iterator<Item = Self> {
        let names = if self.resource_names.is_empty() { vec![None] } else { self.resource_names.iter().map(Some).collect() };
        let one = |text: &String| vec![text.clone()];
        let resources = self.verbs.iter().flat_map(move |verb| {
            let names = names.clone();
            self.api_groups.iter().flat_map(move |group| {
                let names = names.clone();
                self.resources.iter().flat_map(move |resource| {
                    names.clone().into_iter().map(move |name| Self {
                        verbs: one(verb),
                        api_groups: one(group),
                        resources: one(resource),
                        resource_names: name.map(one).unwrap_or_default(),
                        non_resource_urls: Vec::new(),
                    })
                })
            })
        });
        let paths = self.verbs.iter().flat_map(move |verb| {
            let path = move |url| Self { verbs: one(verb), non_resource_urls: one(url), ..Self::default() };
            self.non_resource_urls.iter().map(path)
        });
        resources.chain(paths)
    }
}

/// The rights of `inner` that no rule of `own` covers, at most `limit` of them and put together where only the verb differs. As in
/// Kubernetes, a right must be covered by one rule; what several cover together only in sum is not.
pub(super) fn lacking<'a>(own: &[&Rule], inner: impl IntoIterator<Item = &'a Rule>, limit: usize) -> Vec<Rule> {
    let mut missing: BTreeMap<Rule, Vec<String>> = BTreeMap::new();
    for rule in inner {
        if own.iter().any(|own| own.covers(rule)) {
            continue;
        }
        for (count, atom) in rule.atoms().enumerate() {
            if missing.len() >= limit {
                return together(missing);
            }
            if count >= ATOMS_MAX || !own.iter().any(|own| own.covers(&atom)) {
                let thing = Rule { verbs: Vec::new(), ..atom.clone() };
                missing.entry(thing).or_default().extend(atom.verbs);
            }
            if count >= ATOMS_MAX {
                break;
            }
        }
    }
    together(missing)
}

fn together(missing: BTreeMap<Rule, Vec<String>>) -> Vec<Rule> {
    missing.into_iter().map(|(thing, verbs)| Rule { verbs, ..thing }).collect()
}

impl fmt::Display for Rule {
    /// In words: `get, list on stages (kargo.akuity.io) named qa`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on ", self.verbs.join(", "))?;
        if !self.non_resource_urls.is_empty() {
            return f.write_str(&self.non_resource_urls.join(", "));
        }
        let groups: Vec<&str> = self.api_groups.iter().map(|group| group_word(group)).collect();
        write!(f, "{} ({})", self.resources.join(", "), groups.join(", "))?;
        if self.resource_names.is_empty() { Ok(()) } else { write!(f, " named {}", self.resource_names.join(", ")) }
    }
}

/// What a group is called in a sentence: the core's has no name of its own.
pub(super) fn group_word(group: &str) -> &str {
    if group.is_empty() { "core" } else { group }
}

fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Null => Some(Vec::new()),
        Value::Array(list) => list.iter().map(|text| text.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

fn has(list: &[String], wanted: &str) -> bool {
    list.iter().any(|it| it == ALL || it == wanted)
}

/// Whether a rule's resource names what is asked for: `*`, `stages`, `freights/status`, `*/status`.
fn names(named: &str, asked: &Resource<'_>) -> bool {
    if named == ALL {
        return true;
    }
    if asked.subresource.is_empty() {
        return named == asked.resource;
    }
    match named.split_once('/') {
        Some((resource, part)) => part == asked.subresource && (resource == ALL || resource == asked.resource),
        None => false,
    }
}

fn reaches(url: &str, path: &str) -> bool {
    url == path || (url.ends_with('*') && path.starts_with(url.trim_end_matches('*')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rule(value: Value) -> Rule {
        Rule::read(&value).unwrap()
    }

    #[track_caller]
    fn check(value: Value, verb: &str, resource: &str, name: &str, allowed: bool) {
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        let (resource, group) = resource.split_once('.').unwrap_or((resource, ""));
        let asked = Target::Resource(Resource { group, resource, subresource, namespace: "bank", name });
        assert_eq!(rule(value).allows(verb, &asked), allowed);
    }

    #[test]
    fn wildcards_and_parts_are_kubernetes() {
        let pods = |resources: Value| json!({ "apiGroups": [""], "resources": resources, "verbs": ["get"] });
        check(pods(json!(["pods"])), "get", "pods", "a", true);
        check(pods(json!(["pods"])), "list", "pods", "a", false);
        check(pods(json!(["pods"])), "get", "pods/log", "a", false);
        check(pods(json!(["pods", "pods/log"])), "get", "pods/log", "a", true);
        check(pods(json!(["*/log"])), "get", "pods/log", "a", true);
        check(pods(json!(["*/log"])), "get", "pods", "a", false);
        check(pods(json!(["pods/*"])), "get", "pods/log", "a", false);
        check(pods(json!(["*"])), "get", "pods/log", "a", true);
        check(pods(json!(["pods"])), "get", "pods.apps", "a", false);
        check(json!({ "apiGroups": ["*"], "resources": ["pods"], "verbs": ["*"] }), "promote", "pods.apps", "a", true);
        check(json!({ "resources": ["pods"], "verbs": ["*"] }), "get", "pods", "a", false);
    }

    #[test]
    fn names_narrow_and_a_request_without_one_is_not_among_them() {
        let named = json!({ "apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["mine"], "verbs": ["*"] });
        check(named.clone(), "update", "configmaps", "mine", true);
        check(named.clone(), "update", "configmaps", "yours", false);
        for verb in ["create", "list", "watch", "deletecollection"] {
            check(named.clone(), verb, "configmaps", "", false);
        }
        // A list that asks for the one name by a field selector bears the name.
        check(named, "list", "configmaps", "mine", true);
    }

    #[test]
    fn a_star_ends_a_path() {
        let health = rule(json!({ "nonResourceURLs": ["/healthz", "/healthz/*"], "verbs": ["get", "post"] }));
        for (verb, path, allowed) in [
            ("get", "/healthz", true),
            ("post", "/healthz/etcd", true),
            ("delete", "/healthz", false),
            ("get", "/healthzz", false),
            ("get", "/", false),
        ] {
            assert_eq!(health.allows(verb, &Target::Path(path)), allowed, "{verb} {path}");
        }
        assert!(Rule::every_path().allows("get", &Target::Path("/anything")));
        assert!(!Rule::everything().allows("get", &Target::Path("/anything")));
    }

    #[test]
    fn what_cannot_be_read_is_no_rule() {
        for value in [
            json!("*"),
            json!({ "verbs": "*" }),
            json!({ "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "resourceNames": "mine" }),
            json!({ "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "resourceNames": [7] }),
            json!({ "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "fieldSelector": "spec.shard=a" }),
        ] {
            assert_eq!(Rule::read(&value), None, "{value}");
        }
    }

    /// What of `inner` is not covered by `own`, in words.
    #[track_caller]
    fn check_lacking(own: &[Value], inner: Value, expected: &[&str]) {
        let own: Vec<Rule> = own.iter().cloned().map(rule).collect();
        let own: Vec<&Rule> = own.iter().collect();
        let missing = lacking(&own, [&rule(inner)], 10);
        assert_eq!(missing.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn covering_is_by_one_rule_a_right() {
        let of = |group: &str, resources: &[&str], verbs: &[&str], names: &[&str]| json!({ "apiGroups": [group], "resources": resources, "verbs": verbs, "resourceNames": names });
        check_lacking(&[of("", &["pods"], &["get", "list"], &[])], of("", &["pods"], &["get"], &[]), &[]);
        check_lacking(&[of("", &["pods"], &["get"], &[])], of("", &["pods"], &["get", "list"], &[]), &["list on pods (core)"]);
        // Two rules may cover two rights of one.
        let two = [of("", &["pods"], &["get"], &[]), of("", &["secrets"], &["get"], &[])];
        check_lacking(&two, of("", &["pods", "secrets"], &["get"], &[]), &[]);
        check_lacking(&[of("", &["pods"], &["get"], &["a"])], of("", &["pods"], &["get"], &[]), &["get on pods (core)"]);
        check_lacking(&[of("", &["pods"], &["get"], &["a"])], of("", &["pods"], &["get"], &["a"]), &[]);
        check_lacking(
            &[of("", &["pods"], &["get"], &["a"])],
            of("", &["pods"], &["get"], &["b"]),
            &["get on pods (core) named b"],
        );
        check_lacking(&[of("", &["pods"], &["get"], &[])], of("", &["pods"], &["get"], &["b"]), &[]);
        check_lacking(&[of("", &["*/log"], &["get"], &[])], of("", &["pods/log"], &["get"], &[]), &[]);
        check_lacking(&[of("", &["pods"], &["get"], &[])], of("", &["*"], &["get"], &[]), &["get on * (core)"]);
        check_lacking(&[of("*", &["*"], &["*"], &[])], of("", &["*"], &["*"], &[]), &[]);
        check_lacking(&[of("a", &["*"], &["*"], &[])], of("*", &["x"], &["y"], &[]), &["y on x (*)"]);
        let paths = |list: &[&str]| json!({ "nonResourceURLs": list, "verbs": ["get"] });
        check_lacking(&[paths(&["/a/*"])], paths(&["/a/b", "/a/b/*", "/a"]), &["get on /a"]);
        check_lacking(&[], json!({}), &[]);
    }

    #[test]
    fn a_rule_of_billions_of_rights_is_refused_not_counted() {
        let many: Vec<String> = (0..1500).map(|n| n.to_string()).collect();
        let huge = Rule {
            verbs: many.clone(),
            api_groups: many.clone(),
            resources: many.clone(),
            resource_names: many,
            ..Rule::default()
        };
        let first =
            Rule { api_groups: vec!["*".into()], resources: vec!["*".into()], verbs: vec!["0".into()], ..Rule::default() };
        assert_eq!(lacking(&[&first], [&huge], 3).len(), 1);
    }
}
