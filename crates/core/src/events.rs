//! Events: what happened to promotions and freight, with Kargo's reasons and annotations (reference §9). Pure: made here, told by whoever
//! stores what they tell of, in the same commit.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use seaway_api::kargo::names::annotation;
use seaway_api::kargo::{Freight, FreightReference, GROUP, Promotion, PromotionPhase, VERSION};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const PREFIX: &str = "event.kargo.akuity.io/";
/// Characters of a note, as Kubernetes allows.
const NOTE_MAX: usize = 1000;
/// Characters of a name that go into the name of its events; 253 are allowed in all.
const NAME_MAX: usize = 200;

macro_rules! happenings {
    ($( $name:ident of $kind:literal $(, $warning:ident)? : $meaning:literal; )+) => {
        /// What an event can tell of: its `reason`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Happening { $( #[doc = $meaning] $name, )+ }

        impl Happening {
            /// All of them, in the order of the catalogue.
            pub const ALL: &[Happening] = &[ $( Self::$name, )+ ];

            /// The stable word.
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$name => stringify!($name), )+ }
            }

            /// The kind it happens to.
            pub const fn kind(self) -> &'static str {
                match self { $( Self::$name => $kind, )+ }
            }

            /// What it means, in a sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $( Self::$name => $meaning, )+ }
            }

            /// Whether somebody should look.
            pub const fn is_warning(self) -> bool {
                match self { $( Self::$name => happenings!(@warning $($warning)?), )+ }
            }
        }
    };
    (@warning) => { false };
    (@warning warning) => { true };
}

happenings! {
    PromotionCreated of "Promotion": "a promotion was asked for, by a person or by a stage itself";
    PromotionSucceeded of "Promotion": "it ended well; `verification-pending` says whether the stage verifies it";
    PromotionFailed of "Promotion", warning: "a step said no";
    PromotionErrored of "Promotion", warning: "a step could not run, or the promotion could not begin";
    PromotionAborted of "Promotion", warning: "somebody ended it";
    EffectResolved of "Promotion": "a person decided what becomes of an effect that nobody could tell of";
    FreightCreated of "Freight": "a warehouse made freight of what it found";
    FreightApproved of "Freight": "a person approved the freight for a stage";
    FreightVerificationSucceeded of "Freight": "the freight counts as verified in a stage";
}

impl Happening {
    /// How a promotion's end is told; `None` for a phase that is none.
    pub fn of_end(phase: &PromotionPhase) -> Option<Self> {
        match phase {
            PromotionPhase::Succeeded => Some(Self::PromotionSucceeded),
            PromotionPhase::Failed => Some(Self::PromotionFailed),
            PromotionPhase::Errored => Some(Self::PromotionErrored),
            PromotionPhase::Aborted => Some(Self::PromotionAborted),
            _ => None,
        }
    }
}

/// One event.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    happening: Happening,
    note: String,
    at: Timestamp,
    namespace: String,
    about: String,
    uid: String,
    annotations: BTreeMap<String, String>,
}

impl Event {
    /// Something happened to a promotion. `freight` is what it is about, as far as that is known, and its alias.
    pub fn of_promotion(
        happening: Happening,
        promotion: &Promotion,
        freight: Option<(&FreightReference, &str)>,
        note: String,
        at: Timestamp,
    ) -> Self {
        let meta = &promotion.metadata;
        let annotated = |key: &str| meta.annotations.as_ref().and_then(|all| all.get(key)).cloned();
        let mut said = Said(freight.map(|(freight, alias)| of_freight(freight, alias)).unwrap_or_default());
        said.say("actor", annotated(annotation::CREATE_ACTOR).unwrap_or_else(|| "controller:promotions".into()));
        said.say("project", meta.namespace.clone().unwrap_or_default());
        said.say("promotion-name", meta.name.clone().unwrap_or_default());
        said.say("promotion-create-time", instant(meta.creation_timestamp.as_ref()));
        said.say("stage-name", promotion.spec.stage.clone());
        said.say("freight-name", promotion.spec.freight.clone());
        if let Some(rollback) = annotated(annotation::ROLLBACK) {
            said.say("rollback", rollback);
        }
        let mut event = Self::of(happening, meta, note, at);
        event.annotations = said.0;
        event
    }

    /// Something happened to freight; `actor` did it.
    pub fn of_freight(happening: Happening, freight: &Freight, actor: &str, note: String, at: Timestamp) -> Self {
        let mut said = Said(of_freight(&freight.reference(), &freight.alias));
        said.say("actor", actor.to_owned());
        said.say("project", freight.metadata.namespace.clone().unwrap_or_default());
        said.say("freight-create-time", instant(freight.metadata.creation_timestamp.as_ref()));
        let mut event = Self::of(happening, &freight.metadata, note, at);
        event.annotations = said.0;
        event
    }

    fn of(happening: Happening, meta: &ObjectMeta, note: String, at: Timestamp) -> Self {
        Self {
            happening,
            note,
            at,
            namespace: meta.namespace.clone().unwrap_or_default(),
            about: meta.name.clone().unwrap_or_default(),
            uid: meta.uid.clone().unwrap_or_default(),
            annotations: BTreeMap::new(),
        }
    }

