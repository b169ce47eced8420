//! The OpenAPI 3.1 document of `/seaway/v1`, made of the handlers themselves.

use crate::problem::Problem;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use std::sync::OnceLock;
use utoipa::openapi::OpenApi;
use utoipa::openapi::info::InfoBuilder;

/// The document.
pub fn openapi() -> OpenApi {
    let mut document = crate::routes::documented().into_openapi();
    document.info = InfoBuilder::new()
        .title("Seaway")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "What is more than a resource. Resources themselves are served as the Kubernetes API, at /api and /apis.",
        ))
        .build();
    document
}

/// This document
#[utoipa::path(get, path = "/seaway/v1/openapi.json", tag = "across projects",
    responses((status = 200, body = Object), (status = 304, description = "It is as it was")))]
pub(crate) async fn document() -> Response {
    static TEXT: OnceLock<Result<String, String>> = OnceLock::new();
    match TEXT.get_or_init(|| openapi().to_json().map_err(|err| err.to_string())) {
        Ok(text) => {
            let mut response = text.as_str().into_response();
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            response
        }
        Err(err) => Problem::bug("write the OpenAPI document", err).into_response(),
    }
}
