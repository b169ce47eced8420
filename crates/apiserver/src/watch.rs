//! Watches: one stream a watcher, fed by a cursor into the store's log; resume, live events and slow readers are one path.

use crate::ApiServer;
use crate::failure::Failure;
use crate::identity::Identity;
use crate::read::Selection;
use crate::request::{Call, Form};
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures::stream;
use http::{HeaderValue, header};
use seaway_base::Share;
use seaway_core::authorize::{MASTERS, SYSTEM_NAMESPACE, ServiceAccount};
use seaway_store::{Event, EventKind, Object};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// Events taken from the log at a time.
const N_PULLED_MAX: usize = 256;
/// Watches that one identity holds open at one time.
const N_WATCHES_MAX: usize = 256;
/// The same for a member of `system:masters`.
const N_WATCHES_OF_MASTERS_MAX: usize = 2000;
/// A document larger than this is sent as it is kept, not copied.
const COPIED_BYTES_MAX: usize = 16 * 1024;
/// A quiet watcher is told this often how far it has read.
const BOOKMARK_EVERY: Duration = Duration::from_secs(60);
/// No watch lasts longer; the client resumes.
const SECONDS_MAX: u64 = 3600;

struct Watcher {
    api: ApiServer,
    call: Call,
    selection: Selection,
    cursor: u64,
    bell: watch::Receiver<u64>,
    ending: watch::Receiver<bool>,
    /// Moves when the right to watch may be lost.
    rights: watch::Receiver<u64>,
    ends: Instant,
    next_bookmark: Instant,
    /// What there was at the beginning and has not been told: made a frame when the reader comes for it.
    initial: std::vec::IntoIter<Arc<Object>>,
    /// The bookmark after it is owed.
    initial_bookmark: bool,
    /// Events that were pulled and not told.
    pulled: VecDeque<Arc<Event>>,
    frames: VecDeque<Bytes>,
    done: bool,
    _share: Option<Share<Arc<str>>>,
}

impl ApiServer {
    pub(crate) fn watch(&self, call: Call) -> Result<Response, Failure> {
        let selection = Selection::of(&call)?;
        let share = self.share(&call.identity)?;
        let storage = &*call.kind.storage;
        let seconds = call.query.timeout_seconds.filter(|seconds| *seconds > 0).unwrap_or(SECONDS_MAX).min(SECONDS_MAX);
        let now = Instant::now();
        // Asked once more before the first event: the right may have gone since the request was let in.
        let mut rights = self.authorizer.revision();
        rights.mark_changed();
        let mut watcher = Watcher {
            api: self.clone(),
            cursor: 0,
            bell: self.store.doorbell(Some(storage)),
            ending: self.ending.subscribe(),
            rights,
            ends: now + Duration::from_secs(seconds),
            next_bookmark: now + BOOKMARK_EVERY,
            initial: Vec::new().into_iter(),
            initial_bookmark: false,
            pulled: VecDeque::new(),
            frames: VecDeque::new(),
            done: false,
            selection,
            call,
            _share: share,
        };
        watcher.begin()?;
        let stream = stream::unfold(watcher, |mut watcher| async move {
            let frame = watcher.next().await?;
            Some((Ok::<_, Infallible>(frame), watcher))
        });
        let mut response = Response::new(Body::from_stream(stream));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(response)
    }

    /// A place among the watches of an identity; our own controllers need none.
    fn share(&self, who: &Identity) -> Result<Option<Share<Arc<str>>>, Failure> {
        if ServiceAccount::of_username(&who.username).is_some_and(|account| account.namespace == SYSTEM_NAMESPACE) {
            return Ok(None);
        }
        let is_master = who.groups.iter().any(|group| group == MASTERS);
        let n_max = if is_master { N_WATCHES_OF_MASTERS_MAX } else { N_WATCHES_MAX };
        let full = || Failure::TooMany(format!("{} holds {n_max} watches open already; end some of them", who.username));
        self.watches.take(&who.username, n_max).map(Some).ok_or_else(full)
    }
}

impl Watcher {
    /// Where to begin: at a revision, or with what there is.
    fn begin(&mut self) -> Result<(), Failure> {
        let query = &self.call.query;
        let from_now = matches!(query.resource_version.as_str(), "" | "0");
        if !from_now && !query.send_initial_events {
            let version = &query.resource_version;
            let bad = |_| Failure::BadRequest(format!("resourceVersion: `{version}` is not a revision"));
            self.cursor = version.parse().map_err(bad)?;
            return Ok(());
        }
        let listed = self.api.store.list(&self.call.kind.storage, self.selection.namespace.as_deref(), None, usize::MAX);
        self.initial = listed.objects.into_iter();
        self.cursor = listed.revision;
        self.initial_bookmark = self.call.query.send_initial_events && self.call.query.bookmarks;
        Ok(())
    }

    /// Makes frames of the next thing that waits; false if nothing waits.
    fn tell_next(&mut self) -> bool {
        if let Some(object) = self.initial.next() {
            if self.selection.matches(&object) {
                self.push("ADDED", &object);
            }
        } else if std::mem::take(&mut self.initial_bookmark) {
            self.bookmark(json!({"k8s.io/initial-events-end": "true"}));
        } else if let Some(event) = self.pulled.pop_front() {
            self.tell(&event);
        } else {
            return false;
        }
        true
    }

