//! Questions in the form Kubernetes' access reviews have: read from a `spec`, answered as a `status`.

use super::ask::{Attributes, Resource, Target, Who};
use super::decision::Decision;
use serde::Deserialize;
use serde_json::{Value, json};

/// A review whose question cannot be answered.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// It is not of the form.
    #[error("read the review's spec")]
    Unreadable(#[source] serde_json::Error),
    /// It asks for both, or neither.
    #[error("spec: exactly one of nonResourceAttributes or resourceAttributes is needed")]
    NotOne,
    /// Nobody is asked about.
    #[error("spec: at least one of user and groups is needed")]
    Nobody,
    /// A review of a namespace asks about another.
    #[error("spec.resourceAttributes.namespace: it is `{asked}`, but the review is of namespace `{own}`")]
    Elsewhere {
        /// The namespace asked about.
        asked: String,
        /// The review's.
        own: String,
    },
}

/// The `spec` of a SelfSubjectAccessReview, SubjectAccessReview or LocalSubjectAccessReview.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Access {
    resource_attributes: Option<ResourceAttributes>,
    non_resource_attributes: Option<PathAttributes>,
    /// Whom it asks about, unless it is about the caller.
    pub user: String,
    /// Their groups, as they are: none is added.
    pub groups: Vec<String>,
}

/// Its selectors are passed over: no role looks at them, so they neither widen nor narrow the answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct ResourceAttributes {
    namespace: String,
    verb: String,
    group: String,
    resource: String,
    subresource: String,
    name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct PathAttributes {
    path: String,
    verb: String,
}

impl Access {
    /// Reads the question that somebody asks about themselves.
    ///
    /// # Errors
    /// [`AccessError`].
    pub fn about_oneself(spec: &Value) -> Result<Self, AccessError> {
        let access = Self::deserialize(spec).map_err(AccessError::Unreadable)?;
        match (&access.resource_attributes, &access.non_resource_attributes) {
            (Some(_), None) | (None, Some(_)) => Ok(access),
            _ => Err(AccessError::NotOne),
        }
    }

    /// Reads the question that somebody asks about another; in a LocalSubjectAccessReview, of its namespace alone.
    ///
    /// # Errors
    /// [`AccessError`].
    pub fn about_another(spec: &Value, own: Option<&str>) -> Result<Self, AccessError> {
        let access = Self::about_oneself(spec)?;
        if access.user.is_empty() && access.groups.is_empty() {
            return Err(AccessError::Nobody);
        }
        let asked = access.resource_attributes.as_ref().map(|it| it.namespace.as_str()).unwrap_or_default();
        match own {
            Some(own) if own != asked => Err(AccessError::Elsewhere { asked: asked.to_owned(), own: own.to_owned() }),
            _ => Ok(access),
        }
    }

    /// The question, asked of `who`; for another than the caller that is [`Access::who`].
    pub fn asked<'a>(&'a self, who: Who<'a>) -> Attributes<'a> {
        match (&self.resource_attributes, &self.non_resource_attributes) {
            (Some(ResourceAttributes { namespace, verb, group, resource, subresource, name }), _) => {
                Attributes { who, verb, target: Target::Resource(Resource { group, resource, subresource, namespace, name }) }
            }
            (None, path) => {
                let (verb, path) = path.as_ref().map(|it| (it.verb.as_str(), it.path.as_str())).unwrap_or_default();
                Attributes { who, verb, target: Target::Path(path) }
            }
        }
    }

    /// Whom it asks about.
    pub fn who(&self) -> Who<'_> {
        Who::new(&self.user, &self.groups)
    }
}

impl Decision {
    /// The `status` of an access review.
    pub fn status(&self) -> Value {
        json!({ "allowed": self.is_allowed(), "reason": self.reason() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(spec: Value, own: Option<&str>, expected: &str) {
        let read = if spec.get("user").is_some() || own.is_some() {
            Access::about_another(&spec, own)
        } else {
            Access::about_oneself(&spec)
        };
        let said = read.map_or_else(|err| err.to_string(), |access| format!("{:?}", access.asked(Who::new("", &[])).target));
        assert!(said.contains(expected), "{said}");
    }

    #[test]
    fn a_review_asks_about_one_thing_and_somebody() {
        let pods = json!({ "verb": "get", "resource": "pods", "namespace": "bank", "version": "v1", "fieldSelector": { "requirements": [] } });
        check(json!({ "resourceAttributes": pods }), None, "resource: \"pods\", subresource: \"\", namespace: \"bank\"");
        check(json!({ "nonResourceAttributes": { "path": "/healthz", "verb": "get" } }), None, "Path(\"/healthz\")");
        check(json!({}), None, "exactly one of");
        check(json!({ "resourceAttributes": pods, "nonResourceAttributes": {} }), None, "exactly one of");
        check(json!({ "resourceAttributes": "pods" }), None, "read the review's spec");
        check(json!({ "user": "", "resourceAttributes": pods }), None, "at least one of user and groups");
        check(json!({ "user": "ann", "resourceAttributes": pods }), Some("bank"), "pods");
        check(json!({ "user": "ann", "resourceAttributes": pods }), Some("shop"), "the review is of namespace `shop`");
    }

    #[test]
    fn an_answer_says_why() {
        let access = Access::about_another(
            &json!({ "user": "ann", "resourceAttributes": { "verb": "*", "resource": "*", "group": "*" } }),
            None,
        )
        .unwrap();
        let status = crate::authorize::Policy::default().decide(&access.asked(access.who())).status();
        let reason = "ann may not do everything to everything cluster-wide: no role gives ann the verb * on * (*)";
        assert_eq!(status, json!({ "allowed": false, "reason": reason }));
    }
}
