//! Activity: who did what in a project, from its events, and from its promotions and freight where events are gone.

use super::ask::{Caller, Params, Place, Refused};
use crate::problem::Problem;
use axum::Json;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Event;
use kube::ResourceExt as _;
use kube::api::{Api, ListParams};
use seaway_api::kargo::names::annotation;
use seaway_api::kargo::{Freight, FreightReference, Promotion};
use seaway_core::events::Happening;
use seaway_core::freight::{Labels, artifacts};
use seaway_core::why::{plainly, who};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Items of one answer, unless it is said how many.
const N_ITEMS: usize = 50;
/// Items of one answer at most.
const N_ITEMS_MAX: usize = 500;
const ACTOR: &str = "event.kargo.akuity.io/actor";
const STAGE: &str = "event.kargo.akuity.io/stage-name";
const FREIGHT: &str = "event.kargo.akuity.io/freight-name";
const IMAGES: &str = "event.kargo.akuity.io/freight-images";
const CHARTS: &str = "event.kargo.akuity.io/freight-charts";
const COMMITS: &str = "event.kargo.akuity.io/freight-commits";

/// What is asked for.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filter {
    /// Only what this person or controller did
    actor: Option<String>,
    /// Only what was done by those in whose name this occurs, in capitals or not
    who: Option<String>,
    /// Only what happened at this stage
    stage: Option<String>,
    /// Only what happened to this kind: `Promotion`, `Freight`, …
    kind: Option<String>,
    /// Not before this instant
    from: Option<Timestamp>,
    /// Before this instant
    until: Option<Timestamp>,
    /// Go on behind this cursor: `next` of the answer before
    after: Option<String>,
    /// So many, 50 unless it is said; at most 500
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

/// What happened, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Activity {
    /// A page of it.
    items: Vec<Item>,
    /// The cursor of the next page; left out if this is the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next: Option<String>,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ActivityItem)]
pub(crate) struct Item {
    /// When.
    at: Timestamp,
    /// Who did it.
    actor: String,
    /// What, in a word of the catalogue.
    reason: String,
    /// To what.
    object: Object,
    /// At which stage; empty if at none.
    stage: String,
    /// The name of the freight it is about; empty if it is about none.
    freight: String,
    /// What tells that freight from other: `fund-transfer 1.5.1`; all that was in it where it is gone.
    version: String,
    /// In a sentence.
    message: String,
}

/// An object by its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ActivityObject)]
pub(crate) struct Object {
    /// Its kind.
    kind: String,
    /// Its name.
    name: String,
}

/// Who did what
#[utoipa::path(get, path = "/seaway/v1/projects/{project}/activity", tag = "activity", params(("project" = String, Path), Filter),
    responses((status = 200, body = Activity), (status = 304, description = "It is as it was"), Refused))]
pub(super) async fn activity(
    caller: Caller,
    Place(project): Place<String>,
    Params(filter): Params<Filter>,
) -> Result<Json<Activity>, Problem> {
    let verbs = caller.verbs(&project).await?;
    let limit = filter.limit.unwrap_or(N_ITEMS);
    if !(1..=N_ITEMS_MAX).contains(&limit) {
        return Err(Problem::invalid(format!("limit: 1 to {N_ITEMS_MAX} is wanted")));
    }
    let after = filter.after.as_deref().map(cursor).transpose()?;
    let all = ListParams::default();
    let (events, promotions): (Api<Event>, Api<Promotion>) = (verbs.api(), verbs.api());
    let (events, promotions, freight) = tokio::try_join!(
        async { Ok(events.list(&all).await?.items) },
        async { Ok(promotions.list(&all).await?.items) },
        async { verbs.all_freight().await.map_err(Problem::from) }
    )?;
    let mut items: Vec<(Key, Item)> = gathered(&events, &promotions, &freight).into_iter().collect();
    items.retain(|(key, item)| wanted(&filter, item) && after.as_ref().is_none_or(|after| key < after));
    items.reverse();
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|(key, _)| format!("{}~{}~{}", key.0, key.1, key.2));
    Ok(Json(Activity { items: items.into_iter().map(|(_, item)| item).collect(), next }))
}

/// When, what and to which object: the same thing is told once, whoever tells it.
type Key = (Timestamp, String, String);

fn cursor(text: &str) -> Result<Key, Problem> {
    let parts: Vec<&str> = text.splitn(3, '~').collect();
    let bad = || Problem::invalid("after: the cursor of an answer's `next` is wanted");
    let [at, reason, name] = parts[..] else { return Err(bad()) };
    Ok((at.parse().map_err(|_| bad())?, reason.to_owned(), name.to_owned()))
}

