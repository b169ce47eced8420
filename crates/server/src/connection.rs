//! One connection: what is asked on it goes to the routes, and one that holds a place and asks nothing, or never ends asking, is closed.

use crate::reach::Peer;
use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, Sleep, sleep, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

/// How long what may be waited for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// For the handshake.
    pub(crate) handshake: Duration,
    /// After it, for the first request to be there, headers and all.
    pub(crate) first: Duration,
    /// For the next request, where none is open.
    pub(crate) idle: Duration,
    /// For the whole body of a request.
    pub(crate) body: Duration,
    /// For answers to end where the connection is to close.
    pub(crate) drain: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            first: Duration::from_secs(15),
            idle: Duration::from_secs(180),
            body: Duration::from_secs(60),
            drain: Duration::from_secs(5),
        }
    }
}

/// What is open on a connection.
#[derive(Debug, Clone, Copy)]
struct Seen {
    n_open: usize,
    has_asked: bool,
    since: Instant,
}

/// A request that is not over; dropping it ends it.
struct Open(Arc<watch::Sender<Seen>>);

impl Open {
    fn new(seen: &Arc<watch::Sender<Seen>>) -> Self {
        seen.send_modify(|seen| {
            seen.n_open += 1;
            seen.has_asked = true;
        });
        Self(Arc::clone(seen))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.send_modify(|seen| {
            seen.n_open -= 1;
            seen.since = Instant::now();
        });
    }
}

/// Serves a connection until the client closes it, it is quiet for too long, or `stop` turns true.
pub(crate) async fn serve(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    routes: Router,
    peer: Peer,
    patience: Patience,
    mut stop: watch::Receiver<bool>,
) {
    // Without it a small answer waits for the client's delayed acknowledgement.
    let _ = stream.set_nodelay(true);
    let Ok(Ok(stream)) = timeout(patience.handshake, acceptor.accept(stream)).await else { return };
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(patience.first);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(Some(Duration::from_secs(30)));
    let seen = Arc::new(watch::Sender::new(Seen { n_open: 0, has_asked: false, since: Instant::now() }));
    let quiet = quiet(seen.subscribe(), patience);
    let service = hyper::service::service_fn(move |request: http::Request<Incoming>| {
        let (open, routes) = (Open::new(&seen), routes.clone());
        let mut request = request.map(|body| Arriving::within(body, patience.body));
        request.extensions_mut().insert(peer);
        async move {
            let response = routes.oneshot(request).await?;
            Ok::<_, Infallible>(response.map(|body| Leaving { body, _open: open }))
        }
    });
    let mut serving = pin!(builder.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned());
    let ended = tokio::select! {
        ended = &mut serving => Some(ended),
        () = quiet => None,
        _ = stop.wait_for(|stop| *stop) => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            serving.as_mut().graceful_shutdown();
            timeout(patience.drain, serving).await.unwrap_or(Ok(()))
        }
    };
    if let Err(err) = ended {
        tracing::debug!(error = %err, "a connection ended");
    }
}

/// Ends when nothing was open for too long.
async fn quiet(mut seen: watch::Receiver<Seen>, patience: Patience) {
    loop {
        let Seen { n_open, has_asked, since } = *seen.borrow_and_update();
        let ends = since + if has_asked { patience.idle } else { patience.first };
        tokio::select! {
            changed = seen.changed() => if changed.is_err() {
                // The connection has ended by itself.
                return;
            },
            () = sleep_until(ends), if n_open == 0 => return,
        }
    }
}

/// The body of a request, which must be there in time.
struct Arriving {
    body: Incoming,
    late: Pin<Box<Sleep>>,
}

impl Arriving {
    fn within(body: Incoming, patience: Duration) -> Body {
        if body.is_end_stream() {
            return Body::empty();
        }
        Body::new(Self { body, late: Box::pin(sleep(patience)) })
    }
}

impl HttpBody for Arriving {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.late.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Some(Err("it did not arrive in time".into())));
        }
        Pin::new(&mut self.body).poll_frame(cx).map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The body of an answer: while it is not over, its request is open.
struct Leaving {
    body: Body,
    _open: Open,
}

impl HttpBody for Leaving {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
