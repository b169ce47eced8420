//! A refusal or failure as `application/problem+json` (RFC 9457): what, where, what to do, and an id that is in the log.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use seaway_core::authorize;
use seaway_core::freight::LookupError;
use seaway_core::reason::Reason;
use seaway_verbs::VerbError;
use serde::Serialize;
use std::fmt;

/// Where the types of problems live; the last part is the word that clients look at.
const TYPES: &str = "https://seaway.dev/problems/";
/// What a body of this form is.
pub const MEDIA_TYPE: &str = "application/problem+json";
/// A detail is cut after so many bytes: what upstream said may be long.
const DETAIL_BYTES_MAX: usize = 4096;

/// What kind of problem it is: a stable word, a status and a title.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// Nobody is signed in, or the session or token has ended.
    NotAuthenticated,
    /// Whoever asks lacks the right.
    NotAuthorised,
    /// The request came from a page of another origin.
    ForeignOrigin,
    /// The request was sent to a host name that is not ours.
    ForeignHost,
    /// No such object or path.
    NotFound,
    /// The path does not answer to that method.
    MethodNotAllowed,
    /// What would be written is not what was planned.
    PlanChanged,
    /// The stage has a promotion that is not over.
    PromotionOpen,
    /// The object is not in a state in which that makes sense.
    NotNow,
    /// Somebody else changed it meanwhile.
    Conflict,
    /// The request cannot be read.
    Malformed,
    /// The request can be read and says what cannot be.
    Invalid,
    /// The body is too large.
    TooLarge,
    /// The body is of a form that is not read here.
    UnsupportedMediaType,
    /// Too much was asked in too short a time.
    TooManyRequests,
    /// It took longer than it was given; it may go on.
    TimedOut,
    /// What the answer needs does not answer.
    Unavailable,
    /// Seaway met an error of its own.
    Bug,
    /// An object's state is the cause: the word is the reason's of the catalogue, such as `freight-not-available`.
    State(Reason),
}

impl Type {
    /// The word, its status and its title.
    fn parts(self) -> (String, StatusCode, &'static str) {
        let (word, status, title) = match self {
            Self::NotAuthenticated => ("not-authenticated", StatusCode::UNAUTHORIZED, "not signed in"),
            Self::NotAuthorised => ("not-authorised", StatusCode::FORBIDDEN, "a right is lacking"),
            Self::ForeignOrigin => ("foreign-origin", StatusCode::FORBIDDEN, "the request came from another site"),
            Self::ForeignHost => ("foreign-host", StatusCode::MISDIRECTED_REQUEST, "this host name is not served here"),
            Self::NotFound => ("not-found", StatusCode::NOT_FOUND, "not found"),
            Self::MethodNotAllowed => ("method-not-allowed", StatusCode::METHOD_NOT_ALLOWED, "not by this method"),
            Self::PlanChanged => ("plan-changed", StatusCode::CONFLICT, "what would be written is not what was planned"),
            Self::PromotionOpen => ("promotion-open", StatusCode::CONFLICT, "the stage has an open promotion"),
            Self::NotNow => ("not-now", StatusCode::CONFLICT, "not as it stands"),
            Self::Conflict => ("conflict", StatusCode::CONFLICT, "it was changed meanwhile"),
            Self::Malformed => ("invalid", StatusCode::BAD_REQUEST, "the request cannot be read"),
            Self::Invalid => ("invalid", StatusCode::UNPROCESSABLE_ENTITY, "what was asked for cannot be"),
            Self::TooLarge => ("too-large", StatusCode::PAYLOAD_TOO_LARGE, "the body is too large"),
            Self::UnsupportedMediaType => {
                ("unsupported-media-type", StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body is of another form")
            }
            Self::TooManyRequests => ("too-many-requests", StatusCode::TOO_MANY_REQUESTS, "too many requests"),
            Self::TimedOut => ("timed-out", StatusCode::GATEWAY_TIMEOUT, "not done in time"),
            Self::Unavailable => ("unavailable", StatusCode::SERVICE_UNAVAILABLE, "not available"),
            Self::Bug => ("bug", StatusCode::INTERNAL_SERVER_ERROR, "Seaway met an error of its own"),
            Self::State(reason) => return (kebab(reason.as_str()), StatusCode::CONFLICT, reason.meaning()),
        };
        (word.to_owned(), status, title)
    }
}

/// `FreightNotAvailable` is `freight-not-available`.
fn kebab(word: &str) -> String {
    let mut kebab = String::with_capacity(word.len() + 4);
    for (at, letter) in word.char_indices() {
        if letter.is_ascii_uppercase() && at > 0 {
            kebab.push('-');
        }
        kebab.push(letter.to_ascii_lowercase());
    }
    kebab
}

/// A problem. It is logged under its id when it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    kind: Type,
    detail: String,
    hint: String,
    retry_after_seconds: Option<u64>,
}

/// The body of a problem.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// What kind it is: `https://seaway.dev/problems/<word>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The same for people.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What happened, and to what.
    pub detail: String,
    /// What to do about it; empty where there is nothing to do.
    pub hint: String,
    /// Under this the server's log has it.
    pub id: String,
}

impl Problem {
    /// A problem of that kind; the detail says what happened to what.
    pub fn new(kind: Type, detail: impl Into<String>) -> Self {
        let mut detail: String = detail.into();
        if detail.len() > DETAIL_BYTES_MAX {
            detail.truncate(detail.floor_char_boundary(DETAIL_BYTES_MAX));
            detail.push('…');
        }
        Self { kind, detail, hint: String::new(), retry_after_seconds: None }
    }

    /// With what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// With how long to wait before asking again.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// Nothing of that kind goes by that name.
    pub fn not_found(what: impl fmt::Display) -> Self {
        Self::new(Type::NotFound, format!("no {what}"))
    }

