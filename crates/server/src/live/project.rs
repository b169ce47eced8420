//! One project that is looked at: a task follows its objects and publishes what changes, at most every 50 ms and never for long.

use super::Inner;
use super::held::{Held, Kind};
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::{BoxStream, SelectAll};
use jiff::Timestamp;
use kube::api::{Api, ApiResource, DynamicObject};
use kube::runtime::watcher::Event;
use kube::runtime::{WatchStreamExt as _, watcher};
use parking_lot::{Mutex, RwLock};
use seaway_api::kargo::{Freight, ProjectConfig, Promotion, Stage, Warehouse};
use seaway_api::seaway::PromotionRun;
use seaway_apiserver::Identity;
use seaway_core::view::{Lens, StageRow};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::{broadcast, watch};
use tokio::time::Instant;

/// Changes that come together are published together.
const TOGETHER: Duration = Duration::from_millis(50);
/// Making rows takes at most this share of the time, however large the project is: one part in so many.
const SHARE: u32 = 4;
/// A project that nobody looks at is followed for so long.
const LINGER: Duration = Duration::from_secs(60);
/// Events that a reader may be behind; then it is told to read anew.
const N_BEHIND_MAX: usize = 256;

/// A project that is looked at.
pub(crate) struct Live {
    pub(crate) name: String,
    /// Tells one following of the project from another: revisions begin anew.
    pub(crate) epoch: String,
    pub(crate) held: RwLock<Held>,
    events: broadcast::Sender<Bytes>,
    /// The stages there are; moves when one comes or goes.
    pub(crate) stages: watch::Sender<Arc<[String]>>,
    ready: watch::Sender<bool>,
    used: Mutex<Instant>,
    board: Mutex<Option<(u64, Bytes)>>,
}

/// What a reader begins with.
pub(crate) struct Begin {
    /// What was missed, or that it is too much.
    pub(crate) missed: Vec<Bytes>,
    /// What comes.
    pub(crate) events: broadcast::Receiver<Bytes>,
}

impl Live {
    /// Begins to follow a project.
    pub(super) fn start(inner: &Arc<Inner>, name: &str) -> Arc<Self> {
        let epoch = seaway_base::ids::secret_bytes::<4>().iter().map(|byte| format!("{byte:02x}")).collect();
        let live = Arc::new(Self {
            name: name.to_owned(),
            epoch,
            held: RwLock::new(Held::new(inner.is_built, inner.clock.now())),
            events: broadcast::Sender::new(N_BEHIND_MAX),
            stages: watch::Sender::new(Arc::from([])),
            ready: watch::Sender::new(false),
            used: Mutex::new(Instant::now()),
            board: Mutex::default(),
        });
        tokio::spawn(follow(Arc::clone(&live), Arc::downgrade(inner)));
        live
    }

    /// Waits until it has been read.
    pub(super) async fn read(&self) {
        // An error would mean that the sender is gone, and it is ours.
        let _ = self.ready.subscribe().wait_for(|ready| *ready).await;
    }

    /// Somebody looks.
    pub(super) fn touch(&self) {
        *self.used.lock() = Instant::now();
    }

    /// The revision and the board as it is now, without its end: what is the caller's own.
    pub(crate) fn board(&self) -> (u64, Bytes) {
        let held = self.held.read();
        let mut kept = self.board.lock();
        match &*kept {
            Some((revision, board)) if *revision == held.revision => (*revision, board.clone()),
            _ => {
                let board = held.board(&self.name, &self.epoch);
                *kept = Some((held.revision, board.clone()));
                (held.revision, board)
            }
        }
    }

    /// The stages as they are now, in the order of the pipeline.
    pub(crate) fn stages_now(&self, now: Timestamp) -> Vec<StageRow> {
        self.held.read().ask(now, &|_| false, |project| Lens::new(project).stages())
    }

    /// Joins those who look. `last` is the id of the last event that was seen; without one a reader begins at the newest.
    pub(crate) fn begin(&self, last: Option<&str>) -> Begin {
        let held = self.held.read();
        let events = self.events.subscribe();
        let seen = last.map(|last| {
            let (epoch, revision) = last.rsplit_once(':')?;
            let revision = revision.parse().ok().filter(|_| epoch == self.epoch)?;
            held.since(revision)
        });
        let missed = match seen {
            None => Vec::new(),
            Some(Some(missed)) => missed,
            Some(None) => vec![self.resync(held.revision)],
        };
        Begin { missed, events }
    }

    /// For a reader that is too far behind: it joins anew, and is told so.
    pub(crate) fn begin_again(&self) -> Begin {
        let held = self.held.read();
        Begin { missed: vec![self.resync(held.revision)], events: self.events.subscribe() }
    }

    fn resync(&self, revision: u64) -> Bytes {
        format!("id: {}:{revision}\nevent: resync\ndata: {{}}\n\n", self.epoch).into()
    }

