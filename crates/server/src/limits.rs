//! How much one identity, or one address that is nobody, may ask in what time: generous for a person and a script, and an end for a
//! loop that has none.

use crate::problem::{Problem, Type};
use crate::reach::ClientAddress;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use governor::clock::{Clock as _, DefaultClock};
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};
use seaway_apiserver::Identity;
use seaway_core::authorize::MASTERS;
use serde_json::json;
use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Requests a second that an identity may go on with.
const PER_SECOND: NonZeroU32 = NonZeroU32::new(100).unwrap();
/// Requests at once.
const BURST: NonZeroU32 = NonZeroU32::new(2_000).unwrap();
/// The same at all doors of the port, the Kubernetes API among them: a client that reads everything once must not notice.
const PORT_PER_SECOND: NonZeroU32 = NonZeroU32::new(500).unwrap();
const PORT_BURST: NonZeroU32 = NonZeroU32::new(5_000).unwrap();
/// The same for an address from which nobody was proven: a whole office may be behind it.
const NOBODY_PER_SECOND: NonZeroU32 = NonZeroU32::new(200).unwrap();
const NOBODY_BURST: NonZeroU32 = NonZeroU32::new(2_000).unwrap();
/// Bodies of requests, in bytes.
pub(crate) const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Identities that were quiet are forgotten after so many requests.
const FORGET_EVERY: u32 = 4096;

/// The limits: cheap to clone, all clones are one.
#[derive(Clone)]
pub struct Limits(Arc<Inner>);

struct Inner {
    per_second: NonZeroU32,
    rate: RateLimiter<String, DefaultKeyedStateStore<String>, DefaultClock>,
    n_asked: AtomicU32,
}

impl fmt::Debug for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Limits")
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new(PER_SECOND, BURST)
    }
}

impl Limits {
    fn new(per_second: NonZeroU32, burst: NonZeroU32) -> Self {
        let rate = RateLimiter::keyed(Quota::per_second(per_second).allow_burst(burst));
        Self(Arc::new(Inner { per_second, rate, n_asked: AtomicU32::new(0) }))
    }

    /// Counts a request of somebody.
    ///
    /// # Errors
    /// It is one too many; the problem says when to come again.
    pub(crate) fn count(&self, username: &str) -> Result<(), Problem> {
        self.wait(username).map_err(|seconds| {
            Problem::new(Type::TooManyRequests, format!("more than {} requests a second", self.0.per_second))
                .hint(format!("ask again in {seconds} s, or follow `…/changes` instead of asking again and again"))
                .retry_after(seconds)
        })
    }

    /// Counts a request; the error is for how many seconds to wait.
    fn wait(&self, who: &str) -> Result<(), u64> {
        if self.0.n_asked.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            self.0.rate.retain_recent();
        }
        let counted = self.0.rate.check_key(&who.to_owned());
        counted.map_err(|early| early.wait_time_from(DefaultClock::default().now()).as_secs() + 1)
    }
}

/// Is it a member of `system:masters`: the data folder's owner, who could do all harm anyway?
pub(crate) fn is_master(who: &Identity) -> bool {
    who.groups.iter().any(|group| group == MASTERS)
}

/// The part of an address that one client cannot change at will.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
        address => address,
    }
}

/// What is asked at the port, whatever door it is for.
#[derive(Debug, Clone)]
pub(crate) struct PortLimits {
    known: Limits,
    nobody: Limits,
}

impl Default for PortLimits {
    fn default() -> Self {
        Self { known: Limits::new(PORT_PER_SECOND, PORT_BURST), nobody: Limits::new(NOBODY_PER_SECOND, NOBODY_BURST) }
    }
}

/// Counts a request of whoever was proven, else of the address it came from, and refuses one too many. To stand behind the guard.
pub(crate) async fn bound(State(limits): State<PortLimits>, request: Request, next: Next) -> Response {
    let extensions = request.extensions();
    let counted = match (extensions.get::<Identity>(), extensions.get::<ClientAddress>()) {
        (Some(who), _) if is_master(who) => Ok(()),
        (Some(who), _) => limits.known.wait(&who.username).map_err(|seconds| (&limits.known, seconds)),
        (None, Some(address)) => limits.nobody.wait(&network(address.0).to_string()).map_err(|seconds| (&limits.nobody, seconds)),
        (None, None) => Ok(()),
    };
    match counted {
        Ok(()) => next.run(request).await,
        Err((limits, seconds)) => refuse(request.uri().path(), limits.0.per_second, seconds),
    }
}

