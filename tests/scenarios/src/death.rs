//! Where a control plane dies: every durable commit and every point of a run is a moment at which a test may stop it.

use seaway_runs::{Faults, Point, Stop};
use seaway_store::{Fault, FaultPlan};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::watch;

/// Which side of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StoreSide {
    /// It is written, and not durable.
    Before,
    /// It is durable, and neither published nor acknowledged.
    After,
}

/// An instant at which a process could die.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moment {
    /// At a commit of the store.
    Store(StoreSide),
    /// At a point of a run.
    Run(Point),
}

/// Asked at every moment: does the control plane die here? Death is final: after a `true` nobody asks again.
pub type Death = Arc<dyn Fn(&Moment) -> bool + Send + Sync>;

/// One life of a control plane, and whether it is over.
pub(crate) struct Life {
    death: Option<Death>,
    dead: AtomicBool,
    told: watch::Sender<bool>,
}

impl Life {
    pub(crate) fn new(death: Option<Death>) -> Arc<Self> {
        Arc::new(Self { death, dead: AtomicBool::new(false), told: watch::Sender::new(false) })
    }

    /// Is it over at this moment? One that is over stays so: nothing more leaves it.
    fn ends(&self, moment: &Moment) -> bool {
        if self.dead.load(Ordering::SeqCst) {
            return true;
        }
        let ends = self.death.as_ref().is_some_and(|death| death(moment));
        if ends {
            self.dead.store(true, Ordering::SeqCst);
            self.told.send_replace(true);
        }
        ends
    }

    pub(crate) fn is_over(&self) -> bool {
        self.dead.load(Ordering::SeqCst)
    }

    /// Returns once it has died.
    pub(crate) async fn over(&self) {
        // The sender lives as long as `self`.
        let _ = self.told.subscribe().wait_for(|over| *over).await;
    }

    /// The store's seam; `None` where nothing is to happen, so that commits are grouped as in production.
    pub(crate) fn for_store(self: &Arc<Self>) -> Option<FaultPlan> {
        self.death.as_ref()?;
        let life = Arc::clone(self);
        Some(Arc::new(move |point: &str, _| {
            let side = if point == "before-commit" { StoreSide::Before } else { StoreSide::After };
            if life.ends(&Moment::Store(side)) { Fault::Stop } else { Fault::Go }
        }))
    }
}

/// The runs' seam.
pub(crate) struct RunSeam(pub(crate) Arc<Life>);

impl Faults for RunSeam {
    fn at(&self, point: &Point) -> Option<Stop> {
        self.0.ends(&Moment::Run(point.clone())).then_some(Stop)
    }
}