    /// The same with one annotation more, named without its prefix.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.annotations.insert(format!("{PREFIX}{key}"), value.into());
        self
    }

    /// The object (core/v1). Its name is the name of what it is about and `mark`, which tells it from other events.
    pub fn object(self, mark: &str) -> Value {
        let kind = self.happening.kind();
        let name: String = self.about.chars().take(NAME_MAX).collect();
        let second = Timestamp::from_second(self.at.as_second()).unwrap_or(self.at).to_string();
        json!({
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": { "name": format!("{name}.{mark}"), "namespace": self.namespace, "annotations": self.annotations },
            "involvedObject": {
                "apiVersion": format!("{GROUP}/{VERSION}"), "kind": kind,
                "namespace": self.namespace, "name": self.about, "uid": self.uid,
            },
            "action": self.happening.as_str(),
            "reason": self.happening.as_str(),
            "message": self.note.chars().take(NOTE_MAX).collect::<String>(),
            "type": if self.happening.is_warning() { "Warning" } else { "Normal" },
            "eventTime": format!("{:.6}", self.at),
            "firstTimestamp": second,
            "lastTimestamp": second,
            "count": 1,
            "reportingComponent": format!("seaway.dev/{}", kind.to_lowercase()),
            "reportingInstance": "seaway",
        })
    }
}

/// Annotations in the making.
struct Said(BTreeMap<String, String>);

impl Said {
    fn say(&mut self, key: &str, value: String) {
        self.0.insert(format!("{PREFIX}{key}"), value);
    }
}

fn instant(at: Option<&Time>) -> String {
    at.map(|at| at.0.to_string()).unwrap_or_default()
}

fn of_freight(freight: &FreightReference, alias: &str) -> BTreeMap<String, String> {
    let mut said = Said(BTreeMap::new());
    said.say("freight-name", freight.name.clone());
    said.say("freight-warehouse-name", freight.origin.name.clone());
    if !alias.is_empty() {
        said.say("freight-alias", alias.to_owned());
    }
    let lists = [
        ("freight-commits", json!(freight.commits), freight.commits.is_empty()),
        ("freight-images", json!(freight.images), freight.images.is_empty()),
        ("freight-charts", json!(freight.charts), freight.charts.is_empty()),
        ("freight-artifacts", json!(freight.artifacts), freight.artifacts.is_empty()),
    ];
    for (key, list, empty) in lists {
        if !empty {
            said.say(key, list.to_string());
        }
    }
    said.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_end_of_a_promotion_has_its_word() {
        for phase in [PromotionPhase::Succeeded, PromotionPhase::Failed, PromotionPhase::Errored, PromotionPhase::Aborted] {
            let happening = Happening::of_end(&phase).unwrap();
            assert_eq!(happening.as_str(), format!("Promotion{phase}"));
            assert_eq!(happening.is_warning(), phase != PromotionPhase::Succeeded);
        }
        assert_eq!(Happening::of_end(&PromotionPhase::Running), None);
    }

    #[test]
    fn the_documentation_knows_each() {
        let page = include_str!("../../../docs/reasons.md");
        for told in Happening::ALL {
            let row = format!("| `{}` | {} |", told.as_str(), told.kind());
            assert!(page.contains(&row), "{row}: run `cargo xtask gen`");
        }
    }

    #[test]
    fn an_event_is_kargos_under_a_name_of_its_own() {
        let mut promotion = Promotion::default();
        promotion.metadata.name = Some("qa.01.ab".into());
        promotion.metadata.namespace = Some("bank".into());
        promotion.metadata.uid = Some("u".into());
        promotion.spec.stage = "qa".into();
        promotion.spec.freight = "f".into();
        let at = "2026-03-01T12:00:00.5Z".parse().unwrap();
        let event = Event::of_promotion(Happening::PromotionSucceeded, &promotion, None, "done".into(), at);
        let object = event.with("verification-pending", "false").object("7");
        insta::assert_snapshot!(serde_json::to_string_pretty(&object).unwrap(), @r#"
        {
          "apiVersion": "v1",
          "kind": "Event",
          "metadata": {
            "name": "qa.01.ab.7",
            "namespace": "bank",
            "annotations": {
              "event.kargo.akuity.io/actor": "controller:promotions",
              "event.kargo.akuity.io/freight-name": "f",
              "event.kargo.akuity.io/project": "bank",
              "event.kargo.akuity.io/promotion-create-time": "",
              "event.kargo.akuity.io/promotion-name": "qa.01.ab",
              "event.kargo.akuity.io/stage-name": "qa",
              "event.kargo.akuity.io/verification-pending": "false"
            }
          },
          "involvedObject": {
            "apiVersion": "kargo.akuity.io/v1alpha1",
            "kind": "Promotion",
            "namespace": "bank",
            "name": "qa.01.ab",
            "uid": "u"
          },
          "action": "PromotionSucceeded",
          "reason": "PromotionSucceeded",
          "message": "done",
          "type": "Normal",
          "eventTime": "2026-03-01T12:00:00.500000Z",
          "firstTimestamp": "2026-03-01T12:00:00Z",
          "lastTimestamp": "2026-03-01T12:00:00Z",
          "count": 1,
          "reportingComponent": "seaway.dev/promotion",
          "reportingInstance": "seaway"
        }
        "#);
    }
}
