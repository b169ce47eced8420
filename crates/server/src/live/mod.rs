//! Live boards: a project that somebody looks at is followed by one task, and what changes is sent, once serialised, to all who look.

mod held;
mod project;
mod rights;
mod rows;
mod sorted;
mod stream;

pub(crate) use held::Held;
pub(crate) use project::Live;
pub use rights::Rights;
pub(crate) use rights::{may_read, within};
pub(crate) use stream::changes;

use crate::limits::is_master;
use crate::problem::{Problem, Type};
use parking_lot::Mutex;
use seaway_apiserver::{ApiServer, Identity};
use seaway_base::{Share, SharedClock, Shares};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Streams that are open at one time.
const N_STREAMS_MAX: usize = 4096;
/// Streams that one identity has open at one time.
const N_STREAMS_OF_ONE_MAX: usize = 64;
/// The same for a member of `system:masters`.
const N_STREAMS_OF_MASTERS_MAX: usize = 2000;
/// A project must have been read by then.
const READ: Duration = Duration::from_secs(20);

/// The live boards of this process: cheap to clone, all clones are one.
#[derive(Clone)]
pub struct Hub(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) api: ApiServer,
    pub(crate) clock: SharedClock,
    pub(crate) is_built: fn(&str) -> bool,
    pub(crate) projects: Mutex<HashMap<String, Arc<Live>>>,
    streams: Arc<Semaphore>,
    shares: Shares<Arc<str>>,
}

/// A place for one stream; dropping it gives it back.
pub(crate) struct Slot {
    _share: Share<Arc<str>>,
    _place: OwnedSemaphorePermit,
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hub")
    }
}

impl Hub {
    /// Nothing is followed before somebody asks.
    pub fn new(api: &ApiServer, clock: SharedClock, is_built: fn(&str) -> bool) -> Self {
        let (projects, streams) = (Mutex::default(), Arc::new(Semaphore::new(N_STREAMS_MAX)));
        Self(Arc::new(Inner { api: api.clone(), clock, is_built, projects, streams, shares: Shares::default() }))
    }

    /// The live board of a project, once it has been read. Whether the caller may see it has been asked before.
    ///
    /// # Errors
    /// It could not be read in time.
    pub(crate) async fn project(&self, name: &str) -> Result<Arc<Live>, Problem> {
        let live = {
            let mut projects = self.0.projects.lock();
            match projects.get(name) {
                Some(live) => Arc::clone(live),
                None => {
                    let live = Live::start(&self.0, name);
                    projects.insert(name.to_owned(), Arc::clone(&live));
                    live
                }
            }
        };
        live.touch();
        match tokio::time::timeout(READ, live.read()).await {
            Ok(()) => Ok(live),
            Err(_) => Err(Problem::new(Type::Unavailable, format!("project `{name}` could not be read in time")).retry_after(5)),
        }
    }

    /// A place among the open streams, and among those of whoever asks.
    pub(crate) fn slot(&self, who: &Identity) -> Result<Slot, Problem> {
        let full = |n_max: usize, whose: &str| {
            Problem::new(Type::TooManyRequests, format!("{n_max} streams of changes{whose} are open already"))
                .hint("close other pages")
                .retry_after(30)
        };
        let n_max = if is_master(who) { N_STREAMS_OF_MASTERS_MAX } else { N_STREAMS_OF_ONE_MAX };
        let share = self.0.shares.take(&who.username, n_max).ok_or_else(|| full(n_max, " of yours"))?;
        let place = Arc::clone(&self.0.streams).try_acquire_owned().map_err(|_| full(N_STREAMS_MAX, ""))?;
        Ok(Slot { _share: share, _place: place })
    }

    /// How many projects are followed.
    pub fn n_followed(&self) -> usize {
        self.0.projects.lock().len()
    }
}