fn wanted(filter: &Filter, item: &Item) -> bool {
    let is = |wanted: &Option<String>, own: &str| wanted.as_deref().is_none_or(|wanted| wanted == own);
    let named = |who: &String| item.actor.to_lowercase().contains(&who.to_lowercase());
    is(&filter.actor, &item.actor)
        && filter.who.as_ref().is_none_or(named)
        && is(&filter.stage, &item.stage)
        && is(&filter.kind, &item.object.kind)
        && filter.from.is_none_or(|from| item.at >= from)
        && filter.until.is_none_or(|until| item.at < until)
}

/// Everything that is known, the oldest first.
fn gathered(events: &[Event], promotions: &[Promotion], freight: &[Freight]) -> BTreeMap<Key, Item> {
    let mut told: BTreeMap<(String, String), Item> = BTreeMap::new();
    let references: Vec<_> = freight.iter().map(Freight::reference).collect();
    let labels = Labels::new(&references);
    let label = |name: &str| {
        let found = references.iter().find(|it| it.name == name);
        found.map_or_else(|| name.get(..7).unwrap_or(name).to_owned(), |it| labels.of(it))
    };
    // What an object itself says is there as long as it; an event says more, as long as it is kept.
    let mut items: Vec<Item> = Vec::new();
    items.extend(promotions.iter().flat_map(|promotion| of_promotion(promotion, &label(&promotion.spec.freight))));
    items.extend(freight.iter().filter_map(|it| of_freight(it, &labels.of(&it.reference()))));
    items.extend(events.iter().filter_map(of_event).map(|item| Item {
        version: references.iter().find(|it| it.name == item.freight).map_or(item.version, |it| labels.of(it)),
        ..item
    }));
    for item in items {
        let once = item.reason.starts_with("Promotion") || item.reason == Happening::FreightCreated.as_str();
        let mark = if once { String::new() } else { item.at.to_string() };
        told.insert((format!("{}{mark}", item.reason), item.object.name.clone()), item);
    }
    let keyed = told.into_values().map(|item| ((item.at, item.reason.clone(), item.object.name.clone()), item));
    keyed.collect()
}

fn of_promotion(promotion: &Promotion, label: &str) -> Vec<Item> {
    let actor = promotion.annotations().get(annotation::CREATE_ACTOR).map_or("", |actor| who(actor));
    let (name, stage) = (promotion.name_any(), promotion.spec.stage.clone());
    let item = |at: Timestamp, reason: Happening, message: String| Item {
        at,
        actor: actor.to_owned(),
        reason: reason.as_str().to_owned(),
        object: Object { kind: "Promotion".to_owned(), name: name.clone() },
        stage: stage.clone(),
        freight: promotion.spec.freight.clone(),
        version: label.to_owned(),
        message,
    };
    let made = promotion.metadata.creation_timestamp.as_ref();
    let made = made.map(|at| item(at.0, Happening::PromotionCreated, format!("{label} into {stage}")));
    let status = promotion.status.as_ref();
    let ended = status.and_then(|status| {
        let message = if status.message.is_empty() { format!("{label} into {stage}") } else { plainly(&status.message) };
        Some(item(status.finished_at.as_ref()?.0, Happening::of_end(&status.phase)?, message))
    });
    made.into_iter().chain(ended).collect()
}

fn of_freight(freight: &Freight, label: &str) -> Option<Item> {
    Some(Item {
        at: freight.found_at()?,
        actor: "controller:warehouses".to_owned(),
        reason: Happening::FreightCreated.as_str().to_owned(),
        object: Object { kind: "Freight".to_owned(), name: freight.name_any() },
        stage: String::new(),
        freight: freight.name_any(),
        version: label.to_owned(),
        message: format!("{label} from {}", freight.origin.name),
    })
}

fn of_event(event: &Event) -> Option<Item> {
    let said = |key: &str| event.annotations().get(key).cloned().unwrap_or_default();
    let component = event.reporting_component.clone().unwrap_or_default();
    let actor = match said(ACTOR) {
        actor if actor.is_empty() => component,
        actor => who(&actor).to_owned(),
    };
    let at = event.event_time.as_ref().map(|at| at.0).or(event.last_timestamp.as_ref().map(|at| at.0))?;
    let about = &event.involved_object;
    let object = Object { kind: about.kind.clone().unwrap_or_default(), name: about.name.clone().unwrap_or_default() };
    // What is done to a stage or to freight itself is at it and about it.
    let own = |annotation: &str, kind: &str| if object.kind == kind { object.name.clone() } else { said(annotation) };
    Some(Item {
        at,
        actor,
        reason: event.reason.clone().unwrap_or_default(),
        stage: own(STAGE, "Stage"),
        freight: own(FREIGHT, "Freight"),
        version: contents(event),
        object,
        message: plainly(&event.message.clone().unwrap_or_default()),
    })
}

