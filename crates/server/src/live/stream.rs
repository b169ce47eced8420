//! One reader's stream of changes: server-sent events, each the same bytes for all; it ends with the session or the right.

use super::project::{Begin, Live};
use super::rights::{Rights, may_read};
use super::{Hub, Slot};
use crate::problem::Problem;
use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use futures::Stream;
use seaway_apiserver::{Authorizer, Identity};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};
use tokio::time::Instant;

/// Something is said at least so often.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// A reader.
struct Reader {
    live: Arc<Live>,
    who: Identity,
    authorizer: Authorizer,
    waiting: VecDeque<Bytes>,
    events: broadcast::Receiver<Bytes>,
    moved: watch::Receiver<u64>,
    stages: watch::Receiver<Arc<[String]>>,
    ending: watch::Receiver<bool>,
    rights: Rights,
    said: Instant,
    _slot: Slot,
}

/// The stream of a project's changes for one who may read its board; `last` is the id of the last event that was seen.
///
/// # Errors
/// The project cannot be read, or too many streams are open.
pub(crate) async fn changes(
    hub: &Hub,
    authorizer: Authorizer,
    ending: watch::Receiver<bool>,
    who: Identity,
    project: &str,
    last: Option<&str>,
) -> Result<Response, Problem> {
    let slot = hub.slot(&who)?;
    let live = hub.project(project).await?;
    // Watched before they are asked, so that none that moves in between is missed.
    let (mut moved, mut stages) = (authorizer.revision(), live.stages.subscribe());
    moved.borrow_and_update();
    may_read(&authorizer, &who, project)?;
    let names = Arc::clone(&stages.borrow_and_update());
    let rights = Rights::of(&authorizer, &who, project, &names);
    let Begin { missed, events } = live.begin(last);
    let mut waiting = VecDeque::from([Bytes::from_static(b": hello\n\n")]);
    waiting.extend(missed);
    if last.is_some() {
        // Who comes back has rights of another time.
        waiting.push_back(event(&rights));
    }
    let said = Instant::now();
    let reader = Reader { live, who, authorizer, waiting, events, moved, stages, ending, rights, said, _slot: slot };
    let mut response = Response::new(Body::from_stream(reader.read()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // A proxy that gathers would make it anything but live.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

fn event(rights: &Rights) -> Bytes {
    let data = serde_json::to_string(rights).unwrap_or_else(|_| "{}".to_owned());
    format!("event: rights\ndata: {data}\n\n").into()
}

/// Waits until the server ends; an error would mean that it is gone, which is the same.
async fn ended(ending: &mut watch::Receiver<bool>) {
    let _ = ending.wait_for(|ending| *ending).await;
}

impl Reader {
    fn read(self) -> impl Stream<Item = Result<Bytes, Infallible>> {
        futures::stream::unfold(self, |mut reader| async move {
            let bytes = reader.next().await?;
            reader.said = Instant::now();
            Some((Ok(bytes), reader))
        })
    }

    /// What is sent next; `None` if there is nothing more.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if self.who.lease.has_ended() {
                return None;
            }
            if let Some(bytes) = self.waiting.pop_front() {
                return Some(bytes);
            }
            tokio::select! {
                biased;
                () = self.who.lease.ended() => return None,
                () = ended(&mut self.ending) => return None,
                moved = self.moved.changed() => {
                    moved.ok()?;
                    may_read(&self.authorizer, &self.who, &self.live.name).ok()?;
                    self.look_at_rights();
                }
                changed = self.stages.changed() => {
                    changed.ok()?;
                    self.look_at_rights();
                }
                event = self.events.recv() => match event {
                    Ok(event) => return Some(event),
                    Err(RecvError::Closed) => return None,
                    Err(RecvError::Lagged(_)) => {
                        let Begin { missed, events } = self.live.begin_again();
                        self.events = events;
                        self.waiting = missed.into();
                    }
                },
                () = tokio::time::sleep_until(self.said + HEARTBEAT) => return Some(Bytes::from_static(b": still here\n\n")),
            }
        }
    }

    fn look_at_rights(&mut self) {
        let names = Arc::clone(&self.stages.borrow_and_update());
        let rights = Rights::of(&self.authorizer, &self.who, &self.live.name, &names);
        if rights != self.rights {
            self.waiting.push_back(event(&rights));
            self.rights = rights;
        }
    }
}
