//! Basic authentication, the only kind that neighbours know.

use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use seaway_base::Secret;

/// A user and a password that every request must carry.
#[derive(Debug, Clone)]
pub struct Login {
    /// The user.
    pub username: String,
    /// The password.
    pub password: Secret<String>,
}

impl Login {
    /// This user with this password.
    pub fn new(username: impl Into<String>, password: impl Into<String>) -> Self {
        Self { username: username.into(), password: Secret::new(password.into()) }
    }

    /// Does the request carry it?
    pub(crate) fn is_in(&self, headers: &HeaderMap) -> bool {
        let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let Some((kind, encoded)) = value.split_once(' ') else { return false };
        let decoded = STANDARD.decode(encoded.trim()).unwrap_or_default();
        let expected = format!("{}:{}", self.username, self.password.reveal());
        kind.eq_ignore_ascii_case("basic") && decoded == expected.as_bytes()
    }
}

/// Asks for a login.
pub(crate) fn challenge<B: Default>(realm: &'static str, body: B) -> Response<B> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    let value = HeaderValue::from_static(realm);
    response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    response
}