/// In the form that who asks reads: what Kubernetes clients know, or a problem.
fn refuse(path: &str, per_second: NonZeroU32, seconds: u64) -> Response {
    let why = format!("more than {per_second} requests a second");
    if !["/api", "/openapi/", "/version"].iter().any(|prefix| path.starts_with(prefix)) {
        let hint = format!("ask again in {seconds} s");
        return Problem::new(Type::TooManyRequests, why).hint(hint).retry_after(seconds).into_response();
    }
    let status = json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": why, "reason": "TooManyRequests",
        "details": { "retryAfterSeconds": seconds }, "code": 429 });
    ([(header::RETRY_AFTER, HeaderValue::from(seconds))], (StatusCode::TOO_MANY_REQUESTS, axum::Json(status))).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_who_asks_too_much_is_told_when_to_come_again_and_no_other() {
        let limits = Limits::new(NonZeroU32::MIN, NonZeroU32::new(2).unwrap());
        limits.count("eve").unwrap();
        limits.count("eve").unwrap();
        assert_eq!(limits.count("eve").unwrap_err().kind(), Type::TooManyRequests);
        limits.count("bob").unwrap();
    }

    #[test]
    fn an_address_counts_as_the_network_that_its_client_has() {
        let check = |address: &str, expected: &str| assert_eq!(network(address.parse().unwrap()).to_string(), expected);
        check("192.0.2.9", "192.0.2.9");
        check("::ffff:192.0.2.9", "192.0.2.9");
        check("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::");
        check("::1", "::1");
    }

    /// A name and its groups.
    type Who<'a> = Option<(&'a str, &'a [&'a str])>;

    /// The status of a request, its form and when to come again.
    async fn ask(port: &axum::Router, path: &str, who: Who<'_>, from: &str) -> (u16, String, bool) {
        let mut request = Request::get(path).body(axum::body::Body::empty()).unwrap();
        request.extensions_mut().insert(ClientAddress(from.parse().unwrap()));
        if let Some((name, groups)) = who {
            request.extensions_mut().insert(Identity::new(name, groups).unwrap());
        }
        let answer = tower::ServiceExt::oneshot(port.clone(), request).await.unwrap();
        let form = answer.headers().get(header::CONTENT_TYPE).map(|form| form.to_str().unwrap().to_owned());
        (answer.status().as_u16(), form.unwrap_or_default(), answer.headers().contains_key(header::RETRY_AFTER))
    }

    #[tokio::test]
    async fn each_door_of_the_port_refuses_one_too_many_in_its_own_form() {
        let of_two = || Limits::new(NonZeroU32::MIN, NonZeroU32::new(2).unwrap());
        let limits = PortLimits { known: of_two(), nobody: of_two() };
        let all = axum::Router::new().fallback(|| async { StatusCode::NO_CONTENT });
        let port = all.layer(axum::middleware::from_fn_with_state(limits, bound));
        let check = async |path: &str, who: Who<'_>, from: &str, form: Option<&str>| {
            let expected = form.map_or((204, "", false), |form| (429, form, true));
            let (status, form, later) = ask(&port, path, who, from).await;
            assert_eq!((status, form.as_str(), later), expected, "{path} {who:?} {from}");
        };
        let (pods, session) = ("/api/v1/configmaps", "/seaway/v1/session");
        let (status, problem) = (Some("application/json"), Some(crate::problem::MEDIA_TYPE));
        let (here, there) = ("192.0.2.1", "192.0.2.2");
        let (eve, bob, admin): (Who, Who, Who) = (Some(("eve", &[])), Some(("bob", &[])), Some(("admin", &[MASTERS])));
        check(pods, eve, here, None).await;
        check(session, eve, there, None).await;
        check(pods, eve, here, status).await;
        check("/apis/kargo.akuity.io/v1alpha1/stages", eve, here, status).await;
        check(session, eve, there, problem).await;
        check(pods, bob, here, None).await;
        for _ in 0..4 {
            check(pods, admin, here, None).await;
        }
        check(session, None, here, None).await;
        check(session, None, here, None).await;
        check(session, None, here, problem).await;
        check(pods, None, here, status).await;
        check(session, None, there, None).await;
    }
}