    /// Makes what changed anew and sends it; returns how long that took.
    fn publish(&self, now: Timestamp) -> Duration {
        let begun = Instant::now();
        let mut held = self.held.write();
        if let Some(published) = held.publish(now) {
            let event: Bytes =
                format!("id: {}:{}\nevent: board\ndata: {}\n\n", self.epoch, published.revision, published.change).into();
            held.keep(event.clone());
            if published.other_stages {
                self.stages.send_replace(held.stage_names().into());
            }
            // Under the lock, so that whoever joins misses none and gets none twice. Nobody may be there to hear it.
            let _ = self.events.send(event);
        }
        begun.elapsed()
    }
}

/// News of an object, or of all of its kind.
type News = (Kind, Event<DynamicObject>);

fn watches(client: &kube::Client, project: &str) -> SelectAll<BoxStream<'static, News>> {
    let all = Kind::ALL.map(|kind| {
        let resource = match kind {
            Kind::Stage => ApiResource::erase::<Stage>(&()),
            Kind::Warehouse => ApiResource::erase::<Warehouse>(&()),
            Kind::Freight => ApiResource::erase::<Freight>(&()),
            Kind::Promotion => ApiResource::erase::<Promotion>(&()),
            Kind::Run => ApiResource::erase::<PromotionRun>(&()),
            Kind::Config => ApiResource::erase::<ProjectConfig>(&()),
        };
        let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), project, &resource);
        let news = watcher(api, watcher::Config::default()).default_backoff();
        // A watch repairs itself: it lists anew, and what it missed comes with the list.
        news.filter_map(move |event| async move { event.ok().map(|event| (kind, event)) }).boxed()
    });
    futures::stream::select_all(all)
}

/// What is being listed, until the list is whole.
#[derive(Default)]
struct Listing {
    pending: Vec<(Kind, Vec<DynamicObject>)>,
    whole: Vec<Kind>,
}

impl Listing {
    fn take_in(&mut self, live: &Live, (kind, event): News) {
        match event {
            Event::Init => {
                self.pending.retain(|(own, _)| *own != kind);
                self.pending.push((kind, Vec::new()));
            }
            Event::InitApply(object) => {
                if let Some((_, objects)) = self.pending.iter_mut().find(|(own, _)| *own == kind) {
                    objects.push(object);
                }
            }
            Event::InitDone => {
                let Some(at) = self.pending.iter().position(|(own, _)| *own == kind) else { return };
                let (_, objects) = self.pending.swap_remove(at);
                live.held.write().replace(kind, objects);
                if !self.whole.contains(&kind) {
                    self.whole.push(kind);
                }
            }
            Event::Apply(object) => live.held.write().apply(kind, object, false),
            Event::Delete(object) => live.held.write().apply(kind, object, true),
        }
    }

    fn is_whole(&self) -> bool {
        self.whole.len() == Kind::ALL.len()
    }
}

/// Follows a project until nobody has looked at it for a while.
async fn follow(live: Arc<Live>, inner: Weak<Inner>) {
    let Some((client, clock)) = inner.upgrade().map(|it| (it.api.client(Identity::controller("server")), it.clock.clone()))
    else {
        return;
    };
    let mut news = watches(&client, &live.name);
    let mut listing = Listing::default();
    let mut pause = TOGETHER;
    let mut published = Instant::now();
    loop {
        let (is_touched, due) = {
            let held = live.held.read();
            (held.is_touched(), held.next_due())
        };
        let now = clock.now();
        let in_time = due.map(|due| Duration::try_from(due.duration_since(now)).unwrap_or_default());
        let may = published + pause;
        let next = match in_time {
            _ if !listing.is_whole() => None,
            _ if is_touched => Some(may),
            Some(left) => Some(may.max(Instant::now() + left)),
            None => None,
        };
        tokio::select! {
            biased;
            () = at(next) => {
                let (own, now) = (Arc::clone(&live), clock.now());
                // A large project takes its time: not on a thread that others wait for.
                let Ok(took) = tokio::task::spawn_blocking(move || own.publish(now)).await else { break };
                published = Instant::now();
                pause = TOGETHER.max(took * SHARE);
                live.ready.send_if_modified(|ready| !std::mem::replace(ready, true));
            }
            some = news.next() => match some {
                Some(some) => listing.take_in(&live, some),
                None => break,
            },
            () = tokio::time::sleep_until(idle_at(&live)) => {
                let Some(inner) = inner.upgrade() else { return };
                let mut projects = inner.projects.lock();
                // Asked again under the lock, under which others come to look.
                if live.events.receiver_count() == 0 && live.used.lock().elapsed() >= LINGER {
                    projects.remove(&live.name);
                    return;
                }
                drop(projects);
                if live.events.receiver_count() > 0 {
                    live.touch();
                }
            }
        }
    }
    if let Some(inner) = inner.upgrade() {
        inner.projects.lock().remove(&live.name);
    }
}

fn idle_at(live: &Live) -> Instant {
    *live.used.lock() + LINGER
}

async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}
