//! What is where: services × stages, across the projects that the caller may read.

use super::ask::{Caller, Refused};
use crate::live::Held;
use crate::problem::Problem;
use axum::Json;
use jiff::Timestamp;
use seaway_api::kargo::{Freight, Stage};
use seaway_core::freight::artifacts;
use seaway_core::stage::is_control_flow;
use seaway_core::view::Lens;
use seaway_core::why::State;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;

/// Services × stages.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct WhatIsWhere {
    /// The services, by name.
    services: Vec<String>,
    /// A row a service.
    rows: Vec<Row>,
}

/// One service.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Row {
    /// Its name.
    service: String,
    /// The stages that it could be in, project by project, in the order of the pipeline.
    cells: Vec<Cell>,
}

/// One service in one stage.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Cell {
    /// The project.
    project: String,
    /// The stage.
    stage: String,
    /// The version; empty if it is not there.
    version: String,
    /// How the stage stands.
    state: State,
    /// Since when the stage stands so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    since: Option<Timestamp>,
    /// The freight it came with.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    freight: Option<String>,
    /// The freight that comes next, is on its way or has failed, which the state may be about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next: Option<String>,
    /// The freight that git has, where that is not what is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    in_git: Option<String>,
}

/// Which version of which service is in which stage
#[utoipa::path(get, path = "/seaway/v1/what-is-where", tag = "across projects",
    responses((status = 200, body = WhatIsWhere), (status = 304, description = "It is as it was"), Refused))]
pub(super) async fn what_is_where(caller: Caller) -> Result<Json<WhatIsWhere>, Problem> {
    let now = caller.state.clock.now();
    let mut rows: BTreeMap<String, Vec<Cell>> = BTreeMap::new();
    for project in caller.projects().await? {
        let live = caller.state.served.hub.project(&project).await?;
        put(&mut rows, &project, &live.held.read(), now);
    }
    let services = rows.keys().cloned().collect();
    let rows = rows.into_iter().map(|(service, cells)| Row { service, cells }).collect();
    Ok(Json(WhatIsWhere { services, rows }))
}

fn put(rows: &mut BTreeMap<String, Vec<Cell>>, project: &str, held: &Held, now: Timestamp) {
    let of_origin = services(held.freight.as_slice());
    held.ask(now, &|_| false, |world| {
        let lens = Lens::new(world);
        for row in lens.stages() {
            let Some(stage) = lens.stage_named(&row.name).filter(|stage| !is_control_flow(stage)) else { continue };
            for (service, (version, freight)) in of_stage(stage, &of_origin) {
                let (project, stage) = (project.to_owned(), row.name.clone());
                let (next, in_git) = (Some(row.next.clone()).filter(|label| !label.is_empty()), row.in_git.clone());
                let cell = Cell { project, stage, version, state: row.state, since: row.since, freight, next, in_git };
                rows.entry(service).or_default().push(cell);
            }
        }
    });
}

/// By origin, the names of all that its freight ever brought.
fn services(freight: &[Freight]) -> BTreeMap<String, BTreeSet<String>> {
    let mut services: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for one in freight {
        let names = artifacts(&one.reference()).into_iter().map(|(name, _)| name);
        services.entry(one.origin.key()).or_default().extend(names);
    }
    services
}

/// The services that could be in a stage, with the version that is, and the freight it came with.
fn of_stage(stage: &Stage, of_origin: &BTreeMap<String, BTreeSet<String>>) -> BTreeMap<String, (String, Option<String>)> {
    let origins = stage.spec.requested_freight.iter().filter_map(|request| of_origin.get(&request.origin.key()));
    let mut found: BTreeMap<String, (String, Option<String>)> =
        origins.flatten().map(|service| (service.clone(), (String::new(), None))).collect();
    let inside = stage.status.as_ref().and_then(|status| status.freight_history.first());
    for freight in inside.into_iter().flat_map(|current| current.items.values()) {
        for (service, version) in artifacts(freight) {
            found.insert(service, (version, Some(freight.name.clone())));
        }
    }
    found
}
