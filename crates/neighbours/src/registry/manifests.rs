//! Manifests, tags and referrers.

use super::route::{Answer, Denied, empty, json_response, set};
use super::storage::{digest_of, is_digest, is_tag};
use super::{Inner, RegistryEvent};
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, Response, StatusCode};
use serde_json::{Value, json};
use std::collections::HashMap;

/// No manifest is longer.
const MAX_MANIFEST_BYTES: usize = 4 << 20;

fn unknown(reference: &str) -> Denied {
    Denied::missing("MANIFEST_UNKNOWN", format!("manifest `{reference}` is not here"))
}

fn known(inner: &Inner, name: &str) -> Result<(), Denied> {
    let missing = || Denied::missing("NAME_UNKNOWN", format!("repository `{name}` is not here"));
    inner.storage.exists(name).then_some(()).ok_or_else(missing)
}

/// Lists tags in lexical order, in pages.
pub(super) async fn tags(inner: &Inner, name: &str, asked: &HashMap<String, String>) -> Answer {
    known(inner, name)?;
    let mut tags = inner.storage.tags(name).await;
    if let Some(last) = asked.get("last") {
        tags.retain(|tag| tag > last);
    }
    let limit = inner.options.page_tags_max;
    let wanted = asked.get("n").and_then(|n| n.parse::<usize>().ok());
    let page = match (wanted, limit) {
        (None, 0) => tags.len(),
        (None, limit) => limit,
        (Some(n), 0) => n,
        (Some(n), limit) => n.min(limit),
    };
    let more = tags.len() > page;
    tags.truncate(page);
    let mut response = json_response(&json!({ "name": name, "tags": tags }));
    if more && let Some(last) = tags.last() {
        set(&mut response, "link", &format!("</v2/{name}/tags/list?n={page}&last={last}>; rel=\"next\""));
    }
    Ok(response)
}

async fn resolve(inner: &Inner, name: &str, reference: &str) -> Result<String, Denied> {
    known(inner, name)?;
    if is_digest(reference) {
        return Ok(reference.to_owned());
    }
    let found = if is_tag(reference) { inner.storage.tag(name, reference).await } else { None };
    found.ok_or_else(|| unknown(reference))
}

/// Gives a manifest by tag or digest.
pub(super) async fn get(inner: &Inner, name: &str, reference: &str, headers: &HeaderMap) -> Answer {
    let digest = resolve(inner, name, reference).await?;
    let (media_type, bytes) = inner.storage.manifest(name, &digest).await.ok_or_else(|| unknown(reference))?;
    let etag = format!("\"{digest}\"");
    let seen = headers.get("if-none-match").and_then(|value| value.to_str().ok());
    if seen.is_some_and(|seen| seen.split(',').any(|seen| seen.trim().trim_matches('"') == digest)) {
        return Ok(empty(StatusCode::NOT_MODIFIED, &[("etag", &etag), ("docker-content-digest", &digest)]));
    }
    let mut response = Response::new(Body::from(bytes.clone()));
    set(&mut response, "content-type", &media_type);
    set(&mut response, "content-length", &bytes.len().to_string());
    set(&mut response, "docker-content-digest", &digest);
    set(&mut response, "etag", &etag);
    Ok(response)
}

/// Everything a manifest needs is here.
async fn check_parts(inner: &Inner, name: &str, manifest: &Value) -> Result<(), Denied> {
    let digests = |key: &str| {
        let list = manifest[key].as_array().into_iter().flatten();
        list.filter_map(|part| part["digest"].as_str()).map(str::to_owned).collect::<Vec<_>>()
    };
    let mut blobs = digests("layers");
    blobs.extend(manifest["config"]["digest"].as_str().map(str::to_owned));
    for digest in blobs {
        if !inner.storage.has_blob(name, &digest).await {
            return Err(Denied::missing("MANIFEST_BLOB_UNKNOWN", format!("blob `{digest}` was not pushed")));
        }
    }
    for digest in digests("manifests") {
        if !inner.storage.has_manifest(name, &digest).await {
            return Err(Denied::missing("MANIFEST_BLOB_UNKNOWN", format!("manifest `{digest}` was not pushed")));
        }
    }
    Ok(())
}

