//! A project held in memory: its objects, and the rows that were made of them, each as the text that is sent.

use super::rows::{Change, PARKED, Rows, is_parked, json, key_of, list, put, quoted};
use super::sorted::Sorted;
use bytes::Bytes;
use jiff::Timestamp;
use kube::api::DynamicObject;
use seaway_api::kargo::{Freight, ProjectConfig, Promotion, PromotionPolicy, Stage, Warehouse};
use seaway_api::seaway::PromotionRun;
use seaway_core::view::{Lens, Touched, by_freight, by_stage, by_warehouse, telling};
use seaway_core::why::{Answer, Project};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::mem::take;

/// Changes kept for those who come back.
const N_RECENT_MAX: usize = 1024;
/// The same in bytes.
const RECENT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The kinds a board is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Stage,
    Warehouse,
    Freight,
    Promotion,
    Run,
    Config,
}

impl Kind {
    pub(super) const ALL: [Self; 6] = [Self::Stage, Self::Warehouse, Self::Freight, Self::Promotion, Self::Run, Self::Config];

    const fn word(self) -> &'static str {
        match self {
            Self::Stage => "Stage",
            Self::Warehouse => "Warehouse",
            Self::Freight => "Freight",
            Self::Promotion => "Promotion",
            Self::Run => "PromotionRun",
            Self::Config => "ProjectConfig",
        }
    }
}

/// A project's objects and rows.
pub(crate) struct Held {
    pub(crate) stages: Sorted<Stage>,
    pub(crate) warehouses: Sorted<Warehouse>,
    pub(crate) freight: Sorted<Freight>,
    pub(crate) promotions: Sorted<Promotion>,
    runs: Sorted<PromotionRun>,
    configs: Sorted<ProjectConfig>,
    policies: Vec<PromotionPolicy>,
    is_built: fn(&str) -> bool,
    unreadable: BTreeMap<(&'static str, String), Answer>,
    telling: BTreeMap<String, BTreeSet<String>>,
    touched: Touched,
    /// Which of the parked objects changed.
    reparked: bool,
    stage_rows: Rows,
    freight_rows: Rows,
    warehouse_rows: Rows,
    promotion_rows: Rows,
    answer_rows: Rows,
    promotions_of: BTreeMap<String, Vec<String>>,
    /// The stages in the order of the pipeline.
    order: Vec<String>,
    due: BTreeMap<String, Timestamp>,
    looked: Timestamp,
    pub(super) revision: u64,
    recent: VecDeque<(u64, Bytes)>,
    n_recent_bytes: usize,
}

/// What is sent of a publication.
pub(super) struct Published {
    pub(super) revision: u64,
    /// The change as JSON.
    pub(super) change: String,
    /// Whether a stage came or went.
    pub(super) other_stages: bool,
}

impl Held {
    pub(super) fn new(is_built: fn(&str) -> bool, now: Timestamp) -> Self {
        Self {
            stages: Sorted::default(),
            warehouses: Sorted::default(),
            freight: Sorted::default(),
            promotions: Sorted::default(),
            runs: Sorted::default(),
            configs: Sorted::default(),
            policies: Vec::new(),
            is_built,
            unreadable: BTreeMap::new(),
            telling: BTreeMap::new(),
            touched: Touched { all: true, ..Touched::default() },
            reparked: false,
            stage_rows: Rows::new(),
            freight_rows: Rows::new(),
            warehouse_rows: Rows::new(),
            promotion_rows: Rows::new(),
            answer_rows: Rows::new(),
            promotions_of: BTreeMap::new(),
            order: Vec::new(),
            due: BTreeMap::new(),
            looked: now,
            revision: 0,
            recent: VecDeque::new(),
            n_recent_bytes: 0,
        }
    }

