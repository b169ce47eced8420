//! Every way a request can fail, and the `Status` that tells the client.

use crate::admit::Denied;
use crate::kind::Kind;
use crate::validate::FieldError;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use seaway_store::{Key, StoreError};
use serde_json::{Value, json};
use std::ops::Deref;

/// What an error is about, for `details`. Boxed, so that results stay small.
#[derive(Debug, Clone)]
pub(crate) struct About(Box<Names>);

#[derive(Debug, Clone)]
pub(crate) struct Names {
    group: String,
    plural: String,
    kind: String,
    name: String,
}

impl Deref for About {
    type Target = Names;
    fn deref(&self) -> &Names {
        &self.0
    }
}

impl About {
    pub(crate) fn new(kind: &Kind, name: &str) -> Self {
        let (group, plural, kind) = (kind.group.clone(), kind.plural.clone(), kind.kind.clone());
        Self(Box::new(Names { group, plural, kind, name: name.to_owned() }))
    }

    fn resource(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }

    fn kind(&self) -> String {
        if self.group.is_empty() { self.kind.clone() } else { format!("{}.{}", self.kind, self.group) }
    }
}

/// One cause in a `Status`.
#[derive(Debug, Clone)]
pub(crate) struct Cause {
    pub(crate) reason: String,
    pub(crate) message: String,
    pub(crate) field: String,
}

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{0}")]
    BadRequest(String),
    #[error("the request carries no identity")]
    Unauthorized,
    #[error("{}{message}", forbidden_prefix(about))]
    Forbidden { about: Option<About>, message: String, causes: Vec<Cause> },
    #[error("the server could not find the requested resource")]
    NoResource,
    #[error("{} \"{}\" not found", .0.resource(), .0.name)]
    NotFound(About),
    #[error("{} \"{}\" already exists", .0.resource(), .0.name)]
    Exists(About),
    #[error("Operation cannot be fulfilled on {} \"{}\": {message}", about.resource(), about.name)]
    Conflict { about: About, message: String },
    #[error("{message}")]
    Applied { about: About, message: String, causes: Vec<Cause> },
    #[error("{} \"{}\" is invalid: {}", about.kind(), about.name, listed(errors))]
    Invalid { about: About, errors: Vec<FieldError> },
    #[error("{}", denied.message)]
    Denied { about: About, denied: Denied },
    #[error("{0}")]
    MediaType(String),
    #[error("the body is larger than 1 MiB")]
    TooLarge,
    #[error("{0}")]
    Expired(String),
    #[error("the server does not allow this method on the requested resource")]
    Method,
    #[error("{0}")]
    NotAcceptable(String),
    #[error("{0}")]
    TooMany(String),
    #[error("the store has stopped")]
    Stopped,
    #[error("{0}")]
    Internal(String),
}

fn forbidden_prefix(about: &Option<About>) -> String {
    match about {
        None => String::new(),
        Some(about) if about.name.is_empty() => format!("{} is forbidden: ", about.resource()),
        Some(about) => format!("{} \"{}\" is forbidden: ", about.resource(), about.name),
    }
}

fn listed(errors: &[FieldError]) -> String {
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    if texts.len() == 1 { texts.concat() } else { format!("[{}]", texts.join(", ")) }
}

impl Failure {
    pub(crate) fn invalid(kind: &Kind, name: &str, errors: Vec<FieldError>) -> Self {
        Self::Invalid { about: About::new(kind, name), errors }
    }

    pub(crate) fn conflict(kind: &Kind, name: &str) -> Self {
        let message = "the object has been modified; please apply your changes to the latest version and try again".to_owned();
        Self::Conflict { about: About::new(kind, name), message }
    }

