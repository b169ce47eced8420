//! Looks at a project and makes the rows of its board, one at a time or all.

use super::board::{Artifact, Board, FreightRow, PromotionRow, Source, StageRow, WarehouseRow};
use super::in_order;
use crate::discovery::next_look;
use crate::freight::{list, newest_first, of_request, own_name, to_stage};
use crate::stage::{auto_promotion_enabled, is_control_flow, queue};
use crate::why::{self, Answer, Index, Project, State};
use jiff::Timestamp;
use seaway_api::kargo::names::annotation;
use seaway_api::kargo::{Freight, FreightReference, FreightRequest, Promotion, Stage, Typed, Warehouse};
use std::collections::{BTreeMap, BTreeSet};

/// So many promotions of a stage that are over are on the board.
const N_ENDED: usize = 5;

/// A project with its look-ups, made once for many rows.
pub struct Lens<'a> {
    index: Index<'a>,
    order: BTreeMap<String, usize>,
}

impl<'a> Lens<'a> {
    /// Looks at a project.
    pub fn new(project: &Project<'a>) -> Self {
        let names = in_order(project.stages).into_iter().filter_map(|stage| stage.metadata.name.clone());
        let order = names.enumerate().map(|(place, name)| (name, place)).collect();
        Self { index: Index::new(project), order }
    }

    /// The whole board.
    pub fn board(&self) -> Board {
        let stages: Vec<StageRow> = self.stages();
        let promotions = stages.iter().flat_map(|stage| self.promotions_of(&stage.name)).collect();
        let warehouses: Vec<WarehouseRow> = self.index.project.warehouses.iter().map(|it| self.warehouse(it)).collect();
        let freight = newest_first(self.index.project.freight.iter().collect());
        let answers = warehouses.iter().filter_map(|it| it.answer.clone());
        let of_stages = in_order(self.index.project.stages).into_iter().map(|stage| why::of_stage(&self.index, stage));
        let answers = answers.chain(of_stages.filter(Answer::does_not_move)).collect();
        Board { warehouses, freight: freight.into_iter().map(|it| self.freight(it)).collect(), stages, promotions, answers }
    }

    /// All stages, in the order of the pipeline.
    pub fn stages(&self) -> Vec<StageRow> {
        in_order(self.index.project.stages).into_iter().map(|stage| self.stage(stage).0).collect()
    }

    /// The names of all stages, in the order of the pipeline.
    pub fn in_order(&self) -> Vec<String> {
        let mut names: Vec<&String> = self.order.keys().collect();
        names.sort_by_key(|name| self.order.get(*name));
        names.into_iter().cloned().collect()
    }

