//! What is looked up again and again in a project, made once for many answers.

use super::Project;
use crate::freight::{Labels, own_name, spoken};
use crate::stage::{is_control_flow, queue};
use crate::unbuilt::Unbuilt;
use seaway_api::kargo::{Freight, Promotion, Stage, Warehouse};
use seaway_api::seaway::PromotionRun;
use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};

/// A project with its look-ups.
pub(crate) struct Index<'a> {
    pub(crate) project: Project<'a>,
    pub(crate) labels: Labels,
    control_flow: BTreeSet<&'a str>,
    stages: HashMap<&'a str, &'a Stage>,
    warehouses: HashMap<&'a str, &'a Warehouse>,
    freight: HashMap<&'a str, &'a Freight>,
    by_origin: HashMap<&'a str, Vec<&'a Freight>>,
    promotions: HashMap<&'a str, Vec<&'a Promotion>>,
    runs: HashMap<&'a str, &'a PromotionRun>,
    /// Made when somebody is told what to type.
    spoken: OnceCell<HashMap<&'a str, String>>,
}

impl<'a> Index<'a> {
    pub(crate) fn new(project: &Project<'a>) -> Self {
        let references: Vec<_> = project.freight.iter().map(Freight::reference).collect();
        let (mut by_origin, mut promotions) = (HashMap::<_, Vec<_>>::new(), HashMap::<_, Vec<_>>::new());
        for freight in project.freight {
            by_origin.entry(freight.origin.name.as_str()).or_default().push(freight);
        }
        for promotion in project.promotions {
            promotions.entry(promotion.spec.stage.as_str()).or_default().push(promotion);
        }
        Self {
            project: *project,
            labels: Labels::new(&references),
            control_flow: project
                .stages
                .iter()
                .filter(|s| is_control_flow(s))
                .filter_map(|s| s.metadata.name.as_deref())
                .collect(),
            stages: project.stages.iter().filter_map(|s| Some((s.metadata.name.as_deref()?, s))).collect(),
            warehouses: project.warehouses.iter().filter_map(|w| Some((w.metadata.name.as_deref()?, w))).collect(),
            freight: project.freight.iter().map(|f| (own_name(f), f)).collect(),
            by_origin,
            promotions,
            runs: project.runs.iter().filter_map(|r| Some((r.metadata.name.as_deref()?, r))).collect(),
            spoken: OnceCell::new(),
        }
    }

    pub(crate) fn passes_on(&self, stage: &str) -> bool {
        self.control_flow.contains(stage)
    }

    pub(crate) fn stage(&self, name: &str) -> Option<&'a Stage> {
        self.stages.get(name).copied()
    }

    pub(crate) fn warehouse(&self, name: &str) -> Option<&'a Warehouse> {
        self.warehouses.get(name).copied()
    }

    pub(crate) fn freight(&self, name: &str) -> Option<&'a Freight> {
        self.freight.get(name).copied()
    }

    /// What a person types for this freight: its version where that tells it from all other.
    pub(crate) fn spoken(&self, name: &str) -> String {
        let all = self.spoken.get_or_init(|| spoken(self.project.freight));
        all.get(name).cloned().unwrap_or_else(|| name.to_owned())
    }

    pub(crate) fn of_origin(&self, warehouse: &str) -> &[&'a Freight] {
        self.by_origin.get(warehouse).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn promotions(&self, stage: &str) -> &[&'a Promotion] {
        self.promotions.get(stage).map_or(&[], Vec::as_slice)
    }

    /// The stage's promotions that have not ended, in the order of their turns.
    pub(crate) fn open(&self, stage: &str) -> Vec<&'a Promotion> {
        let mut open: Vec<_> = self.promotions(stage).iter().copied().filter(|p| !queue::phase(p).is_terminal()).collect();
        queue::sort(&mut open);
        open
    }

    pub(crate) fn run(&self, promotion: &str) -> Option<&'a PromotionRun> {
        self.runs.get(promotion).copied()
    }

    pub(crate) fn unbuilt(&self, stage: &Stage) -> Vec<Unbuilt> {
        crate::unbuilt::stage(&stage.spec, self.project.is_built)
    }
}
