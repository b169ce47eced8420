//! Blobs: uploads in one piece or in chunks, mounts from other repositories, downloads whole or in ranges.

use super::Inner;
use super::route::{Answer, Denied, empty, query, set};
use super::storage::{is_digest, is_name};
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, Response, StatusCode};
use futures::StreamExt as _;
use std::io::SeekFrom;
use tokio::fs;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};
use tokio_util::io::ReaderStream;

fn unknown(digest: &str) -> Denied {
    Denied::missing("BLOB_UNKNOWN", format!("blob `{digest}` is not here"))
}

/// Gives a blob, or the range that was asked for.
pub(super) async fn get(inner: &Inner, name: &str, digest: &str, headers: &HeaderMap, head: bool) -> Answer {
    if !is_digest(digest) || !inner.storage.has_blob(name, digest).await {
        return Err(unknown(digest));
    }
    let mut file = fs::File::open(inner.storage.blob(digest)).await?;
    let size = file.metadata().await?.len();
    let range = headers.get("range").and_then(|value| value.to_str().ok()).and_then(|text| parse_range(text, size));
    let (status, start, end) = match range {
        None => (StatusCode::OK, 0, size),
        Some(Some((start, end))) => (StatusCode::PARTIAL_CONTENT, start, end),
        Some(None) => {
            let span = format!("bytes */{size}");
            return Ok(empty(StatusCode::RANGE_NOT_SATISFIABLE, &[("content-range", &span)]));
        }
    };
    file.seek(SeekFrom::Start(start)).await?;
    let body = if head { Body::empty() } else { Body::from_stream(ReaderStream::new(file.take(end - start))) };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    set(&mut response, "content-type", "application/octet-stream");
    set(&mut response, "content-length", &(end - start).to_string());
    set(&mut response, "accept-ranges", "bytes");
    set(&mut response, "docker-content-digest", digest);
    set(&mut response, "etag", &format!("\"{digest}\""));
    if status == StatusCode::PARTIAL_CONTENT {
        set(&mut response, "content-range", &format!("bytes {start}-{}/{size}", end - 1));
    }
    Ok(response)
}

/// One range of bytes as start and end (exclusive); outer `None` for forms we ignore, inner for one that cannot be met.
fn parse_range(text: &str, size: u64) -> Option<Option<(u64, u64)>> {
    let (start, end) = text.strip_prefix("bytes=")?.split_once('-')?;
    let (start, end) = match (start.parse::<u64>(), end.parse::<u64>()) {
        (Ok(start), Ok(end)) => (start, end.saturating_add(1).min(size)),
        (Ok(start), Err(_)) if end.is_empty() => (start, size),
        (Err(_), Ok(last)) if start.is_empty() => (size.saturating_sub(last), size),
        _ => return None,
    };
    Some((start < end).then_some((start, end)))
}

pub(super) async fn delete(inner: &Inner, name: &str, digest: &str) -> Answer {
    if !is_digest(digest) || inner.storage.unlink_blob(name, digest).await.is_err() {
        return Err(unknown(digest));
    }
    Ok(empty(StatusCode::ACCEPTED, &[]))
}

/// Begins an upload, or does all of it where the request says enough.
pub(super) async fn begin(inner: &Inner, name: &str, request: Request) -> Answer {
    let asked = query(&request);
    if let (Some(digest), Some(from)) = (asked.get("mount"), asked.get("from"))
        && is_digest(digest)
        && is_name(from)
        && inner.storage.has_blob(from, digest).await
    {
        inner.storage.link_blob(name, digest).await?;
        return Ok(created(name, digest));
    }
    let id = inner.random.uuid();
    fs::write(inner.storage.upload(&id), b"").await?;
    if asked.contains_key("digest") {
        return finish(inner, name, &id, request).await;
    }
    let location = format!("/v2/{name}/blobs/uploads/{id}");
    Ok(empty(StatusCode::ACCEPTED, &[("location", &location), ("docker-upload-uuid", &id), ("range", "0-0")]))
}