    /// A stage by name.
    pub fn stage_named(&self, name: &str) -> Option<&'a Stage> {
        self.index.stage(name)
    }

    /// A warehouse by name.
    pub fn warehouse_named(&self, name: &str) -> Option<&'a Warehouse> {
        self.index.warehouse(name)
    }

    /// Freight by name.
    pub fn freight_named(&self, name: &str) -> Option<&'a Freight> {
        self.index.freight(name)
    }

    /// What to type about a stage, by how all of them stand.
    pub(super) fn hint(&self, stage: &Stage) -> String {
        why::tell_stage(&self.index, stage).hint
    }

    /// A stage's row, and the whole answer about it.
    pub fn stage(&self, stage: &Stage) -> (StageRow, Answer) {
        let answer = why::of_stage(&self.index, stage);
        let current = stage.status.as_ref().and_then(|s| s.freight_history.first());
        let inside: Vec<&FreightReference> = current.into_iter().flat_map(|c| c.items.values()).collect();
        let has: Vec<String> = inside.iter().map(|f| self.index.labels.of(f)).collect();
        let next = why::next(&self.index, stage);
        let next_freight = next.map(|freight| own_name(freight).to_owned());
        let in_git = why::landed_last(self.index.promotions(&answer.name)).map(|p| p.spec.freight.as_str()).filter(|name| {
            let failed = answer.state == State::Failed && next_freight.as_deref() == Some(*name);
            failed || !inside.iter().any(|f| f.name == *name)
        });
        let mut upstream: Vec<String> = Vec::new();
        let mut warehouses: Vec<String> = Vec::new();
        for request in &stage.spec.requested_freight {
            upstream.extend(request.sources.stages.iter().filter(|name| !upstream.contains(name)).cloned().collect::<Vec<_>>());
            if !warehouses.contains(&request.origin.name) {
                warehouses.push(request.origin.name.clone());
            }
        }
        let row = StageRow {
            name: answer.name.clone(),
            has: has.join(", "),
            has_freight: inside.first().map(|f| f.name.clone()),
            next: next.map_or_else(String::new, |freight| self.index.labels.of(&freight.reference())),
            next_freight,
            state: answer.state,
            waits_for: answer.waits_for.clone(),
            cause: answer.cause.clone(),
            since: answer.since,
            until: answer.until,
            hint: answer.hint.clone(),
            upstream,
            warehouses,
            control_flow: is_control_flow(stage),
            in_git: in_git.map(|name| self.label(name)),
            promotes_by_itself: auto_promotion_enabled(stage, self.index.project.policies),
            promotion: self.index.open(&answer.name).first().map(|p| queue::name(p).to_owned()),
            index: self.order.get(&answer.name).copied().unwrap_or_default(),
        };
        (row, answer)
    }

    /// The promotions of a stage that are on the board: those that are not over, and the newest that are; by name.
    pub fn promotions_of(&self, stage: &str) -> Vec<PromotionRow> {
        let (mut open, mut ended): (Vec<&Promotion>, Vec<&Promotion>) =
            self.index.promotions(stage).iter().copied().partition(|p| !queue::phase(p).is_terminal());
        ended.sort_by(|a, b| queue::name(b).cmp(queue::name(a)));
        open.extend(ended.into_iter().take(N_ENDED));
        open.sort_by(|a, b| queue::name(a).cmp(queue::name(b)));
        open.into_iter().map(|promotion| self.promotion(promotion).0).collect()
    }

    /// A promotion's row, and the whole answer about it.
    pub fn promotion(&self, promotion: &Promotion) -> (PromotionRow, Answer) {
        let answer = why::of_promotion(&self.index, promotion);
        let status = promotion.status.as_ref();
        let annotations = promotion.metadata.annotations.as_ref();
        let actor = annotations.and_then(|all| all.get(annotation::CREATE_ACTOR)).map_or("", String::as_str);
        let own = status.map(|status| status.message.clone()).unwrap_or_default();
        let row = PromotionRow {
            name: queue::name(promotion).to_owned(),
            stage: promotion.spec.stage.clone(),
            freight: promotion.spec.freight.clone(),
            label: self.label(&promotion.spec.freight),
            phase: promotion_phase(promotion, &answer),
            message: if answer.state == State::Succeeded { own } else { answer.cause.clone() },
            actor: why::who(actor).to_owned(),
            created_at: promotion.metadata.creation_timestamp.as_ref().map(|time| time.0),
            started_at: status.and_then(|status| status.started_at.as_ref()).map(|time| time.0),
            finished_at: status.and_then(|status| status.finished_at.as_ref()).map(|time| time.0),
        };
        (row, answer)
    }

    /// A row of freight.
    pub fn freight(&self, freight: &Freight) -> FreightRow {
        let reference = freight.reference();
        let status = freight.status.clone().unwrap_or_default();
        let now = self.index.project.now;
        let goes = |stage: &&Stage| {
            !is_control_flow(stage) && to_stage(freight, stage, now, &|name| self.index.passes_on(name)).is_available()
        };
        let may_go_to = self.index.project.stages.iter().filter(goes).filter_map(|stage| stage.metadata.name.clone()).collect();
        FreightRow {
            name: own_name(freight).to_owned(),
            alias: freight.alias.clone(),
            label: self.index.labels.of(&reference),
            version: self.index.labels.version_of(&reference),
            warehouse: freight.origin.name.clone(),
            found_at: freight.found_at(),
            artifacts: artifacts_of(&reference),
            r#in: self.ordered(status.currently_in.into_keys().collect()),
            verified_in: self.ordered(status.verified_in.into_keys().collect()),
            approved_for: self.ordered(status.approved_for.into_keys().collect()),
            may_go_to: self.ordered(may_go_to),
        }
    }

    /// What freight is called: its name, its label and its version.
    pub fn freight_names(&self, freight: &Freight) -> (String, String, String) {
        let reference = freight.reference();
        (own_name(freight).to_owned(), self.index.labels.of(&reference), self.index.labels.version_of(&reference))
    }

    /// A warehouse's row.
    pub fn warehouse(&self, warehouse: &Warehouse) -> WarehouseRow {
        let answer = why::of_warehouse(&self.index, warehouse);
        let found = warehouse.status.as_ref().and_then(|s| s.discovered_artifacts.as_ref());
        WarehouseRow {
            name: answer.name.clone(),
            state: answer.state,
            sources: warehouse.spec.subscriptions.iter().filter_map(source).collect(),
            looked_at: found.and_then(|found| found.discovered_at.as_ref()).map(|time| time.0),
            next_look_at: next_look(warehouse),
            freight_creation: warehouse.spec.freight_creation_policy.as_str().to_owned(),
            answer: Some(answer).filter(Answer::does_not_move),
        }
    }

    /// When time alone changes what is said of a stage or opens it to freight: that instant, or the next change of a word such as `4m`.
    pub fn next_change(&self, stage: &Stage, answer: &Answer) -> Option<Timestamp> {
        let soaks = stage.spec.requested_freight.iter().filter(|request| request.sources.required_soak_time.is_some());
        let name = stage.metadata.name.as_deref().unwrap_or_default();
        let opens = soaks.filter_map(|request| {
            let own = self.index.of_origin(&request.origin.name).iter().copied();
            list(own, name, request, self.index.project.now, &|name| self.index.passes_on(name)).next_change
        });
        answer.until.map(|until| self.next_word(until)).into_iter().chain(opens).min()
    }

    fn next_word(&self, until: Timestamp) -> Timestamp {
        let now = self.index.project.now;
        let left = until.duration_since(now).as_secs().max(0);
        let step = match left {
            ..60 => 1,
            60..3600 => left % 60 + 1,
            3600..86400 => left % 3600 + 1,
            _ => left % 86400 + 1,
        };
        let next = now.checked_add(jiff::SignedDuration::from_secs(step)).unwrap_or(until);
        if left == 0 { next } else { next.min(until) }
    }

    /// The freight that time alone has opened the stage to since `before`.
    pub fn opened(&self, stage: &Stage, before: Timestamp) -> Vec<String> {
        let soaks = stage.spec.requested_freight.iter().filter(|request| request.sources.required_soak_time.is_some());
        let name = stage.metadata.name.as_deref().unwrap_or_default();
        let now = self.index.project.now;
        let may = |freight: &Freight, request: &FreightRequest, at: Timestamp| {
            of_request(freight, name, request, at, &|name| self.index.passes_on(name)).is_available()
        };
        let opened = soaks.flat_map(|request| {
            let own = self.index.of_origin(&request.origin.name).iter().copied();
            own.filter(|it| it.origin == request.origin && may(it, request, now) && !may(it, request, before))
        });
        opened.map(|freight| own_name(freight).to_owned()).collect()
    }

    fn label(&self, freight: &str) -> String {
        let found = self.index.freight(freight);
        found.map_or_else(|| freight.get(..7).unwrap_or(freight).to_owned(), |it| self.index.labels.of(&it.reference()))
    }

    /// Names of stages in the order of the pipeline, each once; those that are gone come last.
    fn ordered(&self, names: BTreeSet<String>) -> Vec<String> {
        let mut names: Vec<String> = names.into_iter().collect();
        names.sort_by_key(|name| self.order.get(name).copied().unwrap_or(usize::MAX));
        names
    }
}

