//! Live boards: a project that somebody looks at is followed by one task, and what changes is sent, once serialised, to all who look.

mod held;
mod project;
mod rights;
mod sorted;
mod stream;

pub(crate) use held::Held;
pub(crate) use project::Live;
pub use rights::Rights;
pub(crate) use rights::{may_read, within};
pub(crate) use stream::changes;

use crate::problem::{Problem, Type};
use parking_lot::Mutex;
use seaway_apiserver::ApiServer;
use seaway_base::SharedClock;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Streams that are open at one time.
const N_STREAMS_MAX: usize = 4096;
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
        Self(Arc::new(Inner { api: api.clone(), clock, is_built, projects, streams }))
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

    /// A place among the open streams.
    pub(crate) fn slot(&self) -> Result<OwnedSemaphorePermit, Problem> {
        Arc::clone(&self.0.streams).try_acquire_owned().map_err(|_| {
            Problem::new(Type::TooManyRequests, format!("{N_STREAMS_MAX} streams of changes are open already"))
                .hint("close other pages")
                .retry_after(30)
        })
    }

    /// How many projects are followed.
    pub fn n_followed(&self) -> usize {
        self.0.projects.lock().len()
    }
}
