//! The kinds that are served, and how each is answered for.

use crate::discovery::{Column, Served};
use seaway_api::KindInfo;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;

/// How a kind is answered for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Stored and watched as any object.
    Stored,
    /// Events as events.k8s.io/v1 shows them: a view on core/v1's storage.
    EventView,
    /// Nothing is ever there: an empty list for clients that ask.
    Empty,
    /// Only answers a question.
    Review,
}

/// All that serving a kind needs to know; what discovery tells of it is reached through [`Deref`].
#[derive(Debug, Clone)]
pub struct Kind {
    served: Served,
    /// How it is answered for.
    pub mode: Mode,
    /// One of Kubernetes' own: strategic patches, unconditional updates, no generation.
    pub builtin: bool,
    /// The name it is stored under: `stages.kargo.akuity.io`, `secrets`.
    pub storage: Arc<str>,
}

impl Deref for Kind {
    type Target = Served;
    fn deref(&self) -> &Served {
        &self.served
    }
}

impl Kind {
    /// A kind of ours, as a CRD would define it.
    pub fn custom(served: Served) -> Self {
        let storage = format!("{}.{}", served.plural, served.group).into();
        Self { served, mode: Mode::Stored, builtin: false, storage }
    }

    fn builtin(served: Served) -> Self {
        let mode = match (served.group.as_str(), served.kind.as_str()) {
            ("events.k8s.io", _) => Mode::EventView,
            (_, "Service") => Mode::Empty,
            (_, kind) if kind.ends_with("Review") => Mode::Review,
            _ => Mode::Stored,
        };
        let plain = served.group.is_empty() || served.plural == "events";
        let storage = if plain { served.plural.clone() } else { format!("{}.{}", served.plural, served.group) };
        Self { served, mode, builtin: true, storage: storage.into() }
    }

    /// Events and Leases are written often and by one writer: their managed fields are not tracked.
    pub(crate) fn tracks_managers(&self) -> bool {
        !matches!(&*self.storage, "events" | "leases.coordination.k8s.io")
    }
}

impl From<&KindInfo> for Kind {
    fn from(info: &KindInfo) -> Self {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        let column = |column: &seaway_api::Column| Column {
            name: column.name.to_owned(),
            kind: column.type_.to_owned(),
            json_path: column.json_path.to_owned(),
            ..Column::default()
        };
        Self::custom(Served {
            group: info.group.to_owned(),
            version: info.version.to_owned(),
            kind: info.kind.to_owned(),
            plural: info.plural.to_owned(),
            singular: info.singular.clone(),
            short_names: texts(info.short_names),
            namespaced: info.namespaced,
            has_status: info.status,
            categories: texts(info.categories),
            columns: info.columns.iter().map(column).collect(),
            schema: info.schema.clone(),
        })
    }
}

/// Seaway's own kinds, from their table.
pub fn ours() -> Vec<Kind> {
    seaway_api::kinds().iter().map(Kind::from).collect()
}

/// The built-in kinds: what a control plane needs, empty lists for what clients ask in passing, and questions about oneself.
pub(crate) fn builtin() -> Vec<Kind> {
    let more = |group: &str, kind: &str, namespaced: bool| Served {
        group: group.to_owned(),
        version: "v1".to_owned(),
        kind: kind.to_owned(),
        plural: format!("{}s", kind.to_lowercase()),
        singular: kind.to_lowercase(),
        namespaced,
        schema: json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true}),
        ..Served::default()
    };
    let mut served = Served::builtins();
    served.push(more("", "Service", true));
    served.push(more("authentication.k8s.io", "SelfSubjectReview", false));
    served.push(more("authorization.k8s.io", "SelfSubjectAccessReview", false));
    served.push(more("authorization.k8s.io", "SelfSubjectRulesReview", false));
    served.push(more("authorization.k8s.io", "SubjectAccessReview", false));
    served.push(more("authorization.k8s.io", "LocalSubjectAccessReview", true));
    served.push(more("authentication.k8s.io", "TokenReview", false));
    served.into_iter().map(Kind::builtin).collect()
}

/// The kinds by address and by name.
#[derive(Debug)]
pub(crate) struct Kinds {
    all: Vec<Arc<Kind>>,
    by_path: HashMap<(String, String, String), Arc<Kind>>,
    /// What discovery is told.
    served: Vec<Served>,
}

impl Kinds {
    pub(crate) fn new(kinds: impl IntoIterator<Item = Kind>) -> Self {
        let all: Vec<Arc<Kind>> = kinds.into_iter().map(Arc::new).collect();
        let place = |kind: &Arc<Kind>| ((kind.group.clone(), kind.version.clone(), kind.plural.clone()), kind.clone());
        let served = all.iter().map(|kind| kind.served.clone()).collect();
        Self { by_path: all.iter().map(place).collect(), all, served }
    }

    pub(crate) fn at(&self, group: &str, version: &str, plural: &str) -> Option<&Arc<Kind>> {
        self.by_path.get(&(group.to_owned(), version.to_owned(), plural.to_owned()))
    }

    pub(crate) fn of(&self, api_version: &str, kind: &str) -> Option<&Arc<Kind>> {
        self.all.iter().find(|known| known.kind == kind && known.api_version() == api_version)
    }

    /// Each storage once.
    pub(crate) fn stored(&self) -> impl Iterator<Item = &Arc<Kind>> {
        self.all.iter().filter(|kind| kind.mode == Mode::Stored)
    }

    pub(crate) fn served(&self) -> &[Served] {
        &self.served
    }
}

/// The schema that objects are checked against as they are stored; Events, kept in another view's names, are not checked.
pub(crate) fn stored_schema(kind: &Kind) -> &Value {
    if &*kind.storage == "events" { &Value::Null } else { &kind.schema }
}
