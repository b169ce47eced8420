//! Kubernetes Events with Kargo's reasons and annotations (reference §9), told at least once under names that make a repetition harmless.

use crate::write::is_code;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::Client;
use kube::Resource;
use kube::api::{Api, PostParams};
use seaway_api::kargo::names::annotation;
use seaway_api::kargo::{Freight, FreightReference, Promotion};
use std::collections::BTreeMap;

const PREFIX: &str = "event.kargo.akuity.io/";

/// An event to be told.
pub(crate) struct Told {
    /// Unique for the transition it tells of.
    pub(crate) name: String,
    pub(crate) reason: String,
    pub(crate) note: String,
    pub(crate) warning: bool,
    pub(crate) at: Timestamp,
    pub(crate) annotations: BTreeMap<String, String>,
}

/// Tells it; one that was told already is left as it is.
pub(crate) async fn tell<K: Resource<DynamicType = ()>>(
    client: Client,
    controller: &str,
    about: &K,
    told: Told,
) -> kube::Result<()> {
    let meta = about.meta();
    let namespace = meta.namespace.clone().unwrap_or_else(|| "default".into());
    let event = Event {
        metadata: ObjectMeta {
            name: Some(told.name),
            namespace: Some(namespace.clone()),
            annotations: Some(told.annotations),
            ..ObjectMeta::default()
        },
        regarding: Some(ObjectReference {
            api_version: Some(K::api_version(&()).into_owned()),
            kind: Some(K::kind(&()).into_owned()),
            namespace: meta.namespace.clone(),
            name: meta.name.clone(),
            uid: meta.uid.clone(),
            ..ObjectReference::default()
        }),
        action: Some(told.reason.clone()),
        reason: Some(told.reason),
        note: Some(told.note.chars().take(1000).collect()),
        type_: Some(if told.warning { "Warning" } else { "Normal" }.into()),
        event_time: Some(MicroTime(told.at)),
        reporting_controller: Some(format!("seaway.dev/{controller}")),
        reporting_instance: Some("seaway".into()),
        ..Event::default()
    };
    let api: Api<Event> = Api::namespaced(client, &namespace);
    match api.create(&PostParams::default(), &event).await {
        Err(err) if !is_code(&err, 409) => Err(err),
        _ => Ok(()),
    }
}

/// What Kargo says with an event of a promotion.
pub(crate) fn of_promotion(promotion: &Promotion, alias: &str, freight: Option<&FreightReference>) -> BTreeMap<String, String> {
    let meta = &promotion.metadata;
    let none = BTreeMap::new();
    let annotations = meta.annotations.as_ref().unwrap_or(&none);
    let mut said = freight.map(|freight| of_freight(freight, alias)).unwrap_or_default();
    let mut say = |key: &str, value: String| said.insert(format!("{PREFIX}{key}"), value);
    let actor = annotations.get(annotation::CREATE_ACTOR).cloned().unwrap_or_else(|| "controller:promotions".into());
    say("actor", actor);
    say("project", meta.namespace.clone().unwrap_or_default());
    say("promotion-name", meta.name.clone().unwrap_or_default());
    say("promotion-create-time", meta.creation_timestamp.as_ref().map(|at| at.0.to_string()).unwrap_or_default());
    say("stage-name", promotion.spec.stage.clone());
    say("freight-name", promotion.spec.freight.clone());
    if let Some(rollback) = annotations.get(annotation::ROLLBACK) {
        say("rollback", rollback.clone());
    }
    said
}

/// What Kargo says with an event about freight in a stage.
pub(crate) fn of_freight_in(freight: &Freight, stage: &str, actor: &str) -> BTreeMap<String, String> {
    let mut said = of_freight(&freight.reference(), &freight.alias);
    let mut say = |key: &str, value: String| said.insert(format!("{PREFIX}{key}"), value);
    say("actor", actor.to_owned());
    say("project", freight.metadata.namespace.clone().unwrap_or_default());
    say("stage-name", stage.to_owned());
    say("freight-create-time", freight.metadata.creation_timestamp.as_ref().map(|at| at.0.to_string()).unwrap_or_default());
    said
}

/// One annotation more.
pub(crate) fn with(mut said: BTreeMap<String, String>, key: &str, value: impl Into<String>) -> BTreeMap<String, String> {
    said.insert(format!("{PREFIX}{key}"), value.into());
    said
}

fn of_freight(freight: &FreightReference, alias: &str) -> BTreeMap<String, String> {
    let mut said = BTreeMap::new();
    let mut say = |key: &str, value: String| said.insert(format!("{PREFIX}{key}"), value);
    say("freight-name", freight.name.clone());
    say("freight-warehouse-name", freight.origin.name.clone());
    if !alias.is_empty() {
        say("freight-alias", alias.to_owned());
    }
    let lists = [
        ("freight-commits", serde_json::to_string(&freight.commits), freight.commits.is_empty()),
        ("freight-images", serde_json::to_string(&freight.images), freight.images.is_empty()),
        ("freight-charts", serde_json::to_string(&freight.charts), freight.charts.is_empty()),
        ("freight-artifacts", serde_json::to_string(&freight.artifacts), freight.artifacts.is_empty()),
    ];
    for (key, text, empty) in lists {
        if let (Ok(text), false) = (text, empty) {
            say(key, text);
        }
    }
    said
}