    /// A parameter or field that says what cannot be.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(Type::Invalid, detail)
    }

    /// Something went wrong that should not have: the detail goes to the log and not to the client.
    pub fn bug(what: &str, cause: impl fmt::Display) -> Self {
        tracing::error!(what, cause = %cause, "an error of our own");
        Self::new(Type::Bug, format!("{what}: an error of Seaway's own")).hint("the server's log has more under this id")
    }

    /// What kind it is.
    pub const fn kind(&self) -> Type {
        self.kind
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.kind.parts().1
    }

    /// What happened.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The body, under this id.
    pub fn body(&self, id: String) -> ProblemBody {
        let (word, status, title) = self.kind.parts();
        let (detail, hint) = (self.detail.clone(), self.hint.clone());
        ProblemBody { kind: format!("{TYPES}{word}"), title, status: status.as_u16(), detail, hint, id }
    }

    /// From an HTTP code of the Kubernetes API and what it said.
    fn of_code(code: u16, detail: String, hint: String) -> Self {
        let kind = match code {
            400 => Type::Malformed,
            401 => Type::NotAuthenticated,
            403 => Type::NotAuthorised,
            404 | 410 => Type::NotFound,
            405 => Type::MethodNotAllowed,
            409 => Type::Conflict,
            413 => Type::TooLarge,
            415 => Type::UnsupportedMediaType,
            422 => Type::Invalid,
            429 => Type::TooManyRequests,
            503 => Type::Unavailable,
            504 => Type::TimedOut,
            _ => Type::Bug,
        };
        Self::new(kind, detail).hint(hint)
    }
}

impl From<VerbError> for Problem {
    fn from(err: VerbError) -> Self {
        let (hint, detail) = (err.hint(), err.to_string());
        let kind = match &err {
            VerbError::Refused { code, .. } => return Self::of_code(*code, detail, hint),
            VerbError::NoSuch { .. } | VerbError::Freight(LookupError::NotFound { .. }) => Type::NotFound,
            VerbError::Freight(LookupError::Several { .. }) => Type::Invalid,
            VerbError::NotAvailable { .. } => Type::State(Reason::FreightNotAvailable),
            VerbError::Conflict { .. } => Type::Conflict,
            VerbError::Unreadable { .. } => Type::State(Reason::Unreadable),
            VerbError::TimedOut { .. } => Type::TimedOut,
            VerbError::NotNow(_) => Type::NotNow,
            VerbError::Unreachable { .. } => {
                tracing::error!(cause = seaway_base::chain(&err), "reach the control plane");
                Type::Unavailable
            }
        };
        Self::new(kind, detail).hint(hint)
    }
}

impl From<kube::Error> for Problem {
    fn from(err: kube::Error) -> Self {
        VerbError::api("ask the control plane", err).into()
    }
}

impl From<authorize::Denied> for Problem {
    fn from(denied: authorize::Denied) -> Self {
        Self::new(Type::NotAuthorised, denied.message).hint("somebody who has the right must do it, or give it to you")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let id: String = seaway_base::ids::secret_bytes::<8>().iter().map(|byte| format!("{byte:02x}")).collect();
        let body = self.body(id);
        let (id, kind, detail) = (&body.id, &body.kind, &body.detail);
        if body.status >= 500 {
            tracing::error!(id, kind, detail = ?detail, "a request failed");
        } else {
            tracing::info!(id, kind, detail = ?detail, "a request was refused");
        }
        let text = serde_json::to_string(&body).unwrap_or_else(|_| "{}".to_owned());
        let mut response = (self.status(), text).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.kind == Type::NotAuthenticated {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(problem: Problem, status: u16, word: &str) {
        let body = problem.body("id".to_owned());
        assert_eq!((body.status, body.kind), (status, format!("{TYPES}{word}")));
        assert!(!body.title.is_empty() && !body.detail.is_empty());
    }

    #[test]
    fn what_a_verb_says_becomes_a_problem_of_a_stable_type() {
        let refused =
            |code| VerbError::Refused { what: "promote to `qa`".to_owned(), message: "User \"eve\" …".to_owned(), code }.into();
        check(refused(401), 401, "not-authenticated");
        check(refused(403), 403, "not-authorised");
        check(refused(404), 404, "not-found");
        check(refused(409), 409, "conflict");
        check(refused(422), 422, "invalid");
        check(refused(418), 500, "bug");
        check(VerbError::NotNow("stage `qa` has no hold".to_owned()).into(), 409, "not-now");
        let what = || "promote to `qa`".to_owned();
        let unavailable =
            VerbError::NotAvailable { what: what(), why: "w".to_owned(), releases: "r".to_owned(), hint: String::new() };
        check(unavailable.into(), 409, "freight-not-available");
        check(VerbError::TimedOut { what: what(), seconds: 1 }.into(), 504, "timed-out");
        check(VerbError::no_such("stage", "qa", "bank", std::iter::empty()).into(), 404, "not-found");
        check(authorize::Denied { message: "eve may not promote stages qa".to_owned() }.into(), 403, "not-authorised");
    }

    #[test]
    fn a_long_detail_is_cut_between_characters() {
        let problem = Problem::new(Type::Invalid, "ü".repeat(DETAIL_BYTES_MAX));
        assert!(problem.detail().len() <= DETAIL_BYTES_MAX + '…'.len_utf8());
    }

    #[test]
    fn a_response_says_its_form_and_when_to_come_again() {
        let response = Problem::new(Type::TooManyRequests, "slower").retry_after(3).into_response();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()[header::CONTENT_TYPE], MEDIA_TYPE);
        assert_eq!(response.headers()[header::RETRY_AFTER], "3");
    }
}