/// Kargo's word for the phase; ours where the run knows better.
pub fn promotion_phase(promotion: &Promotion, answer: &Answer) -> String {
    let phase = promotion.status.as_ref().map(|status| status.phase.to_string()).unwrap_or_default();
    match answer.state {
        State::Uncertain => "Uncertain".to_owned(),
        State::Blocked if phase.is_empty() || phase == "Running" || phase == "Pending" => "Blocked".to_owned(),
        _ if phase.is_empty() => "Pending".to_owned(),
        _ => phase,
    }
}

/// What is in freight.
pub fn artifacts_of(freight: &FreightReference) -> Vec<Artifact> {
    let none =
        || Artifact { kind: String::new(), url: String::new(), tag: String::new(), digest: String::new(), commit: String::new() };
    let images = freight.images.iter().map(|it| Artifact {
        kind: "image".to_owned(),
        url: shown(&it.repo_url),
        tag: it.tag.clone(),
        digest: it.digest.clone(),
        ..none()
    });
    let charts = freight.charts.iter().map(|it| Artifact {
        kind: "chart".to_owned(),
        url: shown(
            &[it.repo_url.as_str(), it.name.as_str()].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/"),
        ),
        tag: it.version.clone(),
        ..none()
    });
    let commits = freight.commits.iter().map(|it| Artifact {
        kind: "git".to_owned(),
        url: shown(&it.repo_url),
        tag: it.tag.clone(),
        commit: it.id.clone(),
        ..none()
    });
    let others = freight.artifacts.iter().map(|it| Artifact {
        kind: it.artifact_type.clone(),
        url: it.subscription_name.clone(),
        tag: it.version.clone(),
        ..none()
    });
    images.chain(charts).chain(commits).chain(others).collect()
}

fn source(subscription: &seaway_api::kargo::Subscription) -> Option<Source> {
    let row = |kind: &str, url: &str, constraint: String| Source {
        kind: kind.to_owned(),
        url: shown(url),
        constraint: Some(constraint).filter(|it| !it.is_empty()),
    };
    Some(match subscription.typed()? {
        Typed::Git(git) => {
            row("git", &git.repo_url, if git.semver_constraint.is_empty() { git.branch } else { git.semver_constraint })
        }
        Typed::Image(image) => row("image", &image.repo_url, image.constraint),
        Typed::Chart(chart) => row("chart", &chart.repo_url, chart.semver_constraint),
        Typed::Other(other) => row(&other.subscription_type, &other.name, String::new()),
    })
}

/// An address as it may be shown: without user, password, query and fragment.
pub fn shown(url: &str) -> String {
    let plain = url.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = plain.split_once("://") else { return plain.to_owned() };
    let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_what_may_be_secret() {
        let check = |url: &str, wanted: &str| assert_eq!(shown(url), wanted);
        check("https://bob:hunter2@git.example/bank.git?token=x#y", "https://git.example/bank.git");
        check("https://git.example", "https://git.example");
        check("127.0.0.1:7450/bank/fund-transfer", "127.0.0.1:7450/bank/fund-transfer");
        check("git@git.example:bank.git", "git@git.example:bank.git");
    }
}