/// What was in the freight that an event is about, as the event has it written down.
fn contents(event: &Event) -> String {
    let annotations = event.annotations();
    let listed = |key: &str| annotations.get(key).map(String::as_str);
    // A list that somebody else wrote otherwise is left out.
    let inside = FreightReference {
        images: listed(IMAGES).and_then(|list| serde_json::from_str(list).ok()).unwrap_or_default(),
        charts: listed(CHARTS).and_then(|list| serde_json::from_str(list).ok()).unwrap_or_default(),
        commits: listed(COMMITS).and_then(|list| serde_json::from_str(list).ok()).unwrap_or_default(),
        ..FreightReference::default()
    };
    let all: Vec<String> = artifacts(&inside).into_iter().map(|(name, version)| format!("{name} {version}")).collect();
    all.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back() {
        let key = ("2026-03-01T12:00:00Z".parse().unwrap(), "PromotionCreated".to_owned(), "qa.1~x".to_owned());
        assert_eq!(cursor("2026-03-01T12:00:00Z~PromotionCreated~qa.1~x").unwrap(), key);
        cursor("rubbish").unwrap_err();
    }

    #[test]
    fn an_event_and_the_object_it_tells_of_are_one_thing() {
        let mut promotion = Promotion::default();
        promotion.metadata.name = Some("qa.1".into());
        promotion.metadata.creation_timestamp =
            Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time("2026-03-01T12:00:00Z".parse().unwrap()));
        promotion.annotations_mut().insert(annotation::CREATE_ACTOR.into(), "user:bob".into());
        promotion.spec.stage = "qa".into();
        let event: Event = serde_json::from_value(serde_json::json!({
            "metadata": { "name": "qa.1.7", "annotations": { ACTOR: "user:bob", STAGE: "qa" } }, "reason": "PromotionCreated",
            "involvedObject": { "kind": "Promotion", "name": "qa.1" }, "eventTime": "2026-03-01T12:00:00.250000Z", "message": "told",
        }))
        .unwrap();
        let found: Vec<Item> = gathered(&[event], &[promotion], &[]).into_values().collect();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].actor.as_str(), found[0].message.as_str(), found[0].stage.as_str()), ("bob", "told", "qa"));
    }

    #[test]
    fn an_event_says_at_which_stage_and_about_which_freight() {
        let event = |kind: &str, name: &str, annotations: serde_json::Value| -> Event {
            serde_json::from_value(serde_json::json!({
                "metadata": { "name": "e", "annotations": annotations }, "reason": "Changed", "eventTime": "2026-03-01T12:00:00Z",
                "involvedObject": { "kind": kind, "name": name },
            }))
            .unwrap()
        };
        let check = |event: &Event, expected: [&str; 3]| {
            let item = of_event(event).unwrap();
            assert_eq!([item.stage.as_str(), item.freight.as_str(), item.version.as_str()], expected);
        };
        check(&event("Stage", "qa", serde_json::json!({})), ["qa", "", ""]);
        check(&event("Warehouse", "images", serde_json::json!({})), ["", "", ""]);
        check(&event("Freight", "f1", serde_json::json!({ IMAGES: "rubbish" })), ["", "f1", ""]);
        let images = r#"[{"repoURL":"ghcr.example/bank/fund-transfer","tag":"1.5.1"},{"repoURL":"ghcr.example/bank/account-info","tag":"2.3.0"}]"#;
        let told = serde_json::json!({ STAGE: "qa", FREIGHT: "f1", IMAGES: images });
        check(&event("Promotion", "qa.1", told), ["qa", "f1", "fund-transfer 1.5.1, account-info 2.3.0"]);
    }

    #[test]
    fn who_is_found_by_a_part_of_the_name_and_an_actor_by_the_whole() {
        let event: Event = serde_json::from_value(serde_json::json!({
            "metadata": { "name": "e", "annotations": { ACTOR: "user:Bobby" } }, "eventTime": "2026-03-01T12:00:00Z", "involvedObject": {},
        }))
        .unwrap();
        let item = of_event(&event).unwrap();
        let text = |text: &str| Some(text.to_owned());
        assert!(wanted(&Filter { who: text("bob"), ..Filter::default() }, &item));
        assert!(!wanted(&Filter { who: text("eve"), ..Filter::default() }, &item));
        assert!(!wanted(&Filter { actor: text("Bob"), ..Filter::default() }, &item));
        assert!(wanted(&Filter { actor: text("Bobby"), ..Filter::default() }, &item));
    }
}