fn created(name: &str, digest: &str) -> Response<Body> {
    let location = format!("/v2/{name}/blobs/{digest}");
    empty(StatusCode::CREATED, &[("location", &location), ("docker-content-digest", digest)])
}

/// The size of an upload that is under way.
async fn size_of(inner: &Inner, id: &str) -> Result<u64, Denied> {
    let good = !id.is_empty() && id.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    let missing = || Denied::missing("BLOB_UPLOAD_UNKNOWN", "no such upload");
    let found = if good { fs::metadata(inner.storage.upload(id)).await.ok() } else { None };
    found.map(|found| found.len()).ok_or_else(missing)
}

async fn take_body(inner: &Inner, id: &str, request: Request) -> Result<u64, Denied> {
    let size = size_of(inner, id).await?;
    let start = request.headers().get("content-range").and_then(|value| value.to_str().ok());
    let start = start.and_then(|text| text.trim_start_matches("bytes ").split('-').next()?.parse::<u64>().ok());
    if start.is_some_and(|start| start != size) {
        return Err(Denied::new(StatusCode::RANGE_NOT_SATISFIABLE, "BLOB_UPLOAD_INVALID", format!("continue at {size}")));
    }
    let mut file = fs::OpenOptions::new().append(true).open(inner.storage.upload(id)).await?;
    let mut stream = request.into_body().into_data_stream();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|err| Denied::bad("BLOB_UPLOAD_INVALID", format!("the upload broke off: {err}")))?;
        file.write_all(&chunk).await?;
    }
    file.flush().await?;
    Ok(file.metadata().await?.len())
}

fn under_way(name: &str, id: &str, status: StatusCode, size: u64) -> Response<Body> {
    let location = format!("/v2/{name}/blobs/uploads/{id}");
    let range = format!("0-{}", size.saturating_sub(1));
    empty(status, &[("location", &location), ("docker-upload-uuid", id), ("range", &range)])
}

/// Takes one more chunk.
pub(super) async fn append(inner: &Inner, name: &str, id: &str, request: Request) -> Answer {
    let size = take_body(inner, id, request).await?;
    Ok(under_way(name, id, StatusCode::ACCEPTED, size))
}

/// Tells how far an upload is.
pub(super) async fn progress(inner: &Inner, name: &str, id: &str) -> Answer {
    let size = size_of(inner, id).await?;
    Ok(under_way(name, id, StatusCode::NO_CONTENT, size))
}

pub(super) async fn cancel(inner: &Inner, id: &str) -> Answer {
    size_of(inner, id).await?;
    fs::remove_file(inner.storage.upload(id)).await?;
    Ok(empty(StatusCode::NO_CONTENT, &[]))
}

/// Takes the last chunk and the blob in.
pub(super) async fn finish(inner: &Inner, name: &str, id: &str, request: Request) -> Answer {
    let digest = query(&request).remove("digest").unwrap_or_default();
    if !is_digest(&digest) {
        return Err(Denied::bad("DIGEST_INVALID", format!("`{digest}` is no sha256 digest")));
    }
    take_body(inner, id, request).await?;
    if !inner.storage.finish_upload(name, id, &digest).await? {
        return Err(Denied::bad("DIGEST_INVALID", format!("the content is not `{digest}`")));
    }
    Ok(created(name, &digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_http_has_them() {
        assert_eq!(parse_range("bytes=0-3", 10), Some(Some((0, 4))));
        assert_eq!(parse_range("bytes=8-99", 10), Some(Some((8, 10))));
        assert_eq!(parse_range("bytes=4-", 10), Some(Some((4, 10))));
        assert_eq!(parse_range("bytes=-3", 10), Some(Some((7, 10))));
        assert_eq!(parse_range("bytes=10-", 10), Some(None));
        assert_eq!(parse_range("lines=1-2", 10), None);
    }
}
