//! The crash seam: a hook before and after every save and every effect, so that a sweep can stop at each.

/// An instant at which a process could die.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Point {
    /// The journal is about to be saved, or was.
    Save {
        /// Which save of the run.
        revision: u64,
        /// Before or after.
        side: Side,
    },
    /// An effect is about to be sent, or was answered.
    Effect {
        /// The step.
        step: String,
        /// Before or after.
        side: Side,
    },
    /// Objects are about to be pinned and synced, or were.
    Pin {
        /// The step.
        step: String,
        /// Before or after.
        side: Side,
    },
    /// A push is about to be sent, or was answered.
    Push {
        /// The step.
        step: String,
        /// The round, from 1.
        round: u32,
        /// Before or after.
        side: Side,
    },
    /// A local or recorded step has ended; nothing of it is durable yet.
    Local {
        /// The step.
        step: String,
    },
}

/// Which side of the act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// It has not begun.
    Before,
    /// It is over.
    After,
}

/// The run dies here: whatever was in memory is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stop;

/// Asked at every point.
pub trait Faults: Send + Sync + 'static {
    /// Should the run die here?
    fn at(&self, point: &Point) -> Option<Stop>;
}

/// Never dies.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFaults;

impl Faults for NoFaults {
    fn at(&self, _: &Point) -> Option<Stop> {
        None
    }
}