    /// What the store said about a request for `kind`; errors of other objects of the batch name those.
    pub(crate) fn of_store(err: StoreError, kind: &Kind) -> Self {
        let about = |key: &Key| match *key.resource == *kind.storage {
            true => About::new(kind, &key.name),
            false => {
                let (plural, group) = key.resource.split_once('.').unwrap_or((&key.resource, ""));
                let (group, plural, name) = (group.to_owned(), plural.to_owned(), key.name.to_string());
                About(Box::new(Names { group, kind: plural.clone(), plural, name }))
            }
        };
        match &err {
            StoreError::Exists { key } => Self::Exists(about(key)),
            StoreError::NotFound { key } => Self::NotFound(about(key)),
            StoreError::Conflict { key, .. } => Self::Conflict {
                about: about(key),
                message: "the object has been modified; please apply your changes to the latest version and try again".to_owned(),
            },
            StoreError::Changed { key } | StoreError::Taken { holder: key, .. } => {
                Self::Conflict { about: about(key), message: err.to_string() }
            }
            StoreError::Stopped => Self::Stopped,
            _ => Self::Internal(seaway_base::chain(&err)),
        }
    }

    fn code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::BadRequest(_) => (StatusCode::BAD_REQUEST, "BadRequest"),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "Unauthorized"),
            Self::Forbidden { .. } => (StatusCode::FORBIDDEN, "Forbidden"),
            Self::NoResource | Self::NotFound(_) => (StatusCode::NOT_FOUND, "NotFound"),
            Self::Exists(_) => (StatusCode::CONFLICT, "AlreadyExists"),
            Self::Conflict { .. } | Self::Applied { .. } => (StatusCode::CONFLICT, "Conflict"),
            Self::Invalid { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "Invalid"),
            Self::Denied { denied, .. } => {
                (StatusCode::from_u16(denied.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), denied.reason)
            }
            Self::MediaType(_) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge"),
            Self::Expired(_) => (StatusCode::GONE, "Expired"),
            Self::Method => (StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed"),
            Self::NotAcceptable(_) => (StatusCode::NOT_ACCEPTABLE, "NotAcceptable"),
            Self::TooMany(_) => (StatusCode::TOO_MANY_REQUESTS, "TooManyRequests"),
            Self::Stopped => (StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable"),
            Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "InternalError"),
        }
    }

    /// The `Status` object, as a body or inside a watch.
    pub(crate) fn status(&self) -> Value {
        let (code, reason) = self.code();
        let about = match self {
            Self::NotFound(about) | Self::Exists(about) => Some(about),
            Self::Conflict { about, .. } | Self::Applied { about, .. } | Self::Invalid { about, .. } => Some(about),
            Self::Denied { about, .. } => Some(about),
            Self::Forbidden { about, .. } => about.as_ref(),
            _ => None,
        };
        let causes: Vec<Cause> = match self {
            Self::Invalid { errors, .. } => errors
                .iter()
                .map(|err| Cause { reason: err.kind.reason().to_owned(), message: err.message.clone(), field: err.path.clone() })
                .collect(),
            Self::Denied { denied, .. } => denied
                .causes
                .iter()
                .map(|cause| Cause {
                    reason: cause.reason.to_owned(),
                    message: cause.message.clone(),
                    field: cause.field.clone(),
                })
                .collect(),
            Self::Applied { causes, .. } | Self::Forbidden { causes, .. } => causes.clone(),
            _ => Vec::new(),
        };
        let mut details = serde_json::Map::new();
        if let Some(about) = about {
            let kind = if matches!(self, Self::Invalid { .. }) { &about.kind } else { &about.plural };
            if !about.name.is_empty() {
                details.insert("name".into(), json!(about.name));
            }
            details.insert("group".into(), json!(about.group));
            details.insert("kind".into(), json!(kind));
        }
        if !causes.is_empty() {
            let cause = |cause: &Cause| json!({"reason": cause.reason, "message": cause.message, "field": cause.field});
            details.insert("causes".into(), causes.iter().map(cause).collect());
        }
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": self.to_string(),
            "reason": reason, "details": details, "code": code.as_u16()})
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        if let Self::Internal(message) = &self {
            tracing::error!(message, "a request failed by our own fault");
        }
        let mut response = (self.code().0, axum::Json(self.status())).into_response();
        if matches!(self, Self::TooMany(_)) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}
