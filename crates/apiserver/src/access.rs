//! What a request is asked for before and beside being carried out: its right, the rights that its content needs, and acting as another.

use crate::ApiServer;
use crate::admit::Admitted;
use crate::failure::{About, Failure};
use crate::identity::Identity;
use crate::kind::Kind;
use crate::request::{Call, percent_decoded};
use crate::selectors::Fields;
use http::{HeaderMap, HeaderName, Method};
use seaway_core::authorize::{Attributes, Denied, Impersonation, Resource, Target, Write};
use serde_json::Value;

/// The kinds that can be written by a right that stands in the place of `patch` and `update`.
const GATED: &[&str] = &["Promotion", "Stage", "Warehouse", "ProjectConfig", "ClusterConfig"];
/// Where the names of headers begin that ask to act as another.
const IMPERSONATE: &str = "impersonate-";
/// Values of such headers that are looked at.
const N_IMPERSONATED_MAX: usize = 64;

/// The verb of a request for a resource.
fn verb(call: &Call) -> &'static str {
    let named = call.name.is_some();
    match call.method {
        Method::GET if call.query.watch => "watch",
        Method::GET if named => "get",
        Method::GET => "list",
        Method::POST => "create",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE if named => "delete",
        Method::DELETE => "deletecollection",
        _ => "",
    }
}

/// What it is done to, as RBAC names it; `named` is the name it is about.
fn resource<'a>(kind: &'a Kind, namespace: &'a str, named: &'a str, subresource: Option<&'a str>) -> Resource<'a> {
    // As in Kubernetes, a namespace is in itself: a role in it can be about it.
    let namespace = if kind.group.is_empty() && kind.plural == "namespaces" { named } else { namespace };
    Resource { group: &kind.group, resource: &kind.plural, subresource: subresource.unwrap_or_default(), namespace, name: named }
}

impl ApiServer {
    /// Whether whoever asks may, before anything is looked at. A write whose content may need another right instead goes on for now:
    /// [`Call::denied`] holds what stands against it.
    pub(crate) fn authorize(&self, call: &mut Call) -> Result<(), Failure> {
        // A list or watch of the one object that its selector names is about that name.
        let exact = match call.name {
            None if call.method == Method::GET => Fields::parse(&call.query.field_selector).ok(),
            _ => None,
        };
        let exact = exact.as_ref().and_then(|fields| fields.exact("metadata.name"));
        let name = call.name.as_deref().or(exact).unwrap_or_default();
        let asked = resource(&call.kind, &call.namespace, name, call.subresource.as_deref());
        let Err(denied) = self.authorizer.decide(&call.identity, verb(call), asked).into_result() else { return Ok(()) };
        let may_be_gated = matches!(call.method, Method::PUT | Method::PATCH)
            && call.subresource.is_none()
            && call.kind.group == seaway_api::kargo::GROUP
            && GATED.contains(&call.kind.kind.as_str());
        // Who may not even read it learns nothing from how such a write fails.
        if may_be_gated && self.authorizer.allows(&call.identity, "get", asked) {
            call.denied = Some(denied);
            return Ok(());
        }
        Err(forbidden(&call.kind, name, denied))
    }

    /// Whether a watch may go on.
    pub(crate) fn may_watch(&self, call: &Call, name: &str) -> Result<(), Failure> {
        let asked = resource(&call.kind, &call.namespace, name, call.subresource.as_deref());
        let decision = self.authorizer.decide(&call.identity, "watch", asked);
        decision.into_result().map(drop).map_err(|denied| forbidden(&call.kind, name, denied))
    }

    /// Whether whoever asks may make this object too: an apply that finds nothing there.
    pub(crate) fn authorize_create(&self, call: &Call) -> Result<(), Failure> {
        let asked = resource(&call.kind, &call.namespace, "", None);
        let decision = self.authorizer.decide(&call.identity, "create", asked);
        decision.into_result().map(drop).map_err(|denied| forbidden(&call.kind, call.name(), denied))
    }

    /// Whether whoever asks may write this content: the fields that need a right of their own, what it confers, and what admission asks for.
    pub(crate) fn permit(&self, call: &Call, name: &str, admitted: &Admitted, old: Option<&Value>) -> Result<(), Failure> {
        let (kind, new) = (&call.kind, &admitted.object);
        let write = Write {
            kind: if kind.group == seaway_api::kargo::GROUP { &kind.kind } else { "" },
            namespace: &call.namespace,
            name,
            old,
            new,
            control_plane: call.identity.is_control_plane(),
        };
        let permitted = self.authorizer.ask(&call.identity, |policy, who| {
            let gated = policy.passes(&who, &write)?;
            if gated.instead {
                return Ok(());
            }
            if let Some(denied) = &call.denied {
                return Err(denied.clone());
            }
            policy.may_confer(&who, new, old)?;
            match &admitted.right {
                Some(right) => policy.decide(&Attributes::right(who, right)).into_result().map(drop),
                None => Ok(()),
            }
        });
        permitted.map_err(|denied| forbidden(kind, name, denied))
    }

    /// Whether whoever asks may read a path that is no resource.
    pub(crate) fn authorize_path(&self, identity: &Identity, method: &Method, path: &str) -> Result<(), Failure> {
        let verb = method.as_str().to_ascii_lowercase();
        let decision = self
            .authorizer
            .ask(identity, |policy, who| policy.decide(&Attributes { who, verb: &verb, target: Target::Path(path) }));
        let refused = |denied: Denied| Failure::Forbidden { about: None, message: denied.message, causes: Vec::new() };
        decision.into_result().map(drop).map_err(refused)
    }

