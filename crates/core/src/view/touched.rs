//! Which rows a change of one object touches, so that a board is kept at the cost of what changed.

use crate::freight::{Labels, own_name, to_stage};
use crate::why::Project;
use seaway_api::kargo::{Freight, Stage, Warehouse};
use std::collections::{BTreeMap, BTreeSet};

/// Rows that must be made anew.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Touched {
    /// Everything: what follows does not matter then.
    pub all: bool,
    /// Stages, and their promotions.
    pub stages: BTreeSet<String>,
    /// Freight.
    pub freight: BTreeSet<String>,
    /// Warehouses.
    pub warehouses: BTreeSet<String>,
}

impl Touched {
    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        !self.all && self.stages.is_empty() && self.freight.is_empty() && self.warehouses.is_empty()
    }

    /// This and that.
    pub fn merge(&mut self, other: Self) {
        self.all |= other.all;
        self.stages.extend(other.stages);
        self.freight.extend(other.freight);
        self.warehouses.extend(other.warehouses);
    }
}

/// A stage changed, came or went: what it has and how it stands is its own; what it asks for and passes on is everybody's.
pub fn by_stage(old: Option<&Stage>, new: Option<&Stage>) -> Touched {
    let (Some(old), Some(new)) = (old, new) else { return Touched { all: true, ..Touched::default() } };
    let all = old.spec != new.spec || old.metadata.labels != new.metadata.labels;
    Touched { all, stages: new.metadata.name.iter().cloned().collect(), ..Touched::default() }
}

/// A warehouse changed, came or went. Stages that had no freight yet say how their warehouse stands.
pub fn by_warehouse(project: &Project<'_>, name: &str, old: Option<&Warehouse>, new: Option<&Warehouse>) -> Touched {
    let stays = old.is_some() && new.is_some();
    let empty = |stage: &Stage| stage.status.as_ref().is_none_or(|status| status.freight_history.is_empty());
    let asks = |stage: &&Stage| {
        let mut requests = stage.spec.requested_freight.iter();
        (!stays || empty(stage)) && requests.any(|request| request.origin.name == name)
    };
    let stages = project.stages.iter().filter(asks).filter_map(|stage| stage.metadata.name.clone()).collect();
    Touched { stages, warehouses: [name.to_owned()].into(), ..Touched::default() }
}

/// Freight changed, came or went: the stages that may now have it or no longer, and those behind where it came or went.
pub fn by_freight(project: &Project<'_>, old: Option<&Freight>, new: Option<&Freight>) -> Touched {
    let Some(any) = new.or(old) else { return Touched::default() };
    let mut touched = Touched { freight: [own_name(any).to_owned()].into(), ..Touched::default() };
    let asks = |stage: &&Stage| stage.spec.requested_freight.iter().any(|request| request.origin == any.origin);
    let asking = project.stages.iter().filter(asks);
    let name = |stage: &Stage| stage.metadata.name.clone();
    let (Some(old), Some(new)) = (old, new) else {
        touched.stages = asking.filter_map(name).collect();
        touched.warehouses = [any.origin.name.clone()].into();
        return touched;
    };
    let moved = moved(old, new);
    let passes_on = |name: &str| {
        let mut stages = project.stages.iter();
        stages.any(|stage| stage.metadata.name.as_deref() == Some(name) && crate::stage::is_control_flow(stage))
    };
    let available = |freight: &Freight, stage: &Stage| to_stage(freight, stage, project.now, &passes_on);
    let concerns = |stage: &&Stage| {
        let behind = stage.spec.requested_freight.iter().flat_map(|request| &request.sources.stages);
        let own = stage.metadata.name.as_ref().is_some_and(|own| moved.contains(own));
        own || behind.into_iter().any(|from| moved.contains(from)) || available(old, stage) != available(new, stage)
    };
    touched.stages = asking.filter(concerns).filter_map(name).collect();
    touched
}

/// The stages at which something of the freight changed.
fn moved(old: &Freight, new: &Freight) -> BTreeSet<String> {
    fn differ<V: PartialEq>(old: &BTreeMap<String, V>, new: &BTreeMap<String, V>, into: &mut BTreeSet<String>) {
        into.extend(old.keys().chain(new.keys()).filter(|key| old.get(*key) != new.get(*key)).cloned());
    }
    let (old, new) = (old.status.clone().unwrap_or_default(), new.status.clone().unwrap_or_default());
    let mut moved = BTreeSet::new();
    differ(&old.currently_in, &new.currently_in, &mut moved);
    differ(&old.verified_in, &new.verified_in, &mut moved);
    differ(&old.approved_for, &new.approved_for, &mut moved);
    moved
}

/// What freight of each origin is told apart by: when that changes, all of it is called otherwise.
pub fn telling(freight: &[Freight]) -> BTreeMap<String, BTreeSet<String>> {
    let references: Vec<_> = freight.iter().map(Freight::reference).collect();
    Labels::new(&references).telling()
}
