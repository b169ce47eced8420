//! Kinds as people type them: `stages`, `stage/qa`, `promo`, `secrets`.

use crate::exit::Failure;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, ListParams};
use kube::{Client, ResourceExt};
use seaway_core::authorize::RBAC;

/// A kind that can be named on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kind {
    /// How it is asked for.
    pub(crate) resource: ApiResource,
    /// Whether it lives in a project.
    pub(crate) namespaced: bool,
    names: Vec<String>,
}

/// Kubernetes' own kinds that the embedded engine serves.
const BUILT_IN: &[(&str, &str, &str, bool, &[&str])] = &[
    ("", "Namespace", "namespaces", false, &["ns"]),
    ("", "Secret", "secrets", true, &[]),
    ("", "ConfigMap", "configmaps", true, &["cm"]),
    ("", "ServiceAccount", "serviceaccounts", true, &["sa"]),
    ("", "Event", "events", true, &["ev"]),
    (RBAC, "Role", "roles", true, &[]),
    (RBAC, "RoleBinding", "rolebindings", true, &[]),
    (RBAC, "ClusterRole", "clusterroles", false, &[]),
    (RBAC, "ClusterRoleBinding", "clusterrolebindings", false, &[]),
];

impl Kind {
    /// All of them: ours and Kargo's first.
    pub(crate) fn all() -> Vec<Self> {
        let ours = seaway_api::kinds().iter().map(|info| {
            let mut names = vec![info.plural.to_owned(), info.singular.clone()];
            names.extend(info.short_names.iter().map(|name| (*name).to_owned()));
            let gvk = GroupVersionKind::gvk(info.group, info.version, info.kind);
            Self { resource: ApiResource::from_gvk_with_plural(&gvk, info.plural), namespaced: info.namespaced, names }
        });
        let built_in = BUILT_IN.iter().map(|(group, kind, plural, namespaced, short)| {
            let mut names = vec![(*plural).to_owned(), kind.to_lowercase()];
            names.extend(short.iter().map(|name| (*name).to_owned()));
            let gvk = GroupVersionKind::gvk(group, "v1", kind);
            Self { resource: ApiResource::from_gvk_with_plural(&gvk, plural), namespaced: *namespaced, names }
        });
        ours.chain(built_in).collect()
    }

    /// The kind of that name: plural, singular, short, with or without its group.
    ///
    /// # Errors
    /// None goes by it; the error lists those there are.
    pub(crate) fn find(name: &str) -> Result<Self, Failure> {
        let asked = name.to_lowercase();
        let bare = asked.split_once('.').map_or(asked.as_str(), |(bare, _)| bare);
        let all = Self::all();
        let known: Vec<String> = all.iter().map(|kind| kind.word().to_owned()).collect();
        all.into_iter()
            .find(|kind| kind.names.iter().any(|name| name == bare))
            .ok_or_else(|| Failure::usage(format!("`{name}` is no kind"), format!("there is {}", known.join(", "))))
    }

    /// Its plural, as people say it: freight has none.
    pub(crate) fn word(&self) -> &str {
        if self.resource.kind == "Freight" { "freight" } else { &self.resource.plural }
    }

    /// Its word for one object: `stage`.
    pub(crate) fn one(&self) -> String {
        self.resource.kind.to_lowercase()
    }

    /// None of this kind goes by that name; `known` is what there is. Those with an id in their name come youngest first.
    pub(crate) fn missing(&self, name: &str, project: &str, mut known: Vec<String>) -> Failure {
        if matches!(self.resource.kind.as_str(), "Promotion" | "PromotionRun" | "Plan") {
            let born = |name: &str| name.split_once('.').map_or_else(|| name.to_owned(), |(_, id)| id.to_owned());
            known.sort_by_key(|name| std::cmp::Reverse(born(name)));
        }
        let project = if self.namespaced { project } else { "" };
        seaway_verbs::VerbError::no_such(self.one(), name, project, known.into_iter()).into()
    }

    /// The error of a request for an object that may not be there: what there is, if that is it.
    pub(crate) async fn failed(&self, client: &Client, project: &str, name: &str, what: &str, err: kube::Error) -> Failure {
        let gone = matches!(&err, kube::Error::Api(status) if status.code == 404);
        if gone && let Ok(all) = self.api(client, project).list_metadata(&ListParams::default()).await {
            return self.missing(name, project, all.items.iter().map(ResourceExt::name_any).collect());
        }
        Failure::api(format!("{what} {}", self.shown(name)), err)
    }

    /// `stage.kargo.akuity.io/qa`.
    pub(crate) fn shown(&self, name: &str) -> String {
        let kind = self.resource.kind.to_lowercase();
        if self.resource.group.is_empty() { format!("{kind}/{name}") } else { format!("{kind}.{}/{name}", self.resource.group) }
    }

    /// Its objects, in this project if it lives in one.
    pub(crate) fn api(&self, client: &Client, project: &str) -> Api<DynamicObject> {
        if self.namespaced {
            Api::namespaced_with(client.clone(), project, &self.resource)
        } else {
            Api::all_with(client.clone(), &self.resource)
        }
    }

    /// The address of its objects: of one project, or of all.
    pub(crate) fn path(&self, project: Option<&str>) -> String {
        let ApiResource { group, version, plural, .. } = &self.resource;
        let root = if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
        match project.filter(|_| self.namespaced) {
            Some(project) => format!("{root}/namespaces/{project}/{plural}"),
            None => format!("{root}/{plural}"),
        }
    }
}

/// Splits `stages`, `stage qa e2e` and `stage/qa` into the kind and the names.
///
/// # Errors
/// No such kind.
pub(crate) fn parse(first: &str, more: &[String]) -> Result<(Kind, Vec<String>), Failure> {
    let (kind, name) = first.split_once('/').map_or((first, None), |(kind, name)| (kind, Some(name.to_owned())));
    let names: Vec<String> = name.into_iter().chain(more.iter().map(|name| crate::session::bare(name).to_owned())).collect();
    Ok((Kind::find(kind)?, names))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(typed: &str, expected: &str) {
        let (kind, names) = parse(typed, &[]).unwrap();
        assert_eq!(format!("{} {}", kind.resource.kind, names.join(",")).trim(), expected);
    }

    #[test]
    fn kinds_go_by_all_their_names() {
        check("stages", "Stage");
        check("stage/qa", "Stage qa");
        check("freight", "Freight");
        check("freights", "Freight");
        check("promo", "Promotion");
        check("runs", "PromotionRun");
        check("stages.kargo.akuity.io", "Stage");
        check("ns", "Namespace");
        assert!(parse("pods", &[]).unwrap_err().hint.contains("stages"));
    }
}