    /// Whom a request counts as where its `Impersonate-*` headers name another, if whoever sends it may act as them. The headers are
    /// taken from the request, so that they are honoured once; what is held open still ends with whoever sends it.
    ///
    /// # Errors
    /// [`NotActing`]: the request must be refused.
    pub fn acting(&self, identity: &Identity, headers: &mut HeaderMap) -> Result<Option<Identity>, NotActing> {
        let as_whom = impersonation(headers).map_err(|failure| NotActing::Unreadable(failure.to_string()))?;
        let Some(as_whom) = as_whom else { return Ok(None) };
        let acting = self.authorizer.ask(identity, |policy, who| policy.impersonate(&who, &as_whom));
        let acting = acting.map_err(|denied| NotActing::Lacking(denied.message))?;
        let names: Vec<HeaderName> = headers.keys().filter(|name| names_another(name)).cloned().collect();
        for name in names {
            headers.remove(name);
        }
        tracing::info!(user = %identity.username, acting_as = acting.name, "acts as another");
        Ok(Some(Identity::exactly(&acting.name, acting.groups).with_lease(identity.lease.clone())))
    }
}

/// Why a request may not count as whom it names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotActing {
    /// Its headers cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// A right is lacking, which the message names.
    #[error("{0}")]
    Lacking(String),
}

impl From<NotActing> for Failure {
    fn from(refused: NotActing) -> Self {
        match refused {
            NotActing::Unreadable(message) => Self::BadRequest(message),
            NotActing::Lacking(message) => Self::Forbidden { about: None, message, causes: Vec::new() },
        }
    }
}

/// Is it a header that asks to act as another, whatever part of whom it names?
pub fn names_another(name: &HeaderName) -> bool {
    name.as_str().starts_with(IMPERSONATE)
}

/// A refusal in the words that kubectl knows, naming the right that is lacking.
fn forbidden(kind: &Kind, name: &str, denied: Denied) -> Failure {
    Failure::Forbidden { about: Some(About::new(kind, name)), message: denied.message, causes: Vec::new() }
}

impl Call {
    /// A failure of a request that was let on only to see what it says: nothing is told but what is lacking.
    pub(crate) fn veiled(&self, failure: Failure) -> Failure {
        match (&self.denied, failure) {
            (None, failure) | (Some(_), failure @ Failure::Forbidden { .. }) => failure,
            (Some(denied), _) => forbidden(&self.kind, self.name(), denied.clone()),
        }
    }
}

/// Whom the headers name; a header that begins like these and is none of them is refused, never passed over.
fn impersonation(headers: &HeaderMap) -> Result<Option<Impersonation>, Failure> {
    let mut found = None;
    let asked = headers.iter().filter(|(name, _)| names_another(name));
    for (count, (name, value)) in asked.enumerate() {
        let bad = |why: &str| Failure::BadRequest(format!("header `{name}`: {why}"));
        if count >= N_IMPERSONATED_MAX {
            return Err(bad("too many of them"));
        }
        let value = value.to_str().map_err(|_| bad("it is not plain text"))?.to_owned();
        let whom: &mut Impersonation = found.get_or_insert_default();
        match name.as_str().strip_prefix(IMPERSONATE).unwrap_or_default() {
            "user" if whom.user.is_empty() => whom.user = value,
            "uid" if whom.uid.is_empty() => whom.uid = value,
            "group" => whom.groups.push(value),
            part => match part.strip_prefix("extra-") {
                Some(key) if !key.is_empty() => whom.extra.entry(percent_decoded(key)?).or_default().push(value),
                _ => return Err(bad("it is not known, or stands twice")),
            },
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn read(pairs: &[(&str, &str)]) -> Result<Option<Impersonation>, Failure> {
        let pair = |(name, value): &(&str, &str)| {
            (HeaderName::try_from(*name).expect("a name"), HeaderValue::try_from(*value).expect("a value"))
        };
        impersonation(&pairs.iter().map(pair).collect())
    }

    #[test]
    fn headers_name_somebody_or_are_refused() {
        assert_eq!(read(&[("accept", "*/*")]).expect("reads"), None);
        let whom = [
            ("impersonate-user", "user:bob"),
            ("impersonate-group", "a"),
            ("impersonate-group", "b"),
            ("impersonate-extra-a%2fb", "c"),
        ];
        let whom = read(&whom).expect("reads").expect("somebody");
        assert_eq!((whom.user.as_str(), whom.groups.len()), ("user:bob", 2));
        assert_eq!(whom.extra["a/b"], ["c"]);
        // A group without a user is somebody without a name: the policy refuses it.
        assert!(read(&[("impersonate-group", "a")]).expect("reads").is_some_and(|whom| whom.user.is_empty()));
        for refused in [
            &[("impersonate-usr", "x")][..],
            &[("impersonate-user", "x"), ("impersonate-user", "y")],
            &[("impersonate-extra-", "x")],
        ] {
            assert!(matches!(read(refused), Err(Failure::BadRequest(_))), "{refused:?}");
        }
    }

    #[test]
    fn kinds_with_a_gate_are_the_cores() {
        let whole = serde_json::json!({"metadata": {"annotations": {}}});
        for kind in GATED {
            let marked = serde_json::json!({"metadata": {"annotations": {"kargo.akuity.io/refresh": "now"}}});
            let write = Write { kind, namespace: "bank", name: "x", old: Some(&whole), new: &marked, control_plane: false };
            assert!(seaway_core::authorize::gated(&write).is_ok_and(|gated| gated.instead), "{kind}");
        }
    }
}