    /// Asks something of the project, as somebody who may promote where `may_promote` says so.
    pub(crate) fn ask<T>(
        &self,
        now: Timestamp,
        may_promote: &dyn Fn(&str) -> bool,
        question: impl FnOnce(&Project<'_>) -> T,
    ) -> T {
        question(&Project {
            stages: self.stages.as_slice(),
            warehouses: self.warehouses.as_slice(),
            freight: self.freight.as_slice(),
            promotions: self.promotions.as_slice(),
            runs: self.runs.as_slice(),
            policies: &self.policies,
            is_built: &self.is_built,
            may_promote,
            now,
        })
    }

    /// The answers about what cannot be read.
    pub(crate) fn parked(&self) -> impl Iterator<Item = &Answer> {
        self.unreadable.values()
    }

    /// The names of the stages.
    pub(crate) fn stage_names(&self) -> Vec<String> {
        self.stages.as_slice().iter().filter_map(|stage| stage.metadata.name.clone()).collect()
    }

    /// Takes in all objects of a kind, as they are listed.
    pub(super) fn replace(&mut self, kind: Kind, objects: Vec<DynamicObject>) {
        self.unreadable.retain(|(word, _), _| *word != kind.word());
        match kind {
            Kind::Stage => self.stages = fill(objects, &mut self.unreadable, kind),
            Kind::Warehouse => self.warehouses = fill(objects, &mut self.unreadable, kind),
            Kind::Freight => self.freight = fill(objects, &mut self.unreadable, kind),
            Kind::Promotion => self.promotions = fill(objects, &mut self.unreadable, kind),
            Kind::Run => self.runs = fill(objects, &mut self.unreadable, kind),
            Kind::Config => self.configs = fill(objects, &mut self.unreadable, kind),
        }
        self.touched.all = true;
        self.settle();
    }

    /// Takes in an object as it now is, or that it is gone.
    pub(super) fn apply(&mut self, kind: Kind, object: DynamicObject, gone: bool) {
        let name = object.metadata.name.clone().unwrap_or_default();
        let parked = self.unreadable.remove(&(kind.word(), name.clone())).is_some();
        self.reparked |= parked;
        let none = |_: &str| false;
        let now = self.looked;
        match kind {
            Kind::Stage => {
                let new = self.read(kind, object, gone);
                self.touched.merge(by_stage(self.stages.get(&name), new.as_ref()));
                self.stages.put(&name, new);
            }
            Kind::Warehouse => {
                let new = self.read(kind, object, gone);
                let old = self.warehouses.get(&name);
                let touched = self.ask(now, &none, |project| by_warehouse(project, &name, old, new.as_ref()));
                self.touched.merge(touched);
                self.warehouses.put(&name, new);
            }
            Kind::Freight => {
                let new = self.read(kind, object, gone);
                let old = self.freight.get(&name);
                let stays = old.is_some() && new.is_some();
                let touched = self.ask(now, &none, |project| by_freight(project, old, new.as_ref()));
                self.touched.merge(touched);
                self.freight.put(&name, new);
                if !stays {
                    self.settle();
                }
            }
            Kind::Promotion => {
                let new: Option<Promotion> = self.read(kind, object, gone);
                let stage = new.as_ref().or(self.promotions.get(&name)).map(|it| it.spec.stage.clone());
                self.touched.stages.extend(stage);
                self.promotions.put(&name, new);
            }
            Kind::Run => {
                let new = self.read(kind, object, gone);
                let stage = self.promotions.get(&name).map(|it| it.spec.stage.clone());
                self.touched.stages.extend(stage);
                self.runs.put(&name, new);
            }
            Kind::Config => {
                let new = self.read(kind, object, gone);
                self.configs.put(&name, new);
                self.touched.all = true;
                self.settle();
            }
        }
    }

    fn read<K>(&mut self, kind: Kind, object: DynamicObject, gone: bool) -> Option<K>
    where
        K: kube::Resource<DynamicType = ()> + serde::de::DeserializeOwned,
    {
        if gone {
            return None;
        }
        let name = object.metadata.name.clone().unwrap_or_default();
        match seaway_verbs::read_object(object) {
            Ok(read) => Some(read),
            Err(answer) => {
                self.unreadable.insert((kind.word(), name), *answer);
                self.reparked = true;
                None
            }
        }
    }

    /// What follows from the objects for all rows: the policies, and what freight is called by.
    fn settle(&mut self) {
        self.policies = self.configs.as_slice().iter().flat_map(|config| config.spec.promotion_policies.clone()).collect();
        let telling = telling(self.freight.as_slice());
        if telling != self.telling {
            self.telling = telling;
            self.touched.all = true;
        }
    }

    /// Whether there is something to publish.
    pub(super) fn is_touched(&self) -> bool {
        !self.touched.is_empty() || self.reparked
    }

    /// The next instant at which time alone changes a row.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.due.values().min().copied()
    }

