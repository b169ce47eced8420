//! A scope: what an API token may do of what its owner may. It only ever narrows.

use super::ask::{Attributes, Resource, Target};
use super::decision::Denied;
use super::names::shown;
use super::review::Review;
use super::rule::Rule;
use seaway_api::kargo::GROUP;
use serde::{Deserialize, Serialize};

const ALL: &str = "*";
/// What anybody may ask about themselves, whatever the scope: clients ask it in passing.
const ABOUT_ONESELF: &[&str] = &["selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"];

/// Paths that are no resources and that every scope reaches: what clients learn the API from.
const DISCOVERY: &[&str] = &["/api", "/apis", "/openapi", "/healthz", "/livez", "/readyz", "/version"];

/// What the verb `promote` of a scope covers beside itself: verb, resource, subresource.
const PROMOTING: &[(&str, &str, &str)] =
    &[("create", "plans", ""), ("delete", "plans", ""), ("create", "promotions", ""), ("patch", "freights", "status")];

/// What an API token may do: a decision is RBAC's and the scope's. Of paths that are no resources it reaches discovery alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Scope {
    /// The only projects; none means all of them, and what is of no project too.
    pub projects: Vec<String>,
    /// The only verbs; none means every one. `promote` covers what promoting takes: plans, Promotions and approvals.
    pub verbs: Vec<String>,
}

impl Scope {
    /// Whether it narrows nothing.
    pub fn is_everything(&self) -> bool {
        self.projects.is_empty() && self.verbs.is_empty()
    }

    /// The denial of a question that the scope does not reach, whatever the owner may do.
    pub(super) fn refuses(&self, asked: &Attributes<'_>) -> Option<Denied> {
        let resource = match asked.target {
            Target::Resource(resource) => resource,
            Target::Path(path) => return self.refuses_path(asked, path),
        };
        if ABOUT_ONESELF.contains(&resource.resource) {
            return None;
        }
        let who = shown(asked.who.name);
        if !self.has_verb(asked.verb) && !self.promotes(asked.verb, &resource) {
            let verbs = self.verbs.join(", ");
            return Some(Denied::new(format!(
                "{who} may not {} {} by this token: its scope has the verbs {verbs} alone",
                asked.verb, resource.resource
            )));
        }
        let project = match (resource.group, resource.resource) {
            (GROUP, "projects") | ("", "namespaces") => resource.name,
            _ => resource.namespace,
        };
        if self.has_project(project) {
            return None;
        }
        let projects = self.projects.join(", ");
        let place = if project.is_empty() { "cluster-wide".to_owned() } else { format!("in {project}") };
        Some(Denied::new(format!(
            "{who} may not {} {} {place} by this token: its scope has the projects {projects} alone",
            asked.verb, resource.resource
        )))
    }