/// Takes a manifest by tag or digest.
pub(super) async fn put(inner: &Inner, name: &str, reference: &str, request: Request) -> Answer {
    if !is_digest(reference) && !is_tag(reference) {
        return Err(Denied::bad("TAG_INVALID", format!("`{reference}` is neither tag nor digest")));
    }
    let media_type = request.headers().get("content-type").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let read = axum::body::to_bytes(request.into_body(), MAX_MANIFEST_BYTES).await;
    let too_long = |_| Denied::new(StatusCode::PAYLOAD_TOO_LARGE, "MANIFEST_INVALID", "the manifest is too long");
    let bytes = read.map_err(too_long)?;
    let invalid = |err: serde_json::Error| Denied::bad("MANIFEST_INVALID", err.to_string());
    let manifest: Value = serde_json::from_slice(&bytes).map_err(invalid)?;
    let media_type = manifest["mediaType"].as_str().map(str::to_owned).or(media_type).unwrap_or_default();
    if is_digest(reference) && digest_of(&bytes) != reference {
        return Err(Denied::bad("DIGEST_INVALID", format!("the content is not `{reference}`")));
    }
    check_parts(inner, name, &manifest).await?;
    let digest = inner.storage.put_manifest(name, &media_type, &bytes).await?;
    if !is_digest(reference) {
        inner.storage.set_tag(name, reference, &digest).await?;
        inner.tell(RegistryEvent::Pushed { repository: name.to_owned(), tag: reference.to_owned(), digest: digest.clone() });
    }
    let location = format!("/v2/{name}/manifests/{digest}");
    let mut response = empty(StatusCode::CREATED, &[("location", &location), ("docker-content-digest", &digest)]);
    if let Some(subject) = manifest["subject"]["digest"].as_str() {
        set(&mut response, "oci-subject", subject);
    }
    Ok(response)
}

/// Deletes a tag, or a manifest with all its tags.
pub(super) async fn delete(inner: &Inner, name: &str, reference: &str) -> Answer {
    let digest = resolve(inner, name, reference).await?;
    let gone = |tag: &str| RegistryEvent::Deleted { repository: name.to_owned(), tag: tag.to_owned() };
    if is_digest(reference) {
        if !inner.storage.has_manifest(name, &digest).await {
            return Err(unknown(reference));
        }
        for tag in inner.storage.tags(name).await {
            if inner.storage.tag(name, &tag).await.as_deref() == Some(&*digest) {
                inner.storage.delete_tag(name, &tag).await?;
                inner.tell(gone(&tag));
            }
        }
        inner.storage.delete_manifest(name, &digest).await?;
    } else {
        inner.storage.delete_tag(name, reference).await?;
        inner.tell(gone(reference));
    }
    Ok(empty(StatusCode::ACCEPTED, &[]))
}

/// Lists the manifests whose subject is `digest`.
pub(super) async fn referrers(inner: &Inner, name: &str, digest: &str, asked: &HashMap<String, String>) -> Answer {
    if !is_digest(digest) {
        return Err(Denied::bad("DIGEST_INVALID", format!("`{digest}` is no sha256 digest")));
    }
    let wanted = asked.get("artifactType");
    let mut found = Vec::new();
    for own in inner.storage.manifests(name).await {
        let Some((media_type, bytes)) = inner.storage.manifest(name, &own).await else { continue };
        let Ok(manifest) = serde_json::from_slice::<Value>(&bytes) else { continue };
        let kind = manifest["artifactType"].as_str().or(manifest["config"]["mediaType"].as_str()).unwrap_or_default();
        if manifest["subject"]["digest"].as_str() == Some(digest) && wanted.is_none_or(|wanted| wanted == kind) {
            let mut entry = json!({ "mediaType": media_type, "digest": own, "size": bytes.len(), "artifactType": kind });
            if let Some(annotations) = manifest.get("annotations") {
                entry["annotations"] = annotations.clone();
            }
            found.push(entry);
        }
    }
    let media_type = "application/vnd.oci.image.index.v1+json";
    let mut response = json_response(&json!({ "schemaVersion": 2, "mediaType": media_type, "manifests": found }));
    set(&mut response, "content-type", media_type);
    if wanted.is_some() {
        set(&mut response, "oci-filters-applied", "artifactType");
    }
    Ok(response)
}
