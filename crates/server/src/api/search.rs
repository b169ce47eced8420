//! Search: projects, stages, freight, promotions and warehouses by what people call them, across the projects that the caller may read.

use super::ask::{Caller, Params, Refused};
use crate::live::Held;
use crate::problem::Problem;
use axum::Json;
use jiff::Timestamp;
use seaway_core::view::Lens;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// So much is found at most.
const N_FOUND_MAX: usize = 50;
/// The longest question.
const QUERY_CHARS_MAX: usize = 100;

/// What is looked for.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// A part of a name, an alias or a version
    #[param(min_length = 1, max_length = 100)]
    q: String,
}

/// What was found, the likeliest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FoundList {
    /// At most 50.
    items: Vec<Found>,
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Found {
    /// `project`, `stage`, `freight`, `promotion` or `warehouse`.
    kind: &'static str,
    /// Its project.
    project: String,
    /// Its name.
    name: String,
    /// What it is called.
    label: String,
    /// How it stands, or where it is.
    detail: String,
}

/// Finds stages, freight, promotions, warehouses and projects by what people call them
#[utoipa::path(get, path = "/seaway/v1/search", tag = "across projects", params(Asked),
    responses((status = 200, body = FoundList), (status = 304, description = "It is as it was"), Refused))]
pub(super) async fn search(caller: Caller, Params(asked): Params<Asked>) -> Result<Json<FoundList>, Problem> {
    let query = asked.q.trim().to_lowercase();
    if query.is_empty() || query.chars().count() > QUERY_CHARS_MAX {
        return Err(Problem::invalid(format!("q: 1 to {QUERY_CHARS_MAX} characters are wanted")));
    }
    let now = caller.state.clock.now();
    let mut found = Vec::new();
    for project in caller.projects().await? {
        let live = caller.state.served.hub.project(&project).await?;
        look(&mut found, &query, &project, &live.held.read(), now);
    }
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(Json(FoundList { items: found.into_iter().take(N_FOUND_MAX).map(|(_, found)| found).collect() }))
}

/// What stands between freight and stage where a promotion is called by both.
const INTO: &str = " into ";

/// How well something matches: what it is called wholly so, then what begins so, then the rest; stages before freight.
fn rank(query: &str, names: &[&str], kind: u8) -> Option<(u8, u8, String)> {
    let best = names.iter().filter_map(|name| {
        let name = name.to_lowercase();
        match name.find(query)? {
            0 if name.len() == query.len() => Some(0),
            0 => Some(1),
            _ => Some(2),
        }
    });
    Some((best.min()?, kind, names.first().copied().unwrap_or_default().to_owned()))
}

type Ranked = ((u8, u8, String), Found);

fn look(found: &mut Vec<Ranked>, query: &str, project: &str, held: &Held, now: Timestamp) {
    let mut put = |kind: &'static str, place: u8, name: &str, label: &str, detail: String, names: &[&str]| {
        if let Some(rank) = rank(query, names, place) {
            let (project, name, label) = (project.to_owned(), name.to_owned(), label.to_owned());
            found.push((rank, Found { kind, project, name, label, detail }));
        }
    };
    put("project", 0, project, project, String::new(), &[project]);
    held.ask(now, &|_| false, |world| {
        let lens = Lens::new(world);
        for stage in world.stages.iter().filter(|it| matches(query, it.metadata.name.as_deref())) {
            let (row, _) = lens.stage(stage);
            let detail = if row.has.is_empty() { row.state.to_string() } else { format!("{} · {}", row.has, row.state) };
            put("stage", 1, &row.name, &row.name, detail, &[&row.name]);
        }
        for freight in world.freight {
            let row = lens.freight_names(freight);
            put("freight", 2, &row.0, &row.1, freight.alias.clone(), &[&row.1, &row.2, &freight.alias, &row.0]);
        }
        for warehouse in world.warehouses.iter().filter(|it| matches(query, it.metadata.name.as_deref())) {
            let row = lens.warehouse(warehouse);
            put("warehouse", 3, &row.name, &row.name, row.state.to_string(), &[&row.name]);
        }
        // Whoever types as they are called is shown them by that; a name begins with the stage's.
        let by_label = query.split_whitespace().any(|word| word == INTO.trim());
        for promotion in world.promotions.iter().filter(|it| by_label || matches(query, it.metadata.name.as_deref())) {
            let (row, _) = lens.promotion(promotion);
            let label = format!("{}{INTO}{}", row.label, row.stage);
            put("promotion", 4, &row.name, &label, format!("{} · {}", row.phase, row.actor), &[&label, &row.name]);
        }
    });
}

fn matches(query: &str, name: Option<&str>) -> bool {
    name.is_some_and(|name| name.to_lowercase().contains(query))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_name_comes_before_its_beginning_and_that_before_the_rest() {
        let check = |names: &[&str], wanted: Option<u8>| assert_eq!(rank("qa", names, 0).map(|it| it.0), wanted, "{names:?}");
        check(&["qa"], Some(0));
        check(&["QA-eu"], Some(1));
        check(&["team-qa"], Some(2));
        check(&["team-qa", "qa"], Some(0));
        check(&["e2e"], None);
    }
}