    /// Makes the rows anew that were touched, or whose time has come; `None` if none of them says anything else than before.
    pub(super) fn publish(&mut self, now: Timestamp) -> Option<Published> {
        let mut touched = take(&mut self.touched);
        let reparked = take(&mut self.reparked);
        touched.stages.extend(self.due.iter().filter(|(_, at)| **at <= now).map(|(stage, _)| stage.clone()));
        let before = self.looked;
        self.looked = now;
        if touched.is_empty() && !reparked {
            return None;
        }
        let made = self.ask(now, &|_| false, |project| Made::of(&Lens::new(project), &touched, before, self));
        Some(self.take_over(made)).filter(|change| !change.is_empty()).map(|change| self.remember(change))
    }

    fn take_over(&mut self, made: Made) -> Change {
        let mut change = Change::default();
        if let Some(order) = made.order {
            self.order = order;
        }
        for (stage, due) in made.due {
            match due {
                Some(at) => self.due.insert(stage, at),
                None => self.due.remove(&stage),
            };
        }
        for (name, row) in made.stages {
            change.other_stages |= self.stage_rows.contains_key(&name) != row.is_some();
            put(&mut self.stage_rows, "stages", name, row, &mut change);
        }
        for (name, row) in made.freight {
            put(&mut self.freight_rows, "freight", name, row, &mut change);
        }
        for (name, row) in made.warehouses {
            put(&mut self.warehouse_rows, "warehouses", name, row, &mut change);
        }
        for (stage, rows) in made.promotions {
            let names: Vec<String> = rows.iter().map(|(name, _)| name.clone()).collect();
            let old = self.promotions_of.insert(stage, names.clone()).unwrap_or_default();
            for name in old.into_iter().filter(|name| !names.contains(name)) {
                put(&mut self.promotion_rows, "promotions", name, None, &mut change);
            }
            for (name, row) in rows {
                put(&mut self.promotion_rows, "promotions", name, Some(row), &mut change);
            }
        }
        for (name, row) in made.answers {
            put(&mut self.answer_rows, "answers", name, row, &mut change);
        }
        if let Some(gone) = change.gone.get_mut("answers") {
            // What became readable or unreadable has another answer now, under the same name.
            gone.retain(|name| {
                !self.answer_rows.contains_key(name) && !self.answer_rows.contains_key(&format!("{PARKED}{name}"))
            });
        }
        change.gone.retain(|_, names| !names.is_empty());
        change
    }

    fn remember(&mut self, change: Change) -> Published {
        self.revision += 1;
        let text = change.text(self.revision);
        Published { revision: self.revision, change: text, other_stages: change.other_stages }
    }

    /// Keeps an event for those who come back.
    pub(super) fn keep(&mut self, event: Bytes) {
        self.n_recent_bytes += event.len();
        self.recent.push_back((self.revision, event));
        while self.recent.len() > N_RECENT_MAX || self.n_recent_bytes > RECENT_BYTES_MAX {
            let Some((_, old)) = self.recent.pop_front() else { break };
            self.n_recent_bytes -= old.len();
        }
    }

    /// The events after a revision; `None` if they are not all kept.
    pub(super) fn since(&self, revision: u64) -> Option<Vec<Bytes>> {
        if revision > self.revision {
            return None;
        }
        let wanted = usize::try_from(self.revision - revision).ok()?;
        let kept = self.recent.len().checked_sub(wanted)?;
        Some(self.recent.iter().skip(kept).map(|(_, event)| event.clone()).collect())
    }