    /// Nothing of what waits is told any more.
    fn forget(&mut self) {
        self.frames.clear();
        self.pulled.clear();
        self.initial = Vec::new().into_iter();
        self.initial_bookmark = false;
    }

    async fn next(&mut self) -> Option<Bytes> {
        loop {
            // Asked before each event: frames are the parts of one, and what waits behind it is not told to one who may not see more.
            if self.frames.is_empty() && !self.done && !self.may_go_on() {
                self.done = true;
            }
            if let Some(frame) = self.frames.pop_front() {
                return Some(frame);
            }
            if self.done {
                return None;
            }
            if self.tell_next() {
                continue;
            }
            // The bell is answered before the log is read, so that what comes in between rings again.
            self.bell.borrow_and_update();
            match self.api.store.events(&self.call.kind.storage, self.cursor, N_PULLED_MAX) {
                Ok(pulled) => {
                    self.cursor = pulled.cursor;
                    if pulled.events.is_empty() {
                        self.rest().await;
                    }
                    self.pulled = pulled.events.into();
                }
                Err(expired) => {
                    // Inside the stream: on an HTTP 410 clients keep their revision and retry for ever.
                    let version = self.cursor;
                    let message = format!("too old resource version: {version} ({})", expired.floor);
                    let status = Failure::Expired(message).status();
                    self.frame("ERROR", status.to_string().as_bytes());
                    self.done = true;
                }
            }
        }
    }

    /// Whether the lease holds and the right is still there; where not, the stream says so.
    fn may_go_on(&mut self) -> bool {
        if self.call.identity.lease.has_ended() {
            self.forget();
            return false;
        }
        if !self.rights.has_changed().unwrap_or(false) {
            return true;
        }
        self.rights.borrow_and_update();
        let Err(failure) = self.api.may_watch(&self.call, self.selection.name()) else { return true };
        self.forget();
        self.frame("ERROR", failure.status().to_string().as_bytes());
        false
    }

    /// Waits for the bell, a change of rights, the time of a bookmark, or the end.
    async fn rest(&mut self) {
        let bookmark = if self.call.query.bookmarks { self.next_bookmark } else { self.ends };
        let lease = self.call.identity.lease.clone();
        tokio::select! {
            rang = self.bell.changed() => self.done = rang.is_err(),
            () = crate::gc::ended(&mut self.ending) => self.done = true,
            () = lease.ended() => {}
            // It is asked again before anything is told: the change is not seen yet.
            _ = self.rights.changed() => return self.rights.mark_changed(),
            () = sleep_until(self.ends.min(bookmark)) => {}
        }
        let now = Instant::now();
        self.done |= now >= self.ends || *self.ending.borrow();
        if !self.done && now >= bookmark {
            self.bookmark(Value::Null);
            self.next_bookmark = now + BOOKMARK_EVERY;
        }
    }

    /// An event as this selection sees it: what begins to match is added, what no longer matches is deleted.
    fn tell(&mut self, event: &Event) {
        let before = event.previous.as_ref().is_some_and(|object| self.selection.matches(object));
        let after = event.kind != EventKind::Deleted && self.selection.matches(&event.object);
        let kind = match (before, after) {
            (false, false) => return,
            (false, true) => "ADDED",
            (true, true) => "MODIFIED",
            (true, false) => "DELETED",
        };
        self.push(kind, &event.object);
    }

    fn push(&mut self, kind: &str, object: &Arc<Object>) {
        if self.call.form == Form::Whole && !self.selection.is_view() {
            if object.bytes.len() > COPIED_BYTES_MAX {
                // All readers share the one document that the store keeps.
                self.frames.push_back(format!(r#"{{"type":"{kind}","object":"#).into());
                self.frames.push_back(object.bytes.clone());
                self.frames.push_back(Bytes::from_static(b"}\n"));
            } else {
                self.frame(kind, &object.bytes);
            }
        } else if let Ok(value) = object.value() {
            let shown = self.api.shown(&self.call, value);
            self.frame(kind, shown.to_string().as_bytes());
        }
    }

    fn bookmark(&mut self, annotations: Value) {
        let (kind, api_version) = match self.call.form {
            Form::Metadata => ("PartialObjectMetadata".to_owned(), "meta.k8s.io/v1".to_owned()),
            _ => (self.call.kind.kind.clone(), self.call.kind.api_version()),
        };
        let mut metadata = json!({"resourceVersion": self.cursor.to_string(), "creationTimestamp": null});
        if !annotations.is_null() {
            metadata["annotations"] = annotations;
        }
        let object = json!({"kind": kind, "apiVersion": api_version, "metadata": metadata});
        self.frame("BOOKMARK", object.to_string().as_bytes());
    }

    fn frame(&mut self, kind: &str, object: &[u8]) {
        let mut frame = Vec::with_capacity(object.len() + 40);
        frame.extend_from_slice(br#"{"type":""#);
        frame.extend_from_slice(kind.as_bytes());
        frame.extend_from_slice(br#"","object":"#);
        frame.extend_from_slice(object);
        frame.extend_from_slice(b"}\n");
        self.frames.push_back(frame.into());
    }
}