    fn refuses_path(&self, asked: &Attributes<'_>, path: &str) -> Option<Denied> {
        let below = |root: &&str| path.strip_prefix(*root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if self.is_everything() || (asked.verb == "get" && DISCOVERY.iter().any(below)) {
            return None;
        }
        let who = shown(asked.who.name);
        Some(Denied::new(format!(
            "{who} may not {} {path} by this token: its scope has discovery alone of such paths",
            asked.verb
        )))
    }

    /// The denial of everything that would give rights on: what a scope takes away must not come back by another identity.
    pub(super) fn gives_nothing_on(&self, who: &str, what: &str) -> Result<(), Denied> {
        if self.is_everything() {
            return Ok(());
        }
        Err(Denied::new(format!("{} may not {what} by a token with a scope: sign in, or use one without", shown(who))))
    }

    /// What is left of somebody's rights in a namespace.
    pub(super) fn narrow(&self, mut review: Review, namespace: &str) -> Review {
        if !self.has_project(namespace) {
            review.resource_rules.clear();
        }
        if !self.is_everything() && !review.non_resource_rules.is_empty() {
            let urls = DISCOVERY.iter().flat_map(|root| [(*root).to_owned(), format!("{root}/*")]).collect();
            review.non_resource_rules = vec![Rule { verbs: vec!["get".to_owned()], non_resource_urls: urls, ..Rule::default() }];
        }
        let rules = review.resource_rules.into_iter().filter_map(|rule| self.narrowed(rule));
        review.resource_rules = rules.collect();
        review
    }

    fn narrowed(&self, mut rule: Rule) -> Option<Rule> {
        if self.verbs.is_empty() || self.verbs.iter().any(|verb| verb == ALL) {
            return Some(rule);
        }
        if rule.verbs.iter().any(|verb| verb == ALL) {
            rule.verbs.clone_from(&self.verbs);
        } else {
            rule.verbs.retain(|verb| self.has_verb(verb));
        }
        (!rule.verbs.is_empty()).then_some(rule)
    }

    /// Whether it is part of promoting: who may promote by a token may plan, promote and approve by it.
    fn promotes(&self, verb: &str, resource: &Resource<'_>) -> bool {
        self.has_verb("promote") && PROMOTING.contains(&(verb, resource.resource, resource.subresource))
    }

    fn has_verb(&self, verb: &str) -> bool {
        self.verbs.is_empty() || self.verbs.iter().any(|own| own == ALL || own == verb)
    }

    fn has_project(&self, project: &str) -> bool {
        self.projects.is_empty() || self.projects.iter().any(|own| own == project)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Access, Impersonation, MASTERS, Policy, Resource, Who};
    use super::*;
    use serde_json::json;

    fn scope(projects: &[&str], verbs: &[&str]) -> Scope {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        Scope { projects: texts(projects), verbs: texts(verbs) }
    }

    /// What a member of `system:masters` may still do by a token of this scope: `verb resource[_subresource].group[/name]` in a namespace.
    #[track_caller]
    fn check(scope: &Scope, verb: &str, what: &str, namespace: &str, expected: &str) {
        let (what, name) = what.split_once('/').unwrap_or((what, ""));
        let (resource, group) = what.split_once('.').unwrap_or((what, ""));
        let (resource, subresource) = resource.split_once('_').unwrap_or((resource, ""));
        let groups = [MASTERS.to_owned()];
        let who = Who::new("user:ann", &groups).with_scope(scope);
        let asked =
            Attributes { who, verb, target: Target::Resource(Resource { group, resource, subresource, namespace, name }) };
        let decision = Policy::default().decide(&asked);
        assert_eq!(Policy::default().allows(&asked), decision.is_allowed());
        assert!(decision.reason().contains(expected), "{}", decision.reason());
    }

    #[test]
    fn a_scope_narrows_even_who_may_do_everything() {
        let reads = scope(&["bank"], &["get", "list"]);
        check(&reads, "get", "stages.kargo.akuity.io/qa", "bank", "allowed");
        check(&reads, "promote", "stages.kargo.akuity.io/qa", "bank", "its scope has the verbs get, list alone");
        check(&reads, "get", "stages.kargo.akuity.io/qa", "shop", "its scope has the projects bank alone");
        check(&reads, "list", "stages.kargo.akuity.io", "", "list stages cluster-wide by this token");
        check(&reads, "get", "projects.kargo.akuity.io/bank", "", "allowed");
        check(&reads, "get", "projects.kargo.akuity.io/shop", "", "the projects bank alone");
        check(&reads, "get", "clusterconfigs.kargo.akuity.io/cluster", "", "the projects bank alone");
        check(&reads, "create", "selfsubjectaccessreviews.authorization.k8s.io", "", "allowed");
        check(&scope(&[], &[]), "delete", "secrets/s", "bank", "allowed");
        check(&scope(&[], &["*"]), "delete", "secrets/s", "bank", "allowed");
        check(&scope(&[], &["get"]), "get", "clusterconfigs.kargo.akuity.io/cluster", "", "allowed");
    }

    #[test]
    fn promote_covers_what_promoting_takes_and_no_more() {
        let promotes = scope(&["bank"], &["promote"]);
        check(&promotes, "create", "promotions.kargo.akuity.io", "bank", "allowed");
        check(&promotes, "create", "plans.seaway.dev", "bank", "allowed");
        check(&promotes, "patch", "freights_status.kargo.akuity.io/f", "bank", "allowed");
        check(&promotes, "create", "promotions.kargo.akuity.io", "shop", "the projects bank alone");
        check(&promotes, "create", "stages.kargo.akuity.io", "bank", "the verbs promote alone");
        check(&promotes, "patch", "freights.kargo.akuity.io/f", "bank", "the verbs promote alone");
        check(&scope(&["bank"], &["get"]), "create", "promotions.kargo.akuity.io", "bank", "the verbs get alone");
    }

    #[test]
    fn of_paths_a_scope_has_discovery() {
        let (groups, narrow, wide) = ([MASTERS.to_owned()], scope(&["bank"], &[]), scope(&[], &[]));
        let may = |scope: &Scope, verb: &str, path: &str| {
            let who = Who::new("user:ann", &groups).with_scope(scope);
            Policy::default().allows(&Attributes::path(who, verb, path))
        };
        for (verb, path, allowed) in [
            ("get", "/apis", true),
            ("get", "/apis/kargo.akuity.io/v1alpha1", true),
            ("get", "/apisx", false),
            ("post", "/apis", false),
            ("get", "/metrics", false),
            ("post", "/seaway/v1/backup", false),
        ] {
            assert_eq!(may(&narrow, verb, path), allowed, "{verb} {path}");
            assert!(may(&wide, verb, path));
        }
    }

    #[test]
    fn a_scope_is_not_given_away() {
        let (groups, reads) = ([MASTERS.to_owned()], scope(&["bank"], &[]));
        let who = Who::new("user:ann", &groups).with_scope(&reads);
        let policy = Policy::default();
        let role =
            json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "r", "namespace": "bank"}});
        assert!(policy.may_confer(&who, &role, None).unwrap_err().message.contains("by a token with a scope"));
        let bob = Impersonation { user: "user:bob".to_owned(), ..Impersonation::default() };
        assert!(policy.impersonate(&who, &bob).unwrap_err().message.contains("by a token with a scope"));
        let plain = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "bank"}});
        policy.may_confer(&who, &plain, None).unwrap();
    }

    #[test]
    fn a_review_tells_what_the_scope_leaves() {
        let (groups, reads) = ([MASTERS.to_owned()], scope(&["bank"], &["get"]));
        let who = Who::new("user:ann", &groups).with_scope(&reads);
        let review = Policy::default().review(&who, "bank");
        assert_eq!(review.resource_rules[0].verbs, ["get"]);
        assert!(Policy::default().review(&who, "shop").resource_rules.is_empty());
        let access = Access::about_oneself(&json!({"resourceAttributes": {"verb": "list", "resource": "secrets"}})).unwrap();
        assert!(!Policy::default().decide(&access.asked(who)).is_allowed());
    }
}