    /// The board without its end: what is the same for everybody and at every instant.
    pub(super) fn board(&self, project: &str, epoch: &str) -> Bytes {
        let mut text = format!("{{\"revision\":{},\"epoch\":\"{epoch}\",\"project\":{}", self.revision, quoted(project));
        let mut put = |key: &str, rows: &mut dyn Iterator<Item = &Bytes>| {
            text.push_str(&format!(",\"{key}\":"));
            list(&mut text, rows);
        };
        put("warehouses", &mut self.warehouse_rows.values());
        put("stages", &mut self.order.iter().filter_map(|name| self.stage_rows.get(name)));
        put("freight", &mut self.freight_rows.values());
        put("promotions", &mut self.promotion_rows.values());
        put("answers", &mut self.answer_rows.values());
        text.into()
    }
}

/// Rows that were made; `None` for those that are no more.
struct Made {
    stages: Vec<(String, Option<Bytes>)>,
    freight: Vec<(String, Option<Bytes>)>,
    warehouses: Vec<(String, Option<Bytes>)>,
    promotions: Vec<(String, Vec<(String, Bytes)>)>,
    answers: Vec<(String, Option<Bytes>)>,
    due: Vec<(String, Option<Timestamp>)>,
    /// The order of the stages, where it may be another.
    order: Option<Vec<String>>,
}

impl Made {
    fn of(lens: &Lens<'_>, touched: &Touched, before: Timestamp, held: &Held) -> Self {
        let names = |all: bool, own: &BTreeSet<String>, rows: &Rows, now: Vec<String>| -> BTreeSet<String> {
            if all { rows.keys().cloned().chain(now).collect() } else { own.clone() }
        };
        let mut made = Self {
            stages: Vec::new(),
            freight: Vec::new(),
            warehouses: Vec::new(),
            promotions: Vec::new(),
            answers: Vec::new(),
            due: Vec::new(),
            order: touched.all.then(|| lens.in_order()),
        };
        let mut freight = names(touched.all, &touched.freight, &held.freight_rows, held.freight.names());
        for name in names(touched.all, &touched.stages, &held.stage_rows, held.stages.names()) {
            let promotions = lens.promotions_of(&name);
            made.promotions.push((name.clone(), promotions.iter().map(|row| (row.name.clone(), json(row))).collect()));
            let key = format!("Stage/{name}");
            let Some(stage) = lens.stage_named(&name) else {
                made.answers.push((key, None));
                made.due.push((name.clone(), None));
                made.stages.push((name, None));
                continue;
            };
            let (row, answer) = lens.stage(stage);
            made.answers.push((key, Some(&answer).filter(|it| it.does_not_move()).map(json)));
            if !touched.all {
                freight.extend(lens.opened(stage, before));
            }
            made.due.push((name.clone(), lens.next_change(stage, &answer)));
            made.stages.push((name, Some(json(&row))));
        }
        for name in freight {
            let row = lens.freight_named(&name).map(|it| json(&lens.freight(it)));
            made.freight.push((name, row));
        }
        for name in names(touched.all, &touched.warehouses, &held.warehouse_rows, held.warehouses.names()) {
            let row = lens.warehouse_named(&name).map(|it| lens.warehouse(it));
            made.answers.push((format!("Warehouse/{name}"), row.as_ref().and_then(|row| row.answer.as_ref()).map(json)));
            made.warehouses.push((name, row.as_ref().map(json)));
        }
        let stands = |key: &str| held.parked().any(|answer| key_of(answer) == key);
        let gone = held.answer_rows.keys().filter(|key| is_parked(key) && !stands(key));
        made.answers.extend(gone.map(|key| (key.clone(), None)));
        made.answers.extend(held.parked().map(|answer| (key_of(answer), Some(json(answer)))));
        made
    }
}

fn fill<K>(objects: Vec<DynamicObject>, unreadable: &mut BTreeMap<(&'static str, String), Answer>, kind: Kind) -> Sorted<K>
where
    K: kube::Resource<DynamicType = ()> + serde::de::DeserializeOwned,
{
    let mut items = Vec::with_capacity(objects.len());
    for object in objects {
        let name = object.metadata.name.clone().unwrap_or_default();
        match seaway_verbs::read_object(object) {
            Ok(read) => items.push(read),
            Err(answer) => drop(unreadable.insert((kind.word(), name), *answer)),
        }
    }
    Sorted::new(items)
}
